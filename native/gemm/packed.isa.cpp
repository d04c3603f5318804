#include "gemm/packed.hpp"

#include "gemm/dots.hpp"
#include "gemm/simd.hpp"

namespace cudnn4j::CUDNN4J_ISA {
namespace {

/// Vectors per panel row: two loads feed twice as many multiply-adds as a block has rows.
constexpr int panel_vectors = 2;
/// Most rows of a register block. The more, the less often a panel is read; 10 rows in one block
/// instead of two matter where rows of different length leave few at a time.
constexpr int tile_rows = vector_registers == 32 ? 12 : 6;
/// Rows of a block of a packed left operand, which divide what networks have better than 12 do.
constexpr int left_rows = vector_registers == 32 ? 8 : 6;

/// Steps along the depth that a turn of the inner loop makes.
constexpr int unrolled = 4;

/// Summands of a product at most.
constexpr int most_terms = 2;

template <class T>
constexpr int64_t panel_columns = panel_vectors * Simd<T>::width;

/// One register block: `R` rows by `V` vectors, which may be of several panels; of the last vector
/// only `last` elements exist in C. Meanwhile the lines of the next block of C, `ahead` elements
/// away, are fetched: they are rarely in the first-level cache. Whether the left operands are packed
/// is known here, since the addresses then fit into the multiply-adds.
template <class T, int R, int V, bool PackedLeft>
void tile_of(const Term<T>* terms, int count, int64_t row, int64_t panel, T* c, int64_t ldc,
             int64_t ahead, int64_t last, bool add) {
  using S = Simd<T>;
  typename S::Vec sum[R][V];
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      // One by one: an initializer of the whole is written to memory, too.
      sum[r][v] = typename S::Vec{};
      __builtin_prefetch(c + ahead + r * ldc + v * S::width, 1);
    }
  }
  // There is a term: a loop that runs at least once keeps the sums in registers.
  const Term<T>* term = terms;
  do {
    const int64_t ld = PackedLeft ? 1 : term->a.ld;
    const T* left = term->a.data + row * (PackedLeft ? term->depth : ld);
    const T* b = term->right + panel * term->panel_stride;
    const auto multiply_add = [&] {
      typename S::Vec right[V];
      for (int v = 0; v < V; ++v) {
        const T* of_panel = b + v / panel_vectors * term->panel_stride;
        right[v] = S::load(of_panel + v % panel_vectors * S::width);
      }
      for (int r = 0; r < R; ++r) {
        for (int v = 0; v < V; ++v) sum[r][v] += left[r * ld] * right[v];
      }
      left += PackedLeft ? left_rows : 1;
      b += panel_columns<T>;
    };
    int64_t depth = term->depth;
    for (; depth >= unrolled; depth -= unrolled) {
#pragma GCC unroll 4
      for (int i = 0; i < unrolled; ++i) multiply_add();
    }
    for (; depth > 0; --depth) multiply_add();
  } while (++term < terms + count);

  if (last == S::width) {
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) {
        T* out = c + r * ldc + v * S::width;
        S::store(out, add ? S::load(out) + sum[r][v] : sum[r][v]);
      }
    }
    return;
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) {
      T* out = c + r * ldc + v * S::width;
      const int64_t width = v == V - 1 ? last : S::width;
      S::store(out, add ? S::load(out, width) + sum[r][v] : sum[r][v], width);
    }
  }
}

template <class T, int R, int V>
void tile(const Term<T>* terms, int count, int64_t row, int64_t panel, T* c, int64_t ldc,
          int64_t ahead, int64_t last, bool add) {
  if (terms->a.ld == 0) {
    tile_of<T, R, V, true>(terms, count, row, panel, c, ldc, ahead, last, add);
  } else {
    tile_of<T, R, V, false>(terms, count, row, panel, c, ldc, ahead, last, add);
  }
}

template <class T, int R>
void block_of(int64_t rows, int64_t columns, const Term<T>* terms, int count, int64_t row,
              int64_t panel, T* c, int64_t ldc, int64_t ahead, bool add) {
  constexpr int64_t width = Simd<T>::width;
  static_assert(panel_vectors == 2);
  if constexpr (R > 0) {
    if (rows < R) {
      block_of<T, R - 1>(rows, columns, terms, count, row, panel, c, ldc, ahead, add);
    } else if (columns <= width) {
      tile<T, R, 1>(terms, count, row, panel, c, ldc, ahead, columns, add);
    } else {
      tile<T, R, 2>(terms, count, row, panel, c, ldc, ahead, columns - width, add);
    }
  }
}

/// All rows of the columns [j, j + columns), of one panel; the next panel's are `next` elements away.
template <class T>
void multiply_panel(int64_t m, int64_t j, int64_t columns, const Term<T>* terms, int count, T* c,
                    int64_t ldc, int64_t next, bool add) {
  // Blocks of nearly equal height, 14 rows are 7 + 7, not 12 + 2, unless they were packed so.
  const bool packed = terms->a.ld == 0;
  const int64_t most = packed ? left_rows : tile_rows;
  const int64_t blocks = (m + most - 1) / most;
  for (int64_t i = 0, row = 0; i < blocks; ++i) {
    const int64_t whole = row + most < m ? row + most : m;
    const int64_t end = packed ? whole : m * (i + 1) / blocks;
    const int64_t ahead = i + 1 < blocks ? (end - row) * ldc : next - row * ldc;
    block_of<T, tile_rows>(end - row, columns, terms, count, row, j / panel_columns<T>,
                           c + row * ldc + j, ldc, ahead, add);
    row = end;
  }
}

/// Panels that a register block of so many rows takes together: of one panel, few rows are too few
/// sums, each multiply-add would wait for the one before it.
constexpr int panels_together(int64_t rows) {
  if (rows == 1) return 4;
  if (vector_registers == 32) return rows == 2 ? 4 : rows <= 4 ? 2 : 1;
  return rows == 2 ? 2 : 1;
}

/// R rows of the columns [j, end): P panels together while so many are left, then half as many.
/// Returns the first column that is left.
template <class T, int R, int P>
int64_t multiply_together(int64_t j, int64_t end, const Term<T>* terms, int count, T* c,
                          int64_t ldc, int64_t next, bool add) {
  if constexpr (P > 1) {
    constexpr int64_t panel = panel_columns<T>;
    for (; end - j >= P * panel; j += P * panel) {
      tile<T, R, P * panel_vectors>(terms, count, 0, j / panel, c + j, ldc, next, Simd<T>::width,
                                    add);
    }
    return multiply_together<T, R, P / 2>(j, end, terms, count, c, ldc, next, add);
  }
  return j;
}

/// All rows of the columns [j, end), of several panels.
template <class T, int R = 4>
void multiply_panels(int64_t m, int64_t j, int64_t end, const Term<T>* terms, int count, T* c,
                     int64_t ldc, int64_t next, bool add) {
  constexpr int64_t panel = panel_columns<T>;
  if constexpr (R > 0) {
    if (m < R) return multiply_panels<T, R - 1>(m, j, end, terms, count, c, ldc, next, add);
    if (m == R) {
      j = multiply_together<T, R, panels_together(R)>(j, end, terms, count, c, ldc, next, add);
    }
  }
  for (; j < end; j += panel) {
    multiply_panel(m, j, end - j < panel ? end - j : panel, terms, count, c, ldc, next, add);
  }
}

/// Exchanges blocks of `half` x `half` elements across the diagonal, then smaller ones: in the end
/// a square of as many rows as a vector has elements is transposed.
template <class T, int half = Simd<T>::width / 2>
inline __attribute__((always_inline)) void transpose(typename Simd<T>::Vec* rows) {
  if constexpr (half > 0) {
    for (int i = 0; i < Simd<T>::width; ++i) {
      if (!(i & half)) Simd<T>::template exchange<half>(rows[i], rows[i + half]);
    }
    transpose<T, half / 2>(rows);
  }
}

/// A square of a matrix given as [rows, depth], as far as there are so many, and 0 elsewhere.
template <class T>
inline __attribute__((always_inline)) void pack_square(int64_t rows, int64_t depth, T alpha,
                                                       const T* b, int64_t ld, T* packed) {
  using S = Simd<T>;
  typename S::Vec square[S::width];
  for (int r = 0; r < S::width; ++r) {
    __builtin_prefetch(b + r * ld + 2 * S::width);
    square[r] = r < rows ? alpha * S::load(b + r * ld, depth) : typename S::Vec{};
  }
  transpose<T>(square);
  for (int r = 0; r < S::width && r < depth; ++r) {
    S::store(packed + r * panel_columns<T>, square[r]);
  }
}

/// One panel of a matrix given as [columns, k].
template <class T>
void pack_transposed(int64_t k, int64_t columns, T alpha, const T* b, int64_t ld, T* packed) {
  using S = Simd<T>;
  constexpr int64_t width = panel_columns<T>;
  for (int64_t i = 0; i < width; i += S::width, b += S::width * ld) {
    T* out = packed + i;
    int64_t p = 0;
    if (columns - i >= S::width) {
      for (; p + S::width <= k; p += S::width) {
        pack_square(S::width, S::width, alpha, b + p, ld, out + p * width);
      }
    }
    for (; p < k; p += S::width) pack_square(columns - i, k - p, alpha, b + p, ld, out + p * width);
  }
}

template <class T>
void pack(bool transposed, int64_t k, int64_t n, T alpha, const T* b, int64_t ld, T* packed,
          int64_t panel_stride) {
  constexpr int64_t width = panel_columns<T>;
  for (int64_t j = 0; j < n; j += width, packed += panel_stride) {
    const int64_t columns = n - j < width ? n - j : width;
    if (transposed) {
      pack_transposed(k, columns, alpha, b + j * ld, ld, packed);
      continue;
    }
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t i = 0; i < width; i += Simd<T>::width) {
        const int64_t count = columns > i ? columns - i : 0;
        Simd<T>::store(packed + p * width + i, alpha * Simd<T>::load(b + p * ld + j + i, count));
      }
    }
  }
}

/// All rows of the panel at column j, after it was packed for each summand that has room.
template <class T>
void multiply_as_packed(int64_t m, int64_t j, int64_t columns, const Term<T>* terms, int count,
                        T* c, int64_t ldc, int64_t next, bool add) {
  Term<T> panels[most_terms];
  for (int i = 0; i < count; ++i) {
    const Term<T>& term = terms[i];
    const T* right = term.right + j / panel_columns<T> * term.panel_stride;
    if (term.room) {
      pack(true, term.depth, columns, T(1), term.right + j * term.ld, term.ld, term.room, 0);
      right = term.room;
    }
    panels[i] = {term.a, right, term.depth, 0};
  }
  multiply_panel(m, 0, columns, panels, count, c + j, ldc, next, add);
}

template <class T>
void multiply(int64_t m, int64_t n, const Term<T>* terms, int count, T* c, int64_t ldc, bool add,
              bool backwards) {
  bool dots = false;
  bool packs = false;
  for (int i = 0; i < count; ++i) {
    packs |= terms[i].room != nullptr;
    dots |= terms[i].ld != 0 && !terms[i].room;
  }
  if (dots) {
    for (int i = 0; i < count; ++i, add = true) {
      const Term<T>& term = terms[i];
      if (term.ld == 0 || term.room) {
        multiply(m, n, &term, 1, c, ldc, add, backwards);
      } else {
        multiply_dots(m, n, term.depth, term.a.data, term.a.ld, term.right, term.ld, c, ldc, add,
                      backwards);
      }
    }
    return;
  }
  const int64_t width = (packs ? 1 : panels_together(m)) * panel_columns<T>;
  const int64_t next = backwards ? -width : width;
  const int64_t parts = (n + width - 1) / width;
  for (int64_t i = 0; i < parts; ++i) {
    const int64_t j = (backwards ? parts - 1 - i : i) * width;
    const int64_t end = n - j < width ? n : j + width;
    if (packs) {
      multiply_as_packed(m, j, end - j, terms, count, c, ldc, next, add);
    } else {
      multiply_panels(m, j, end, terms, count, c, ldc, next, add);
    }
  }
}

template <class T>
void pack_left(int64_t k, int64_t m, const T* a, int64_t ld, T* packed, T* sums) {
  // Along the rows of the source. They lie on different pages, where the processor's own
  // prefetching ends, so the lines some rows on are asked for here.
  constexpr int64_t rows_ahead = 8;
  constexpr int64_t line = 64 / sizeof(T);
  const int64_t whole = m / left_rows * left_rows;
  for (int64_t p = 0; p < k; ++p, a += ld) {
    if (p + rows_ahead < k) {
      for (int64_t i = 0; i < m; i += line) __builtin_prefetch(a + rows_ahead * ld + i);
    }
    T* out = packed + p * left_rows;
    for (int64_t i = 0; i < whole; i += left_rows, out += left_rows * k) {
      for (int64_t r = 0; r < left_rows; ++r) out[r] = a[i + r];
    }
    for (int64_t i = whole; i < m; ++i) out[i - whole] = a[i];
    if (sums) {
      for (int64_t i = 0; i < m; ++i) sums[i] += a[i];
    }
  }
}

}  // namespace

extern const Packed<float> packed_f32{panel_columns<float>, left_rows, pack<float>,
                                      pack_left<float>, multiply<float>};
extern const Packed<double> packed_f64{panel_columns<double>, left_rows, pack<double>,
                                       pack_left<double>, multiply<double>};

}  // namespace cudnn4j::CUDNN4J_ISA
