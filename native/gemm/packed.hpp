#pragma once

#include <cstdint>

namespace cudnn4j {

/// Where the rows of a left operand lie: element (r, k) at data[r * row + k * depth].
template <class T>
struct Rows {
  const T* data;
  int64_t row;
  int64_t depth;
};

/// Register-blocked products with a right operand that was packed before.
///
/// A packed matrix [k, n] is a sequence of panels of `columns` columns; a panel holds its k rows
/// one after the other, columns beyond n being 0. Each element of a product is one chain of
/// multiply-adds in the order of k, whatever the blocking around it, so neither the number of
/// threads nor the split of the rows changes a bit.
template <class T>
struct Packed {
  /// Columns of a panel.
  int64_t columns;
  /// Rows that the largest register block holds.
  int64_t rows;
  /// Packs alpha * B, B [k, n] with leading dimension ld; or, transposed, B given as [n, k].
  void (*pack)(bool transposed, int64_t k, int64_t n, T alpha, const T* b, int64_t ld, T* packed);
  /// Packs a left operand given as [k, m] into blocks of `rows` rows: block i starts at
  /// packed + i * rows * k and is read as Rows{block, 1, rows}. Rows beyond m are left unset.
  void (*pack_left)(int64_t k, int64_t m, const T* a, int64_t ld, T* packed);
  /// C[m, n] = A[m, k] * B, or added to C. The panel stride is in elements (k * columns when B
  /// was packed with this k).
  void (*multiply)(int64_t m, int64_t n, int64_t k, Rows<T> a, const T* packed,
                   int64_t panel_stride, T* c, int64_t ldc, bool add);

  /// Elements of a packed [k, n].
  int64_t size(int64_t k, int64_t n) const { return (n + columns - 1) / columns * columns * k; }
};

/// The variant for this processor; T is float or double.
template <class T>
const Packed<T>& packed();

}  // namespace cudnn4j
