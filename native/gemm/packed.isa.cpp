#include "gemm/packed.hpp"

#include "gemm/simd.hpp"

namespace cudnn4j::CUDNN4J_ISA {
namespace {

/// Vectors per panel row: two loads feed `tile_rows` * 2 multiply-adds.
constexpr int panel_vectors = 2;
/// All registers but the panel's and one for the left operand hold sums.
constexpr int tile_rows = vector_registers == 32 ? 12 : 6;

template <class T>
constexpr int64_t panel_columns = panel_vectors * Simd<T>::width;

/// One register block: `R` rows by `V` vectors.
template <class T, int R, int V>
void tile(int64_t k, Rows<T> a, const T* b, T* c, int64_t ldc, bool add) {
  using S = Simd<T>;
  typename S::Vec sum[R][V];
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      sum[r][v] = add ? S::load(c + r * ldc + v * S::width) : typename S::Vec{};
    }
  }
  const T* left = a.data;
  for (int64_t p = 0; p < k; ++p, left += a.depth, b += panel_columns<T>) {
    typename S::Vec right[V];
    for (int v = 0; v < V; ++v) right[v] = S::load(b + v * S::width);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) sum[r][v] += left[r * a.row] * right[v];
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) S::store(c + r * ldc + v * S::width, sum[r][v]);
  }
}

/// A register block of which only `columns` columns exist in C.
template <class T, int R, int V>
void edge_tile(int64_t columns, int64_t k, Rows<T> a, const T* b, T* c, int64_t ldc, bool add) {
  constexpr int64_t width = V * Simd<T>::width;
  if (columns == width) return tile<T, R, V>(k, a, b, c, ldc, add);
  T whole[R * width];
  if (add) {
    for (int r = 0; r < R; ++r) {
      for (int64_t j = 0; j < width; ++j) whole[r * width + j] = j < columns ? c[r * ldc + j] : 0;
    }
  }
  tile<T, R, V>(k, a, b, whole, width, add);
  for (int r = 0; r < R; ++r) {
    for (int64_t j = 0; j < columns; ++j) c[r * ldc + j] = whole[r * width + j];
  }
}

template <class T, int R>
void block_of(int64_t rows, int64_t columns, int64_t k, Rows<T> a, const T* b, T* c, int64_t ldc,
              bool add) {
  if constexpr (R > 0) {
    if (rows < R) return block_of<T, R - 1>(rows, columns, k, a, b, c, ldc, add);
    if (columns <= Simd<T>::width) return edge_tile<T, R, 1>(columns, k, a, b, c, ldc, add);
    edge_tile<T, R, panel_vectors>(columns, k, a, b, c, ldc, add);
  }
}

template <class T>
void multiply(int64_t m, int64_t n, int64_t k, Rows<T> a, const T* packed, int64_t panel_stride,
              T* c, int64_t ldc, bool add) {
  // Blocks of nearly equal height: 16 rows are 8 + 8, not 12 + 4.
  const int64_t blocks = (m + tile_rows - 1) / tile_rows;
  for (int64_t j = 0; j < n; j += panel_columns<T>, packed += panel_stride) {
    const int64_t columns = n - j < panel_columns<T> ? n - j : panel_columns<T>;
    for (int64_t i = 0, row = 0; i < blocks; ++i) {
      const int64_t end = m * (i + 1) / blocks;
      const Rows<T> from{a.data + row * a.row, a.row, a.depth};
      block_of<T, tile_rows>(end - row, columns, k, from, packed, c + row * ldc + j, ldc, add);
      row = end;
    }
  }
}

template <class T>
void pack(bool transposed, int64_t k, int64_t n, T alpha, const T* b, int64_t ld, T* packed) {
  constexpr int64_t width = panel_columns<T>;
  for (int64_t j = 0; j < n; j += width, packed += width * k) {
    const int64_t columns = n - j < width ? n - j : width;
    if (columns < width) {
      for (int64_t i = 0; i < width * k; ++i) packed[i] = 0;
    }
    if (transposed) {
      // Short runs along k keep the lines of all columns in the first-level cache.
      constexpr int64_t run = 16;
      for (int64_t p = 0; p < k; p += run) {
        const int64_t end = k - p < run ? k : p + run;
        for (int64_t i = 0; i < columns; ++i) {
          for (int64_t q = p; q < end; ++q) packed[q * width + i] = alpha * b[(j + i) * ld + q];
        }
      }
    } else {
      for (int64_t p = 0; p < k; ++p) {
        for (int64_t i = 0; i < columns; ++i) packed[p * width + i] = alpha * b[p * ld + j + i];
      }
    }
  }
}

template <class T>
void pack_left(int64_t k, int64_t m, const T* a, int64_t ld, T* packed) {
  for (int64_t i = 0; i < m; i += tile_rows, packed += tile_rows * k) {
    const int64_t rows = m - i < tile_rows ? m - i : tile_rows;
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t r = 0; r < rows; ++r) packed[p * tile_rows + r] = a[p * ld + i + r];
    }
  }
}

}  // namespace

extern const Packed<float> packed_f32{panel_columns<float>, tile_rows, pack<float>,
                                      pack_left<float>, multiply<float>};
extern const Packed<double> packed_f64{panel_columns<double>, tile_rows, pack<double>,
                                       pack_left<double>, multiply<double>};

}  // namespace cudnn4j::CUDNN4J_ISA
