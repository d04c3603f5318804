#include "gemm/gemm.hpp"

#include "blas/handle.hpp"
#include "runtime/pool.hpp"

using namespace cudnn4j;

namespace {

/** The matrices of a batch, a number of elements apart; a single product is a batch of one. */
template <class T>
struct Batch {
  Matrix<T> first;
  long long stride;

  T* operator[](int i) const { return first.data + stride * i; }

  Range range(int count) const {
    Range range = first.range();
    if (range.address != nullptr) range.bytes += static_cast<size_t>(stride) * (count - 1) * sizeof(T);
    return range;
  }
};

/** In is the type of A and B, Out that of C, and Factor that of alpha and beta. */
template <class In, class Out, class Factor>
struct Product {
  cublasOperation_t op_a, op_b;
  int m, n, k;
  Batch<const In> a, b;
  Batch<Out> c;
  Scalar<Factor> alpha, beta;
  int count;

  bool valid() const {
    return a.first.valid() && b.first.valid() && c.first.valid() && a.stride >= 0 &&
           b.stride >= 0 && c.stride >= 0 && alpha.valid() && beta.valid();
  }

  bool pointers_given() const {
    return c.first.data != nullptr &&
           (k == 0 || (a.first.data != nullptr && b.first.data != nullptr));
  }

  /** A column-major product is the row-major product of the transposes, in the other order. */
  void operator()() const {
    const bool trans_a = op_a != CUBLAS_OP_N;
    const bool trans_b = op_b != CUBLAS_OP_N;
    const auto factor = static_cast<Computed<In>>(alpha.get());
    const auto keep = static_cast<Computed<In>>(beta.get());
    const auto multiply = [&](auto product, int i) {
      product(trans_b, trans_a, n, m, k, factor, b[i], b.first.leading, a[i], a.first.leading,
              keep, c[i], c.first.leading);
    };
    // Few large products are divided themselves, many are dealt out.
    constexpr int many = 4;
    if (count < many) {
      for (int i = 0; i < count; ++i) multiply(gemm<In, Out>, i);
    } else {
      parallel_for(count, [&](int i) { multiply(gemm_serial<In, Out>, i); });
    }
  }
};

template <class In, class Out, class Factor>
cublasStatus_t multiply(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b,
                        int m, int n, int k, const Factor* alpha, const In* a, int lda,
                        long long stride_a, const In* b, int ldb, long long stride_b,
                        const Factor* beta, Out* c, int ldc, long long stride_c, int count) {
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!known(op_a) || !known(op_b) || m < 0 || n < 0 || k < 0 || count < 0) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const Product<In, Out, Factor> product{op_a,
                                         op_b,
                                         m,
                                         n,
                                         k,
                                         {matrix_for(op_a, a, m, k, lda), stride_a},
                                         {matrix_for(op_b, b, k, n, ldb), stride_b},
                                         {{c, m, n, ldc}, stride_c},
                                         Scalar<Factor>(*blas, alpha),
                                         Scalar<Factor>(*blas, beta),
                                         count};
  if (!product.valid()) return CUBLAS_STATUS_INVALID_VALUE;
  if (m == 0 || n == 0 || count == 0) return CUBLAS_STATUS_SUCCESS;
  if (!product.pointers_given()) return CUBLAS_STATUS_INVALID_VALUE;
  return submit(*blas,
                {product.a.range(count), product.b.range(count), product.c.range(count),
                 product.alpha.range(), product.beta.range()},
                product);
}

cublasStatus_t multiply_typed(cublasHandle_t handle, cublasOperation_t op_a,
                              cublasOperation_t op_b, int m, int n, int k, const void* alpha,
                              const void* a, cudaDataType a_type, int lda, long long stride_a,
                              const void* b, cudaDataType b_type, int ldb, long long stride_b,
                              const void* beta, void* c, cudaDataType c_type, int ldc,
                              long long stride_c, int count, cublasComputeType_t compute) {
  const auto call = [&]<class In, class Out, class Factor>(In, Out, Factor) {
    return multiply(handle, op_a, op_b, m, n, k, static_cast<const Factor*>(alpha),
                    static_cast<const In*>(a), lda, stride_a, static_cast<const In*>(b), ldb,
                    stride_b, static_cast<const Factor*>(beta), static_cast<Out*>(c), ldc,
                    stride_c, count);
  };
  if (a_type != b_type) return CUBLAS_STATUS_NOT_SUPPORTED;
  const auto types = [&](cudaDataType in, cudaDataType out) {
    return a_type == in && c_type == out;
  };
  switch (compute) {
    case CUBLAS_COMPUTE_32F:
    case CUBLAS_COMPUTE_32F_PEDANTIC:
      if (types(CUDA_R_16F, CUDA_R_16F)) return call(Half{}, Half{}, float{});
      if (types(CUDA_R_16F, CUDA_R_32F)) return call(Half{}, float{}, float{});
      if (types(CUDA_R_16BF, CUDA_R_16BF)) return call(BFloat16{}, BFloat16{}, float{});
      if (types(CUDA_R_16BF, CUDA_R_32F)) return call(BFloat16{}, float{}, float{});
      [[fallthrough]];
    case CUBLAS_COMPUTE_32F_FAST_16F:
    case CUBLAS_COMPUTE_32F_FAST_16BF:
    case CUBLAS_COMPUTE_32F_FAST_TF32:
      // The fast ones may round A and B on a GPU. Here nothing would be gained by that.
      if (types(CUDA_R_32F, CUDA_R_32F)) return call(float{}, float{}, float{});
      break;
    case CUBLAS_COMPUTE_16F:
    case CUBLAS_COMPUTE_16F_PEDANTIC:
      // Summed up in float all the same.
      if (types(CUDA_R_16F, CUDA_R_16F)) return call(Half{}, Half{}, Half{});
      break;
    case CUBLAS_COMPUTE_64F:
    case CUBLAS_COMPUTE_64F_PEDANTIC:
      if (types(CUDA_R_64F, CUDA_R_64F)) return call(double{}, double{}, double{});
      break;
    default:
      break;
  }
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

}  // namespace

CUDNN4J_API cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t op_a,
                                          cublasOperation_t op_b, int m, int n, int k,
                                          const float* alpha, const float* a, int lda,
                                          const float* b, int ldb, const float* beta, float* c,
                                          int ldc) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    return multiply(handle, op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
  };
}

CUDNN4J_API cublasStatus_t cublasDgemm_v2(cublasHandle_t handle, cublasOperation_t op_a,
                                          cublasOperation_t op_b, int m, int n, int k,
                                          const double* alpha, const double* a, int lda,
                                          const double* b, int ldb, const double* beta, double* c,
                                          int ldc) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    return multiply(handle, op_a, op_b, m, n, k, alpha, a, lda, 0, b, ldb, 0, beta, c, ldc, 0, 1);
  };
}

CUDNN4J_API cublasStatus_t cublasSgemmStridedBatched(
    cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
    const float* alpha, const float* a, int lda, long long stride_a, const float* b, int ldb,
    long long stride_b, const float* beta, float* c, int ldc, long long stride_c, int batch) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    return multiply(handle, op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta,
                    c, ldc, stride_c, batch);
  };
}

CUDNN4J_API cublasStatus_t cublasDgemmStridedBatched(
    cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
    const double* alpha, const double* a, int lda, long long stride_a, const double* b, int ldb,
    long long stride_b, const double* beta, double* c, int ldc, long long stride_c, int batch) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    return multiply(handle, op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta,
                    c, ldc, stride_c, batch);
  };
}

CUDNN4J_API cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t op_a,
                                        cublasOperation_t op_b, int m, int n, int k,
                                        const void* alpha, const void* a, cudaDataType a_type,
                                        int lda, const void* b, cudaDataType b_type, int ldb,
                                        const void* beta, void* c, cudaDataType c_type, int ldc,
                                        cublasComputeType_t compute, cublasGemmAlgo_t) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    return multiply_typed(handle, op_a, op_b, m, n, k, alpha, a, a_type, lda, 0, b, b_type, ldb,
                          0, beta, c, c_type, ldc, 0, 1, compute);
  };
}

CUDNN4J_API cublasStatus_t cublasGemmStridedBatchedEx(
    cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k,
    const void* alpha, const void* a, cudaDataType a_type, int lda, long long stride_a,
    const void* b, cudaDataType b_type, int ldb, long long stride_b, const void* beta, void* c,
    cudaDataType c_type, int ldc, long long stride_c, int batch, cublasComputeType_t compute,
    cublasGemmAlgo_t) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    return multiply_typed(handle, op_a, op_b, m, n, k, alpha, a, a_type, lda, stride_a, b, b_type,
                          ldb, stride_b, beta, c, c_type, ldc, stride_c, batch, compute);
  };
}
