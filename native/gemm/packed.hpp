#pragma once

#include <cstdint>

namespace cudnn4j {

/// A left operand: row-major with `ld` elements from row to row; or, ld being 0, what
/// Packed::pack_left made, from the first row of a block on.
template <class T>
struct Left {
  const T* data;
  int64_t ld;
};

/// One summand of a product: A[m, depth] times a packed matrix; or, with unpacked rows of A, times
/// the transpose of a matrix [n, depth] as it is.
template <class T>
struct Term {
  Left<T> a;
  const T* right;
  int64_t depth;
  /// Packed: elements from one panel to the next, depth * columns where the whole matrix is used.
  int64_t panel_stride;
  /// As it is: elements from row to row; otherwise 0.
  int64_t ld = 0;
  /// As it is, with rows enough to be worth packing: room for one panel, which is packed when it is
  /// needed and never leaves the cache.
  T* room = nullptr;
};

/// Register-blocked products with a right operand that was packed before.
///
/// A packed matrix [k, n] is a sequence of panels of `columns` columns; a panel holds its k rows
/// one after the other, columns beyond n being 0. Each element of a product is one chain of
/// multiply-adds in the order of the terms and of k, and what stood in C comes last (without
/// packing: a chain for each place in a vector), so neither the number of threads nor the split of
/// the rows changes a bit.
template <class T>
struct Packed {
  /// Columns of a panel.
  int64_t columns;
  /// Rows of a block of a packed left operand. Other register blocks hold up to half as many more.
  int64_t rows;
  /// Packs alpha * B, B [k, n] with leading dimension ld; or, transposed, B given as [n, k].
  /// Panels lie `panel_stride` elements apart, so that k may be a part of the whole depth.
  void (*pack)(bool transposed, int64_t k, int64_t n, T alpha, const T* b, int64_t ld, T* packed,
               int64_t panel_stride);
  /// Packs a left operand given as [k, m] into blocks of `rows` rows, [k, rows] each; the last
  /// block's rows beyond m are left unset.
  /// Unless null, sums[j] += the sum over k of element [k, j].
  void (*pack_left)(int64_t k, int64_t m, const T* a, int64_t ld, T* packed, T* sums);
  void (*product)(int64_t m, int64_t n, const Term<T>* terms, int count, T* c, int64_t ldc,
                  bool add, bool backwards);

  /// C[m, n] = the sum of `count` terms, or added to C. `backwards` takes the panels from the last
  /// to the first: who multiplies with the same matrix again and again finds more of it in the
  /// cache when each product begins where the one before ended.
  void multiply(int64_t m, int64_t n, const Term<T>* terms, int count, T* c, int64_t ldc, bool add,
                bool backwards = false) const {
    product(m, n, terms, count, c, ldc, add, backwards);
  }

  /// Elements of a packed [k, n].
  int64_t size(int64_t k, int64_t n) const { return (n + columns - 1) / columns * columns * k; }
};

/// The variant for this processor; T is float or double.
template <class T>
const Packed<T>& packed();

}  // namespace cudnn4j
