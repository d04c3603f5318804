#include <algorithm>

#include "blas/handle.hpp"
#include "blas/reduce.hpp"
#include "runtime/pool.hpp"
#include "runtime/vectors.hpp"

using namespace cudnn4j;

namespace {

/** Elements of a matrix that make a piece worth a thread. */
constexpr int64_t piece = 16384;

/** Calls range(begin, end) for pieces of [0, lines), each of them of `length` elements. */
template <class F>
void divide(int64_t lines, int64_t length, F range) {
  const int64_t most = std::min<int64_t>(lines, 64);
  const int64_t parts = std::clamp<int64_t>(lines * length / piece, 1, most);
  parallel_for(static_cast<int>(parts), [&](int part) {
    range(lines * part / parts, lines * (part + 1) / parts);
  });
}

/** y += factor * A x; four columns at a time, so that y is read and written less often. */
template <class T>
__attribute__((always_inline)) inline void add_four_columns(const T* a, int64_t leading,
                                                            const T* x, int64_t columns, T factor,
                                                            T* y, int64_t rows) {
  int64_t j = 0;
  for (; j + 4 <= columns; j += 4) {
    const T* column = a + j * leading;
    const T x0 = factor * x[j], x1 = factor * x[j + 1];
    const T x2 = factor * x[j + 2], x3 = factor * x[j + 3];
#pragma GCC ivdep
    for (int64_t i = 0; i < rows; ++i) {
      y[i] += (x0 * column[i] + x1 * column[i + leading]) +
              (x2 * column[i + 2 * leading] + x3 * column[i + 3 * leading]);
    }
  }
  for (; j < columns; ++j) {
    const T* column = a + j * leading;
    const T scaled = factor * x[j];
#pragma GCC ivdep
    for (int64_t i = 0; i < rows; ++i) y[i] += scaled * column[i];
  }
}

CUDNN4J_VECTORS void add_scaled_columns(const float* a, int64_t leading, const float* x,
                                        int64_t columns, float factor, float* y, int64_t rows) {
  add_four_columns(a, leading, x, columns, factor, y, rows);
}

CUDNN4J_VECTORS void add_scaled_columns(const double* a, int64_t leading, const double* x,
                                        int64_t columns, double factor, double* y, int64_t rows) {
  add_four_columns(a, leading, x, columns, factor, y, rows);
}

/** y = alpha op(A) x + beta y; with beta = 0 the old y is not read. */
template <class T>
struct MatrixVector {
  cublasOperation_t op;
  Matrix<const T> a;
  Vector<const T> x;
  Vector<T> y;
  Scalar<T> alpha, beta;

  void operator()() const {
    const T factor = alpha.get();
    const T keep = beta.get();
    divide(y.count, x.count, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) y[i] = keep == 0 ? T(0) : keep * y[i];
      if (factor == 0) return;
      if (op == CUBLAS_OP_N) {
        add_columns(begin, end, factor);
      } else {
        add_dots(begin, end, factor);
      }
    });
  }

  void add_columns(int64_t begin, int64_t end, T factor) const {
    if (y.contiguous() && x.contiguous()) {
      add_scaled_columns(a.data + begin, a.leading, x.data, x.count, factor, y.data + begin,
                         end - begin);
      return;
    }
    for (int64_t j = 0; j < x.count; ++j) {
      const T scaled = factor * x[j];
      const T* column = a.data + j * a.leading;
      for (int64_t i = begin; i < end; ++i) y[i] += scaled * column[i];
    }
  }

  void add_dots(int64_t begin, int64_t end, T factor) const {
    for (int64_t i = begin; i < end; ++i) {
      const Vector<const T> column{a.data + i * a.leading, a.rows, 1};
      y[i] += factor * static_cast<T>(dot(column, x));
    }
  }
};

template <class T>
cublasStatus_t gemv(cublasHandle_t handle, cublasOperation_t op, int m, int n, const T* alpha,
                    const T* a, int lda, const T* x, int incx, const T* beta, T* y, int incy) {
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!known(op) || m < 0 || n < 0 || incx == 0 || incy == 0) return CUBLAS_STATUS_INVALID_VALUE;
  const bool plain = op == CUBLAS_OP_N;
  const MatrixVector<T> product{op,
                                {a, m, n, lda},
                                {x, plain ? n : m, incx},
                                {y, plain ? m : n, incy},
                                Scalar<T>(*blas, alpha),
                                Scalar<T>(*blas, beta)};
  if (!product.a.valid() || !product.alpha.valid() || !product.beta.valid()) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  if (a == nullptr || x == nullptr || y == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  return submit(*blas,
                {product.a.range(), product.x.range(), product.y.range(), product.alpha.range(),
                 product.beta.range()},
                product);
}

/** C = alpha op(A) + beta op(B); a matrix whose factor is 0 is not read. */
template <class T>
struct MatrixSum {
  cublasOperation_t op_a, op_b;
  Matrix<const T> a, b;
  Matrix<T> c;
  Scalar<T> alpha, beta;

  static T element(const Matrix<const T>& matrix, cublasOperation_t op, int64_t row,
                   int64_t column) {
    return op == CUBLAS_OP_N ? matrix.data[column * matrix.leading + row]
                             : matrix.data[row * matrix.leading + column];
  }

  void operator()() const {
    const T of_a = alpha.get();
    const T of_b = beta.get();
    divide(c.columns, c.rows, [&](int64_t begin, int64_t end) {
      for (int64_t column = begin; column < end; ++column) {
        for (int64_t row = 0; row < c.rows; ++row) {
          T sum = 0;
          if (of_a != 0) sum = of_a * element(a, op_a, row, column);
          if (of_b != 0) sum += of_b * element(b, op_b, row, column);
          c.data[column * c.leading + row] = sum;
        }
      }
    });
  }

  /** In place is defined for a matrix that keeps its layout. */
  bool overlap_allowed() const {
    const auto allowed = [this](const Matrix<const T>& source, cublasOperation_t op) {
      return source.data != c.data || (op == CUBLAS_OP_N && source.leading == c.leading);
    };
    return allowed(a, op_a) && allowed(b, op_b);
  }
};

template <class T>
cublasStatus_t geam(cublasHandle_t handle, cublasOperation_t op_a, cublasOperation_t op_b, int m,
                    int n, const T* alpha, const T* a, int lda, const T* beta, const T* b, int ldb,
                    T* c, int ldc) {
  const BlasHandle* blas = find_blas(handle);
  if (blas == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (!known(op_a) || !known(op_b) || m < 0 || n < 0) return CUBLAS_STATUS_INVALID_VALUE;
  const MatrixSum<T> sum{op_a,
                         op_b,
                         matrix_for(op_a, a, m, n, lda),
                         matrix_for(op_b, b, m, n, ldb),
                         {c, m, n, ldc},
                         Scalar<T>(*blas, alpha),
                         Scalar<T>(*blas, beta)};
  const bool valid = sum.a.valid() && sum.b.valid() && sum.c.valid() && sum.alpha.valid() &&
                     sum.beta.valid() && sum.overlap_allowed();
  if (!valid) return CUBLAS_STATUS_INVALID_VALUE;
  if (m == 0 || n == 0) return CUBLAS_STATUS_SUCCESS;
  if (a == nullptr || b == nullptr || c == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  return submit(
      *blas, {sum.a.range(), sum.b.range(), sum.c.range(), sum.alpha.range(), sum.beta.range()},
      sum);
}

}  // namespace

CUDNN4J_API cublasStatus_t cublasSgemv_v2(cublasHandle_t handle, cublasOperation_t op, int m,
                                          int n, const float* alpha, const float* a, int lda,
                                          const float* x, int incx, const float* beta, float* y,
                                          int incy) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} <<
         [&] { return gemv(handle, op, m, n, alpha, a, lda, x, incx, beta, y, incy); };
}

CUDNN4J_API cublasStatus_t cublasDgemv_v2(cublasHandle_t handle, cublasOperation_t op, int m,
                                          int n, const double* alpha, const double* a, int lda,
                                          const double* x, int incx, const double* beta, double* y,
                                          int incy) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} <<
         [&] { return gemv(handle, op, m, n, alpha, a, lda, x, incx, beta, y, incy); };
}

CUDNN4J_API cublasStatus_t cublasSgeam(cublasHandle_t handle, cublasOperation_t op_a,
                                       cublasOperation_t op_b, int m, int n, const float* alpha,
                                       const float* a, int lda, const float* beta, const float* b,
                                       int ldb, float* c, int ldc) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    return geam(handle, op_a, op_b, m, n, alpha, a, lda, beta, b, ldb, c, ldc);
  };
}

CUDNN4J_API cublasStatus_t cublasDgeam(cublasHandle_t handle, cublasOperation_t op_a,
                                       cublasOperation_t op_b, int m, int n, const double* alpha,
                                       const double* a, int lda, const double* beta,
                                       const double* b, int ldb, double* c, int ldc) {
  CUDNN4J_CALL_SITE(true);
  return BlasCall{cudnn4j_call_site} << [&] {
    return geam(handle, op_a, op_b, m, n, alpha, a, lda, beta, b, ldb, c, ldc);
  };
}
