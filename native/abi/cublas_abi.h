#pragma once

/*
 * The part of cuBLAS that the host device exports. Names, values and signatures are those of
 * cuBLAS 13; matrices are column-major.
 */

#include <cstddef>

#include "abi/cudart_abi.h"
#include "abi/export.h"

typedef struct cublasContext* cublasHandle_t;

enum cublasStatus_t : int {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_ALLOC_FAILED = 3,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_ARCH_MISMATCH = 8,
  CUBLAS_STATUS_MAPPING_ERROR = 11,
  CUBLAS_STATUS_EXECUTION_FAILED = 13,
  CUBLAS_STATUS_INTERNAL_ERROR = 14,
  CUBLAS_STATUS_NOT_SUPPORTED = 15,
  CUBLAS_STATUS_LICENSE_ERROR = 16,
};

enum cublasOperation_t : int { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1, CUBLAS_OP_C = 2 };

enum cublasPointerMode_t : int { CUBLAS_POINTER_MODE_HOST = 0, CUBLAS_POINTER_MODE_DEVICE = 1 };

enum cublasAtomicsMode_t : int { CUBLAS_ATOMICS_NOT_ALLOWED = 0, CUBLAS_ATOMICS_ALLOWED = 1 };

enum cublasMath_t : int {
  CUBLAS_DEFAULT_MATH = 0,
  CUBLAS_TENSOR_OP_MATH = 1,
  CUBLAS_PEDANTIC_MATH = 2,
  CUBLAS_TF32_TENSOR_OP_MATH = 3,
  CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION = 16,
};

enum cublasComputeType_t : int {
  CUBLAS_COMPUTE_16F = 64,
  CUBLAS_COMPUTE_16F_PEDANTIC = 65,
  CUBLAS_COMPUTE_32F = 68,
  CUBLAS_COMPUTE_32F_PEDANTIC = 69,
  CUBLAS_COMPUTE_64F = 70,
  CUBLAS_COMPUTE_64F_PEDANTIC = 71,
  CUBLAS_COMPUTE_32F_FAST_16F = 74,
  CUBLAS_COMPUTE_32F_FAST_16BF = 75,
  CUBLAS_COMPUTE_32F_FAST_TF32 = 77,
};

enum cublasGemmAlgo_t : int { CUBLAS_GEMM_DEFAULT = -1, CUBLAS_GEMM_DEFAULT_TENSOR_OP = 99 };

enum cudaDataType : int { CUDA_R_32F = 0, CUDA_R_64F = 1, CUDA_R_16F = 2, CUDA_R_16BF = 14 };

enum libraryPropertyType : int { MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL };

CUDNN4J_API cublasStatus_t cublasGetProperty(libraryPropertyType type, int* value);
CUDNN4J_API cublasStatus_t cublasCreate_v2(cublasHandle_t* handle);
CUDNN4J_API cublasStatus_t cublasDestroy_v2(cublasHandle_t handle);
CUDNN4J_API cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int* version);
CUDNN4J_API const char* cublasGetStatusName(cublasStatus_t status);
CUDNN4J_API const char* cublasGetStatusString(cublasStatus_t status);
CUDNN4J_API cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream);
CUDNN4J_API cublasStatus_t cublasGetStream_v2(cublasHandle_t handle, cudaStream_t* stream);
CUDNN4J_API cublasStatus_t cublasSetPointerMode_v2(cublasHandle_t handle,
                                                   cublasPointerMode_t mode);
CUDNN4J_API cublasStatus_t cublasGetPointerMode_v2(cublasHandle_t handle,
                                                   cublasPointerMode_t* mode);
CUDNN4J_API cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode);
CUDNN4J_API cublasStatus_t cublasSetAtomicsMode(cublasHandle_t handle, cublasAtomicsMode_t mode);
CUDNN4J_API cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace,
                                                 size_t bytes);

CUDNN4J_API cublasStatus_t cublasSnrm2_v2(cublasHandle_t handle, int n, const float* x, int incx,
                                          float* result);
CUDNN4J_API cublasStatus_t cublasDnrm2_v2(cublasHandle_t handle, int n, const double* x, int incx,
                                          double* result);
CUDNN4J_API cublasStatus_t cublasNrm2Ex(cublasHandle_t handle, int n, const void* x,
                                        cudaDataType x_type, int incx, void* result,
                                        cudaDataType result_type, cudaDataType execution_type);
CUDNN4J_API cublasStatus_t cublasSasum_v2(cublasHandle_t handle, int n, const float* x, int incx,
                                          float* result);
CUDNN4J_API cublasStatus_t cublasDasum_v2(cublasHandle_t handle, int n, const double* x, int incx,
                                          double* result);
CUDNN4J_API cublasStatus_t cublasSdot_v2(cublasHandle_t handle, int n, const float* x, int incx,
                                         const float* y, int incy, float* result);
CUDNN4J_API cublasStatus_t cublasDdot_v2(cublasHandle_t handle, int n, const double* x, int incx,
                                         const double* y, int incy, double* result);
CUDNN4J_API cublasStatus_t cublasSaxpy_v2(cublasHandle_t handle, int n, const float* alpha,
                                          const float* x, int incx, float* y, int incy);
CUDNN4J_API cublasStatus_t cublasDaxpy_v2(cublasHandle_t handle, int n, const double* alpha,
                                          const double* x, int incx, double* y, int incy);
CUDNN4J_API cublasStatus_t cublasSscal_v2(cublasHandle_t handle, int n, const float* alpha,
                                          float* x, int incx);
CUDNN4J_API cublasStatus_t cublasDscal_v2(cublasHandle_t handle, int n, const double* alpha,
                                          double* x, int incx);

CUDNN4J_API cublasStatus_t cublasSgemv_v2(cublasHandle_t handle, cublasOperation_t op, int m,
                                          int n, const float* alpha, const float* a, int lda,
                                          const float* x, int incx, const float* beta, float* y,
                                          int incy);
CUDNN4J_API cublasStatus_t cublasDgemv_v2(cublasHandle_t handle, cublasOperation_t op, int m,
                                          int n, const double* alpha, const double* a, int lda,
                                          const double* x, int incx, const double* beta, double* y,
                                          int incy);
CUDNN4J_API cublasStatus_t cublasSgeam(cublasHandle_t handle, cublasOperation_t op_a,
                                       cublasOperation_t op_b, int m, int n, const float* alpha,
                                       const float* a, int lda, const float* beta, const float* b,
                                       int ldb, float* c, int ldc);
CUDNN4J_API cublasStatus_t cublasDgeam(cublasHandle_t handle, cublasOperation_t op_a,
                                       cublasOperation_t op_b, int m, int n, const double* alpha,
                                       const double* a, int lda, const double* beta,
                                       const double* b, int ldb, double* c, int ldc);
CUDNN4J_API cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a,
                                          cublasOperation_t op_b, int m, int n, int k,
                                          const float* alpha, const float* a, int lda,
                                          const float* b, int ldb, const float* beta, float* c,
                                          int ldc);
CUDNN4J_API cublasStatus_t cublasDgemm_v2(cublasHandle_t handle, cublasOperation_t op_a,
                                          cublasOperation_t op_b, int m, int n, int k,
                                          const double* alpha, const double* a, int lda,
                                          const double* b, int ldb, const double* beta, double* c,
                                          int ldc);
CUDNN4J_API cublasStatus_t cublasSgemmStridedBatched(
    cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
    const float* alpha, const float* a, int lda, long long stride_a, const float* b, int ldb,
    long long stride_b, const float* beta, float* c, int ldc, long long stride_c, int batch);
CUDNN4J_API cublasStatus_t cublasDgemmStridedBatched(
    cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
    const double* alpha, const double* a, int lda, long long stride_a, const double* b, int ldb,
    long long stride_b, const double* beta, double* c, int ldc, long long stride_c, int batch);
CUDNN4J_API cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a,
                                        cublasOperation_t op_b, int m, int n, int k,
                                        const void* alpha, const void* a, cudaDataType a_type,
                                        int lda, const void* b, cudaDataType b_type, int ldb,
                                        const void* beta, void* c, cudaDataType c_type, int ldc,
                                        cublasComputeType_t compute, cublasGemmAlgo_t algorithm);
CUDNN4J_API cublasStatus_t cublasGemmStridedBatchedEx(
    cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
    const void* alpha, const void* a, cudaDataType a_type, int lda, long long stride_a,
    const void* b, cudaDataType b_type, int ldb, long long stride_b, const void* beta, void* c,
    cudaDataType c_type, int ldc, long long stride_c, int batch, cublasComputeType_t compute,
    cublasGemmAlgo_t algorithm);
