#pragma once

#include <algorithm>

#include "gemm/half.hpp"
#include "gemm/packed.hpp"

namespace cudnn4j {

/// Packed::pack of numbers of type S. Narrow ones are widened in pieces of a panel, so that they
/// are packed out of the cache.
template <class S, class T = Computed<S>>
void pack_right(bool transposed, int64_t k, int64_t n, T alpha, const S* b, int64_t ld, T* to,
                int64_t panel_stride) {
  const Packed<T>& kernels = packed<T>();
  if constexpr (is_narrow<S>) {
    constexpr int64_t room = 4096;
    T wide[room];
    const int64_t depth = room / kernels.columns;
    for (int64_t column = 0; column < n; column += kernels.columns, to += panel_stride) {
      const int64_t columns = std::min(kernels.columns, n - column);
      for (int64_t p = 0; p < k; p += depth) {
        const int64_t deep = std::min(depth, k - p);
        const S* from = b + (transposed ? column * ld + p : p * ld + column);
        const int64_t rows = transposed ? columns : deep;
        const int64_t width = transposed ? deep : columns;
        for (int64_t i = 0; i < rows; ++i) convert(width, from + i * ld, wide + i * width);
        kernels.pack(transposed, deep, columns, alpha, wide, width, to + p * kernels.columns,
                     panel_stride);
      }
    }
  } else {
    kernels.pack(transposed, k, n, alpha, b, ld, to, panel_stride);
  }
}

}  // namespace cudnn4j
