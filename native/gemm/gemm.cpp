#include "gemm/gemm.hpp"

#include <algorithm>
#include <type_traits>

#include "gemm/pack.hpp"
#include "gemm/scratch.hpp"
#include "runtime/memory.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// Depth of a block: a packed panel of it stays in the second-level cache.
constexpr int64_t depth_block = 512;
/// Columns of a block of the right operand.
constexpr int64_t column_block = 2048;
/// Rows of the left operand that one task takes at most; bounds its packed copy.
constexpr int64_t row_block = 96;
/// Rows that are not worth packing the right operand for.
constexpr int64_t few_rows = 24;
/// Multiply-adds below which handing work to other threads costs more than it saves.
constexpr double serial_limit = 2e5;

/// C *= beta, without reading it for 0.
template <class Out, class T = Computed<Out>>
void scale(int64_t m, int64_t n, T beta, Out* c, int64_t ldc) {
  if (beta == T(1)) return;
  for (int64_t i = 0; i < m; ++i) {
    Out* row = c + i * ldc;
    if (beta == T(0)) {
      std::fill(row, row + n, Out(T(0)));
    } else {
      for (int64_t j = 0; j < n; ++j) row[j] = Out(static_cast<T>(row[j]) * beta);
    }
  }
}

/// Copies a matrix, converting its numbers.
template <class From, class To>
void copy(int64_t m, int64_t n, const From* from, int64_t from_ld, To* to, int64_t to_ld) {
  for (int64_t i = 0; i < m; ++i) convert(n, from + i * from_ld, to + i * to_ld);
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

/// C[height, columns] = op(A)[height, deep] * the packed right operand, or added to C. `a` is where
/// op(A) begins.
template <class In, class T = Computed<In>>
void multiply(bool trans_a, int64_t height, int64_t columns, int64_t deep, const In* a, int64_t lda,
              const T* right, T* c, int64_t ldc, bool add) {
  static thread_local Scratch<T> left_scratch;
  const Packed<T>& kernels = packed<T>();
  Term<T> term{Left<T>{nullptr, lda}, right, deep, deep * kernels.columns};
  const T* source = nullptr;
  int64_t ld = lda;
  if constexpr (is_narrow<In>) {
    static thread_local Scratch<T> wide_scratch;
    T* const wide = wide_scratch.reserve(height * deep);
    ld = trans_a ? height : deep;
    copy(trans_a ? deep : height, ld, a, lda, wide, ld);
    source = wide;
  } else {
    source = a;
  }
  if (!trans_a) {
    term.a = Left<T>{source, ld};
    return kernels.multiply(height, columns, &term, 1, c, ldc, add);
  }
  T* const left = left_scratch.reserve((height + kernels.rows) * deep);
  kernels.pack_left(deep, height, source, ld, left, nullptr);
  term.a = Left<T>{left, 0};
  kernels.multiply(height, columns, &term, 1, c, ldc, add);
}

/// C[m, n] = A * B^T, or added to C, with B as it is.
template <class Work, class T>
void unpacked(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
              T* c, int64_t ldc, bool add) {
  const Packed<T>& kernels = packed<T>();
  const int64_t panels = (n + kernels.columns - 1) / kernels.columns;
  const int64_t tasks = std::min<int64_t>(panels, 2 * Work::threads());
  Work::run(static_cast<int>(tasks), [&](int i) {
    const int64_t first = panels * i / tasks * kernels.columns;
    const int64_t end = std::min(n, panels * (i + 1) / tasks * kernels.columns);
    const Term<T> term{Left<T>{a, lda}, b + first * ldb, k, 0, ldb};
    kernels.multiply(m, end - first, &term, 1, c + first, ldc, add);
  });
}

/// The whole right operand as it was packed before, where it is dense and read-only; or null.
template <class T>
const T* kept_right(bool trans_b, int64_t k, int64_t n, const T* b, int64_t ldb) {
  // The addresses tell the two ways to read the same numbers apart.
  static const char kinds[2] = {};
  if (ldb != (trans_b ? k : n)) return nullptr;
  const Packed<T>& kernels = packed<T>();
  const Range range{b, static_cast<size_t>(k * n) * sizeof(T)};
  const Form form =
      form_of(range, &kinds[trans_b], n, static_cast<size_t>(kernels.size(k, n)) * sizeof(T));
  T* const data = static_cast<T*>(form.memory);
  if (form.fresh) {
    parallel_for(static_cast<int>((n + kernels.columns - 1) / kernels.columns), [&](int i) {
      const int64_t from = i * kernels.columns;
      kernels.pack(trans_b, k, std::min(kernels.columns, n - from), T(1),
                   b + from * (trans_b ? ldb : 1), ldb, data + from * k, 0);
    });
  }
  return data;
}

/// C = op(A) * a right operand packed whole, or added to C: few rows are shared by columns.
template <class Work, class T>
void multiply_kept(bool trans_a, int64_t m, int64_t n, int64_t k, const T* a, int64_t lda,
                   const T* right, T* c, int64_t ldc, bool add) {
  const Packed<T>& kernels = packed<T>();
  const int64_t panels = (n + kernels.columns - 1) / kernels.columns;
  const bool by_columns = m <= few_rows;
  const int64_t rows = by_columns ? m : rows_per_task(m, kernels.rows, row_block, Work::threads());
  const int64_t tasks =
      by_columns ? std::min<int64_t>(panels, 2 * Work::threads()) : (m + rows - 1) / rows;
  Work::run(static_cast<int>(tasks), [&](int i) {
    const int64_t row = by_columns ? 0 : i * rows;
    const int64_t first = by_columns ? panels * i / tasks * kernels.columns : 0;
    const int64_t end = by_columns ? panels * (i + 1) / tasks * kernels.columns : n;
    multiply(trans_a, std::min(rows, m - row), std::min(end, n) - first, k,
             trans_a ? a + row : a + row * lda, lda, right + first * k, c + row * ldc + first, ldc,
             add);
  });
}

template <class Work, class In, class Out, class T = Computed<In>>
void blocked(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const In* a,
             int64_t lda, const In* b, int64_t ldb, T beta, Out* c, int64_t ldc) {
  if (m <= 0 || n <= 0) return;
  const bool accumulate = beta != T(0);
  if (k <= 0 || alpha == T(0)) return scale(m, n, beta, c, ldc);
  if constexpr (std::is_same_v<In, T> && std::is_same_v<Out, T>) {
    if (!trans_a && trans_b && m <= few_rows && alpha == T(1) && (!accumulate || beta == T(1))) {
      return unpacked<Work>(m, n, k, a, lda, b, ldb, c, ldc, accumulate);
    }
  }
  if (accumulate && !is_narrow<Out>) scale(m, n, beta, c, ldc);

  static thread_local Scratch<T> right_scratch;
  static thread_local Scratch<T> sum_scratch;
  const Packed<T>& kernels = packed<T>();
  const int64_t depth = std::min(k, depth_block);
  const int64_t width = std::min(n, column_block);
  T* const right = right_scratch.reserve(kernels.size(depth, width));
  // Where narrow results are summed up before they are rounded.
  T* const sums = is_narrow<Out> ? sum_scratch.reserve(m * width) : nullptr;
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
        pack_right(trans_b, deep, std::min(kernels.columns, columns - first), alpha,
                   trans_b ? b + from * ldb + p : b + p * ldb + from, ldb,
                   right + i * kernels.columns * deep, deep * kernels.columns);
      });
      Work::run(tasks, [&](int i) {
        const int64_t row = i * rows;
        const int64_t height = std::min(rows, m - row);
        const In* left = trans_a ? a + p * lda + row : a + row * lda + p;
        Out* out = c + row * ldc + j;
        const bool add = accumulate || p > 0;
        if constexpr (is_narrow<Out>) {
          T* sum = sums + row * columns;
          if (p == 0 && accumulate) {
            copy(height, columns, out, ldc, sum, columns);
            scale(height, columns, beta, sum, columns);
          }
          multiply(trans_a, height, columns, deep, left, lda, right, sum, columns, add);
          if (p + deep == k) copy(height, columns, sum, columns, out, ldc);
        } else {
          multiply(trans_a, height, columns, deep, left, lda, right, out, ldc, add);
        }
      });
    }
  }
}

}  // namespace

template <class In, class Out, class T>
void gemm_serial(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha,
                 const In* a, int64_t lda, const In* b, int64_t ldb, T beta, Out* c, int64_t ldc) {
  blocked<Serial>(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

template <class In, class Out, class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const In* a,
          int64_t lda, const In* b, int64_t ldb, T beta, Out* c, int64_t ldc) {
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  if constexpr (std::is_same_v<In, T> && std::is_same_v<Out, T>) {
    const bool plain = m > 0 && n > 0 && k > 0 && alpha == T(1) && (beta == T(0) || beta == T(1));
    if (const T* const right = plain ? kept_right(trans_b, k, n, b, ldb) : nullptr) {
      const auto run = work < serial_limit ? multiply_kept<Serial, T> : multiply_kept<Pooled, T>;
      return run(trans_a, m, n, k, a, lda, right, c, ldc, beta != T(0));
    }
  }
  if (work < serial_limit) {
    return gemm_serial(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  }
  blocked<Pooled>(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

#define CUDNN4J_INSTANTIATE(In, Out)                                                              \
  template void gemm(bool, bool, int64_t, int64_t, int64_t, Computed<In>, const In*, int64_t,     \
                     const In*, int64_t, Computed<In>, Out*, int64_t);                            \
  template void gemm_serial(bool, bool, int64_t, int64_t, int64_t, Computed<In>, const In*,       \
                            int64_t, const In*, int64_t, Computed<In>, Out*, int64_t);
CUDNN4J_INSTANTIATE(float, float)
CUDNN4J_INSTANTIATE(double, double)
CUDNN4J_INSTANTIATE(Half, Half)
CUDNN4J_INSTANTIATE(Half, float)
CUDNN4J_INSTANTIATE(BFloat16, BFloat16)
CUDNN4J_INSTANTIATE(BFloat16, float)
#undef CUDNN4J_INSTANTIATE

}  // namespace cudnn4j
