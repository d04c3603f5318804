#include "gemm/gemm.hpp"

#include <algorithm>

#include "gemm/packed.hpp"
#include "gemm/scratch.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// Depth of a block: a packed panel of it stays in the second-level cache.
constexpr int64_t depth_block = 512;
/// Columns of a block of the right operand.
constexpr int64_t column_block = 2048;
/// Rows of the left operand that one task takes at most; bounds its packed copy.
constexpr int64_t row_block = 96;
/// Multiply-adds below which handing work to other threads costs more than it saves.
constexpr double serial_limit = 2e5;

template <class T>
void scale(int64_t m, int64_t n, T beta, T* c, int64_t ldc) {
  if (beta == T(1)) return;
  for (int64_t i = 0; i < m; ++i) {
    T* row = c + i * ldc;
    if (beta == T(0)) {
      std::fill(row, row + n, T(0));
    } else {
      for (int64_t j = 0; j < n; ++j) row[j] *= beta;
    }
  }
}

struct Serial {
  static int threads() { return 1; }
  template <class F>
  static void run(int count, F&& f) {
    for (int i = 0; i < count; ++i) f(i);
  }
};

struct Pooled {
  static int threads() { return pool_threads(); }
  template <class F>
  static void run(int count, F&& f) {
    parallel_for(count, f);
  }
};

template <class Work, class T>
void blocked(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
             int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  const bool accumulate = beta != T(0);
  if (k <= 0 || alpha == T(0)) return scale(m, n, beta, c, ldc);
  if (accumulate) scale(m, n, beta, c, ldc);

  static thread_local Scratch<T> right_scratch;
  const Packed<T>& kernels = packed<T>();
  const int64_t depth = std::min(k, depth_block);
  const int64_t width = std::min(n, column_block);
  T* const right = right_scratch.reserve(kernels.size(depth, width));
  const int64_t rows = rows_per_task(m, kernels.rows, row_block, Work::threads());
  const int tasks = static_cast<int>((m + rows - 1) / rows);

  for (int64_t j = 0; j < n; j += width) {
    const int64_t columns = std::min(width, n - j);
    const int64_t panels = (columns + kernels.columns - 1) / kernels.columns;
    for (int64_t p = 0; p < k; p += depth) {
      const int64_t deep = std::min(depth, k - p);
      Work::run(static_cast<int>(panels), [&](int i) {
        const int64_t first = i * kernels.columns;
        const int64_t from = j + first;
        const T* source = trans_b ? b + from * ldb + p : b + p * ldb + from;
        kernels.pack(trans_b, deep, std::min(kernels.columns, columns - first), alpha, source, ldb,
                     right + i * kernels.columns * deep, deep * kernels.columns);
      });
      Work::run(tasks, [&](int i) {
        const int64_t row = i * rows;
        const int64_t height = std::min(rows, m - row);
        T* out = c + row * ldc + j;
        const bool add = accumulate || p > 0;
        Term<T> term{Rows<T>{a + row * lda + p, lda, 1}, right, deep, deep * kernels.columns};
        if (!trans_a) return kernels.multiply(height, columns, &term, 1, out, ldc, add);

        static thread_local Scratch<T> left_scratch;
        T* const left = left_scratch.reserve((height + kernels.rows) * deep);
        kernels.pack_left(deep, height, a + p * lda + row, lda, left, nullptr);
        for (int64_t q = 0; q < height; q += kernels.rows) {
          term.a = Rows<T>{left + q * deep, 1, kernels.rows};
          kernels.multiply(std::min(kernels.rows, height - q), columns, &term, 1, out + q * ldc,
                           ldc, add);
        }
      });
    }
  }
}

}  // namespace

template <class T>
void gemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                 int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  blocked<Serial>(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc) {
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  if (work < serial_limit) {
    return gemm_serial(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
  blocked<Pooled>(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#define CUDNN4J_INSTANTIATE(T)                                                                   \
  template void gemm<T>(bool, bool, int64_t, int64_t, int64_t, T, const T*, int64_t, const T*,   \
                        int64_t, T, T*, int64_t);                                                \
  template void gemm_serial<T>(bool, bool, int64_t, int64_t, int64_t, T, const T*, int64_t,      \
                               const T*, int64_t, T, T*, int64_t);
CUDNN4J_INSTANTIATE(float)
CUDNN4J_INSTANTIATE(double)
#undef CUDNN4J_INSTANTIATE

}  // namespace cudnn4j
