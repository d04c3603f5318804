#pragma once

#include <algorithm>

#include "gemm/half.hpp"
#include "gemm/packed.hpp"
#include "gemm/scratch.hpp"

namespace cudnn4j {

/// Packed::pack of numbers of type S. Narrow ones are widened panel by panel, so that they are
/// packed out of the cache.
template <class S, class T = Computed<S>>
void pack_right(bool transposed, int64_t k, int64_t n, T alpha, const S* b, int64_t ld, T* to,
                int64_t panel_stride) {
  const Packed<T>& kernels = packed<T>();
  if constexpr (is_narrow<S>) {
    static thread_local Scratch<T> scratch;
    T* const wide = scratch.reserve(k * kernels.columns);
    for (int64_t column = 0; column < n; column += kernels.columns, to += panel_stride) {
      const int64_t columns = std::min(kernels.columns, n - column);
      const S* from = b + (transposed ? column * ld : column);
      const int64_t rows = transposed ? columns : k;
      const int64_t width = transposed ? k : columns;
      for (int64_t i = 0; i < rows; ++i) convert(width, from + i * ld, wide + i * width);
      kernels.pack(transposed, k, columns, alpha, wide, width, to, panel_stride);
    }
  } else {
    kernels.pack(transposed, k, n, alpha, b, ld, to, panel_stride);
  }
}

}  // namespace cudnn4j
