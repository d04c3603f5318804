#pragma once

// Products with a transposed right operand as it stands in memory, for *.isa.cpp files.
//
// Packing reads and writes the whole matrix. That pays when the packed one is used for many rows;
// for a few, each element of the product is cheaper as the dot product of two rows.

#include "gemm/simd.hpp"

namespace cudnn4j::CUDNN4J_ISA {

/// Sums up each of as many vectors as one has elements: element i of the first will be the sum of
/// vector i.
template <class T, int half = Simd<T>::width / 2>
inline __attribute__((always_inline)) void sum_up(typename Simd<T>::Vec* vectors) {
  if constexpr (half > 0) {
    for (int i = 0; i < half; ++i) {
      Simd<T>::template exchange<half>(vectors[i], vectors[i + half]);
      vectors[i] += vectors[i + half];
    }
    sum_up<T, half / 2>(vectors);
  }
}

/// C[R, width / R] = A[R, k] * B^T, B given as [width / R, k]; or added to C.
template <class T, int R>
void dot_block(int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb, T* c, int64_t ldc,
               bool add) {
  using S = Simd<T>;
  constexpr int columns = S::width / R;
  // Rows of B may all be a multiple of 4096 bytes apart. Then they have the same few places in the
  // first-level cache, which more of them at a time would take from each other.
  constexpr int most = 8;
  constexpr int together = columns < most ? columns : most;
  typename S::Vec sum[S::width];
  for (int first = 0; first < columns; first += together, b += together * ldb) {
    typename S::Vec part[R][together] = {};
    const auto multiply_add = [&](int64_t p, auto... count) {
      typename S::Vec left[R];
      for (int r = 0; r < R; ++r) left[r] = S::load(a + r * lda + p, count...);
      for (int j = 0; j < together; ++j) {
        const auto right = S::load(b + j * ldb + p, count...);
        for (int r = 0; r < R; ++r) part[r][j] += left[r] * right;
      }
    };
    int64_t p = 0;
    for (; p + S::width <= k; p += S::width) multiply_add(p);
    if (p < k) multiply_add(p, k - p);
    for (int r = 0; r < R; ++r) {
      for (int j = 0; j < together; ++j) sum[r * columns + first + j] = part[r][j];
    }
  }
  sum_up<T>(sum);
  // Rows of C as a whole, without a question for each element.
  T out[S::width];
  if (add) {
    for (int r = 0; r < R; ++r) {
      for (int j = 0; j < columns; ++j) out[r * columns + j] = c[r * ldc + j];
    }
    sum[0] += S::load(out);
  }
  S::store(out, sum[0]);
  for (int r = 0; r < R; ++r) {
    for (int j = 0; j < columns; ++j) c[r * ldc + j] = out[r * columns + j];
  }
}

/// One element.
template <class T>
T dot(int64_t k, const T* a, const T* b) {
  using S = Simd<T>;
  typename S::Vec sum[S::width] = {};
  for (int64_t p = 0; p < k; p += S::width) {
    sum[0] += S::load(a + p, k - p) * S::load(b + p, k - p);
  }
  sum_up<T>(sum);
  return sum[0][0];
}

/// Rows [i, m) of C, R at a time and then fewer, of the columns whose rows of B start at b. As many
/// columns as a vector has elements, so that these rows of B stay in the first-level cache.
template <class T, int R>
void dot_columns(int64_t i, int64_t m, int64_t k, const T* a, int64_t lda, const T* b, int64_t ldb,
                 T* c, int64_t ldc, bool add) {
  constexpr int width = Simd<T>::width;
  if constexpr (R > 0) {
    for (; i + R <= m; i += R) {
      for (int j = 0; j < width; j += width / R) {
        dot_block<T, R>(k, a + i * lda, lda, b + j * ldb, ldb, c + i * ldc + j, ldc, add);
      }
    }
    dot_columns<T, R / 2>(i, m, k, a, lda, b, ldb, c, ldc, add);
  }
}

/// C[m, n] = A[m, k] * B^T, B given as [n, k]; or added to C.
template <class T>
void multiply_dots(int64_t m, int64_t n, int64_t k, const T* a, int64_t lda, const T* b,
                   int64_t ldb, T* c, int64_t ldc, bool add, bool backwards) {
  constexpr int width = Simd<T>::width;
  constexpr int rows = width < 4 ? width : 4;
  const int64_t groups = (n + width - 1) / width;
  for (int64_t i = 0; i < groups; ++i) {
    const int64_t j = (backwards ? groups - 1 - i : i) * width;
    if (j + width <= n) {
      dot_columns<T, rows>(0, m, k, a, lda, b + j * ldb, ldb, c + j, ldc, add);
      continue;
    }
    for (int64_t column = j; column < n; ++column) {
      for (int64_t row = 0; row < m; ++row) {
        const T value = dot(k, a + row * lda, b + column * ldb);
        T& element = c[row * ldc + column];
        element = add ? element + value : value;
      }
    }
  }
}

}  // namespace cudnn4j::CUDNN4J_ISA
