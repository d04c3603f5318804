#include <algorithm>

#include "blas/handle.hpp"
#include "blas/reduce.hpp"
#include "runtime/pool.hpp"

using namespace cudnn4j;

namespace {

/**
 * Writes value() to `result`, which is device or host memory by the handle's mode. In host mode the
 * call waits, so it cannot be captured.
 */
template <class T, class Value>
cublasStatus_t give(const BlasHandle& handle, std::initializer_list<Range> inputs, T* result,
                    Value value) {
  Stream* stream = find_stream(handle.stream);
  const bool host_result = handle.pointer_mode == CUBLAS_POINTER_MODE_HOST;
  const Range output{host_result ? nullptr : result, sizeof(T), Use::Write};
  if (stream == nullptr || !accessible(inputs) || !accessible({output})) {
    return CUBLAS_STATUS_EXECUTION_FAILED;
  }
  const auto work = [result, value] { *result = static_cast<T>(value()); };
  if (host_result && stream->capturing()) return blas_status(stream->synchronize());
  Range ranges[3] = {output};
  const auto end = std::copy(inputs.begin(), inputs.end(), ranges + 1);
  const cudaError_t error =
      stream->submit(std::span<const Range>(ranges, static_cast<size_t>(end - ranges)), work);
  if (error != cudaSuccess || !host_result) return blas_status(error);
  return blas_status(stream->synchronize());
}

template <class T, class Reduce>
cublasStatus_t reduce(cublasHandle_t handle, int n, const T* x, int incx, T* result,
                      Reduce reduction) {
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const Scalar<T> target(*blas, result);
  if (!target.valid()) return CUBLAS_STATUS_INVALID_VALUE;
  if (n <= 0 || incx <= 0) return give(*blas, {}, result, [] { return 0.0; });
  if (x == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  const Vector<const T> vector{x, n, incx};
  return give(*blas, {vector.range()}, result,
              [vector, reduction] { return reduction(vector); });
}

template <class T>
cublasStatus_t norm(cublasHandle_t handle, int n, const T* x, int incx, T* result) {
  return reduce(handle, n, x, incx, result, [](Vector<const T> v) { return norm2(v); });
}

template <class T>
cublasStatus_t asum(cublasHandle_t handle, int n, const T* x, int incx, T* result) {
  return reduce(handle, n, x, incx, result, [](Vector<const T> v) { return absolute_sum(v); });
}

template <class T>
cublasStatus_t inner(cublasHandle_t handle, int n, const T* x, int incx, const T* y, int incy,
                     T* result) {
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const Scalar<T> target(*blas, result);
  if (!target.valid()) return CUBLAS_STATUS_INVALID_VALUE;
  if (n <= 0) return give(*blas, {}, result, [] { return 0.0; });
  if (x == nullptr || y == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  const Vector<const T> left{x, n, incx};
  const Vector<const T> right{y, n, incy};
  return give(*blas, {left.range(), right.range()}, result,
              [left, right] { return dot(left, right); });
}

/** Calls element(i) for every i, in pieces that are worth a thread. */
template <class Element>
void for_each_element(int64_t count, Element element) {
  constexpr int64_t least = 16384;
  const int64_t parts =
      std::clamp<int64_t>(count / least, 1, int64_t{4} * std::max(1, pool_threads()));
  parallel_for(static_cast<int>(parts), [&](int part) {
    const int64_t end = count * (part + 1) / parts;
    for (int64_t i = count * part / parts; i < end; ++i) element(i);
  });
}

template <class T>
cublasStatus_t axpy(cublasHandle_t handle, int n, const T* alpha, const T* x, int incx, T* y,
                    int incy) {
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const Scalar<T> factor(*blas, alpha);
  if (!factor.valid()) return CUBLAS_STATUS_INVALID_VALUE;
  if (n <= 0) return CUBLAS_STATUS_SUCCESS;
  if (x == nullptr || y == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  // All additions to one element would have to be in order.
  if (incy == 0) return CUBLAS_STATUS_NOT_SUPPORTED;
  const Vector<const T> from{x, n, incx};
  const Vector<T> to{y, n, incy};
  return submit(*blas, {from.range(), to.range(), factor.range()}, [factor, from, to] {
    const T a = factor.get();
    if (from.contiguous() && to.contiguous()) {
      for_each_element(to.count, [a, x = from.data, y = to.data](int64_t i) { y[i] += a * x[i]; });
    } else {
      for_each_element(to.count, [a, from, to](int64_t i) { to[i] += a * from[i]; });
    }
  });
}

template <class T>
cublasStatus_t scale(cublasHandle_t handle, int n, const T* alpha, T* x, int incx) {
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  const Scalar<T> factor(*blas, alpha);
  if (!factor.valid()) return CUBLAS_STATUS_INVALID_VALUE;
  if (n <= 0 || incx <= 0) return CUBLAS_STATUS_SUCCESS;
  if (x == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  const Vector<T> vector{x, n, incx};
  return submit(*blas, {vector.range(), factor.range()}, [factor, vector] {
    const T a = factor.get();
    if (vector.contiguous()) {
      for_each_element(vector.count, [a, x = vector.data](int64_t i) { x[i] *= a; });
    } else {
      for_each_element(vector.count, [a, vector](int64_t i) { vector[i] *= a; });
    }
  });
}

}  // namespace

CUDNN4J_API cublasStatus_t cublasSnrm2_v2(cublasHandle_t handle, int n, const float* x, int incx,
                                          float* result) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] { return norm(handle, n, x, incx, result); };
}

CUDNN4J_API cublasStatus_t cublasDnrm2_v2(cublasHandle_t handle, int n, const double* x, int incx,
                                          double* result) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] { return norm(handle, n, x, incx, result); };
}

CUDNN4J_API cublasStatus_t cublasNrm2Ex(cublasHandle_t handle, int n, const void* x,
                                        cudaDataType x_type, int incx, void* result,
                                        cudaDataType result_type, cudaDataType execution_type) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    const auto call = [&]<class T>(T) {
      return norm(handle, n, static_cast<const T*>(x), incx, static_cast<T*>(result));
    };
    const auto executed = x_type == CUDA_R_64F ? CUDA_R_64F : CUDA_R_32F;
    if (x_type != result_type || execution_type != executed) return CUBLAS_STATUS_NOT_SUPPORTED;
    switch (x_type) {
      case CUDA_R_32F:
        return call(float{});
      case CUDA_R_64F:
        return call(double{});
      case CUDA_R_16F:
        return call(Half{});
      case CUDA_R_16BF:
        return call(BFloat16{});
    }
    return CUBLAS_STATUS_NOT_SUPPORTED;
  };
}

CUDNN4J_API cublasStatus_t cublasSasum_v2(cublasHandle_t handle, int n, const float* x, int incx,
                                          float* result) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] { return asum(handle, n, x, incx, result); };
}

CUDNN4J_API cublasStatus_t cublasDasum_v2(cublasHandle_t handle, int n, const double* x, int incx,
                                          double* result) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] { return asum(handle, n, x, incx, result); };
}

CUDNN4J_API cublasStatus_t cublasSdot_v2(cublasHandle_t handle, int n, const float* x, int incx,
                                         const float* y, int incy, float* result) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} <<
         [&] { return inner(handle, n, x, incx, y, incy, result); };
}

CUDNN4J_API cublasStatus_t cublasDdot_v2(cublasHandle_t handle, int n, const double* x, int incx,
                                         const double* y, int incy, double* result) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} <<
         [&] { return inner(handle, n, x, incx, y, incy, result); };
}

CUDNN4J_API cublasStatus_t cublasSaxpy_v2(cublasHandle_t handle, int n, const float* alpha,
                                          const float* x, int incx, float* y, int incy) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} <<
         [&] { return axpy(handle, n, alpha, x, incx, y, incy); };
}

CUDNN4J_API cublasStatus_t cublasDaxpy_v2(cublasHandle_t handle, int n, const double* alpha,
                                          const double* x, int incx, double* y, int incy) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} <<
         [&] { return axpy(handle, n, alpha, x, incx, y, incy); };
}

CUDNN4J_API cublasStatus_t cublasSscal_v2(cublasHandle_t handle, int n, const float* alpha,
                                          float* x, int incx) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] { return scale(handle, n, alpha, x, incx); };
}

CUDNN4J_API cublasStatus_t cublasDscal_v2(cublasHandle_t handle, int n, const double* alpha,
                                          double* x, int incx) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] { return scale(handle, n, alpha, x, incx); };
}
