// Compiles only where the vendor's headers are installed, and only if ours agree with them.

#include <cstddef>

#include "abi/check/same_abi.hpp"

// Ours come first, because the vendor's define some of the names as macros.
#define CUDNN4J_ABI_CHECK
namespace host_abi {
#include "abi/cublas_abi.h"
}

#include <cublas_v2.h>

CHECK_CONSTANT(CUBLAS_STATUS_SUCCESS);
CHECK_CONSTANT(CUBLAS_STATUS_NOT_INITIALIZED);
CHECK_CONSTANT(CUBLAS_STATUS_ALLOC_FAILED);
CHECK_CONSTANT(CUBLAS_STATUS_INVALID_VALUE);
CHECK_CONSTANT(CUBLAS_STATUS_ARCH_MISMATCH);
CHECK_CONSTANT(CUBLAS_STATUS_MAPPING_ERROR);
CHECK_CONSTANT(CUBLAS_STATUS_EXECUTION_FAILED);
CHECK_CONSTANT(CUBLAS_STATUS_INTERNAL_ERROR);
CHECK_CONSTANT(CUBLAS_STATUS_NOT_SUPPORTED);
CHECK_CONSTANT(CUBLAS_STATUS_LICENSE_ERROR);
CHECK_CONSTANT(CUBLAS_OP_N);
CHECK_CONSTANT(CUBLAS_OP_T);
CHECK_CONSTANT(CUBLAS_OP_C);
CHECK_CONSTANT(CUBLAS_POINTER_MODE_HOST);
CHECK_CONSTANT(CUBLAS_POINTER_MODE_DEVICE);
CHECK_CONSTANT(CUBLAS_ATOMICS_NOT_ALLOWED);
CHECK_CONSTANT(CUBLAS_ATOMICS_ALLOWED);
CHECK_CONSTANT(CUBLAS_DEFAULT_MATH);
CHECK_CONSTANT(CUBLAS_TENSOR_OP_MATH);
CHECK_CONSTANT(CUBLAS_PEDANTIC_MATH);
CHECK_CONSTANT(CUBLAS_TF32_TENSOR_OP_MATH);
CHECK_CONSTANT(CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION);
CHECK_CONSTANT(CUBLAS_COMPUTE_16F);
CHECK_CONSTANT(CUBLAS_COMPUTE_16F_PEDANTIC);
CHECK_CONSTANT(CUBLAS_COMPUTE_32F);
CHECK_CONSTANT(CUBLAS_COMPUTE_32F_PEDANTIC);
CHECK_CONSTANT(CUBLAS_COMPUTE_64F);
CHECK_CONSTANT(CUBLAS_COMPUTE_64F_PEDANTIC);
CHECK_CONSTANT(CUBLAS_COMPUTE_32F_FAST_16F);
CHECK_CONSTANT(CUBLAS_COMPUTE_32F_FAST_16BF);
CHECK_CONSTANT(CUBLAS_COMPUTE_32F_FAST_TF32);
CHECK_CONSTANT(CUBLAS_GEMM_DEFAULT);
CHECK_CONSTANT(CUBLAS_GEMM_DEFAULT_TENSOR_OP);
CHECK_CONSTANT(CUDA_R_32F);
CHECK_CONSTANT(CUDA_R_64F);
CHECK_CONSTANT(CUDA_R_16F);
CHECK_CONSTANT(CUDA_R_16BF);
CHECK_CONSTANT(MAJOR_VERSION);
CHECK_CONSTANT(MINOR_VERSION);
CHECK_CONSTANT(PATCH_LEVEL);

CHECK_FUNCTION(cublasGetProperty);
CHECK_FUNCTION(cublasCreate_v2);
CHECK_FUNCTION(cublasDestroy_v2);
CHECK_FUNCTION(cublasGetVersion_v2);
CHECK_FUNCTION(cublasGetStatusName);
CHECK_FUNCTION(cublasGetStatusString);
CHECK_FUNCTION(cublasSetStream_v2);
CHECK_FUNCTION(cublasGetStream_v2);
CHECK_FUNCTION(cublasSetPointerMode_v2);
CHECK_FUNCTION(cublasGetPointerMode_v2);
CHECK_FUNCTION(cublasSetMathMode);
CHECK_FUNCTION(cublasSetAtomicsMode);
CHECK_FUNCTION(cublasSetWorkspace_v2);
CHECK_FUNCTION(cublasSnrm2_v2);
CHECK_FUNCTION(cublasDnrm2_v2);
CHECK_FUNCTION(cublasNrm2Ex);
CHECK_FUNCTION(cublasSasum_v2);
CHECK_FUNCTION(cublasDasum_v2);
CHECK_FUNCTION(cublasSdot_v2);
CHECK_FUNCTION(cublasDdot_v2);
CHECK_FUNCTION(cublasSaxpy_v2);
CHECK_FUNCTION(cublasDaxpy_v2);
CHECK_FUNCTION(cublasSscal_v2);
CHECK_FUNCTION(cublasDscal_v2);
CHECK_FUNCTION(cublasSgemv_v2);
CHECK_FUNCTION(cublasDgemv_v2);
CHECK_FUNCTION(cublasSgeam);
CHECK_FUNCTION(cublasDgeam);
CHECK_FUNCTION(cublasSgemm_v2);
CHECK_FUNCTION(cublasDgemm_v2);
CHECK_FUNCTION(cublasSgemmStridedBatched);
CHECK_FUNCTION(cublasDgemmStridedBatched);

// The vendor's header overloads these two, so the C function is picked by its type.
using GemmEx = cublasStatus_t(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
                              const void*, const void*, cudaDataType, int, const void*,
                              cudaDataType, int, const void*, void*, cudaDataType, int,
                              cublasComputeType_t, cublasGemmAlgo_t);
using GemmStridedBatchedEx = cublasStatus_t(
    cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void*, const void*,
    cudaDataType, int, long long, const void*, cudaDataType, int, long long, const void*, void*,
    cudaDataType, int, long long, int, cublasComputeType_t, cublasGemmAlgo_t);
[[maybe_unused]] constexpr GemmEx* gemm_ex = ::cublasGemmEx;
[[maybe_unused]] constexpr GemmStridedBatchedEx* gemm_strided = ::cublasGemmStridedBatchedEx;
static_assert(cudnn4j::check::same_abi<decltype(host_abi::cublasGemmEx), GemmEx>);
static_assert(cudnn4j::check::same_abi<decltype(host_abi::cublasGemmStridedBatchedEx),
                                       GemmStridedBatchedEx>);
