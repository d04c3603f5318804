#include "cudnn/rnn/layer.hpp"

#include "gemm/scratch.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// Multiply-adds (or copied elements) below which a task is not worth another thread.
constexpr int64_t product_per_task = 200'000;
constexpr int64_t copies_per_task = 1 << 14;

/// Packs a panel, or several of them, of a matrix; numbers of another type are converted on the way,
/// in a piece that stays in the cache.
template <class S, class T>
void pack_columns(const PackedMatrix<T>& matrix, bool transposed, int64_t first, int64_t end,
                  const S* source, int64_t ld) {
  const Packed<T>& kernels = packed<T>();
  const int64_t depth = matrix.depth;
  const auto pack = [&](int64_t column, int64_t count, const T* from, int64_t from_ld) {
    kernels.pack(transposed, depth, count, T(1), from, from_ld, matrix.data + column * depth,
                 depth * kernels.columns);
  };
  if constexpr (!is_narrow<S>) {
    pack(first, end - first, source + (transposed ? first * ld : first), ld);
  } else {
    static thread_local Scratch<T> scratch;
    T* const wide = scratch.reserve(depth * kernels.columns);
    for (int64_t column = first; column < end; column += kernels.columns) {
      const int64_t count = std::min(kernels.columns, end - column);
      const S* from = source + (transposed ? column * ld : column);
      const int64_t rows = transposed ? count : depth;
      const int64_t width = transposed ? depth : count;
      for (int64_t i = 0; i < rows; ++i) convert(width, from + i * ld, wide + i * width);
      pack(column, count, wide, width);
    }
  }
}

}  // namespace

template <class T>
template <class S>
void PackedMatrix<T>::fill(bool transposed, const S* source, int64_t ld) const {
  const Packed<T>& kernels = packed<T>();
  const int64_t panels = (columns + kernels.columns - 1) / kernels.columns;
  const int64_t tasks = std::clamp<int64_t>(depth * columns / copies_per_task, 1,
                                            std::min<int64_t>(panels, 4 * pool_threads()));
  parallel_for(static_cast<int>(tasks), [&](int i) {
    const int64_t first = panels * i / tasks * kernels.columns;
    const int64_t end = std::min(columns, panels * (i + 1) / tasks * kernels.columns);
    pack_columns(*this, transposed, first, end, source, ld);
  });
}

template <class T>
void PackedMatrix<T>::multiply_all(int64_t rows, const T* a, int64_t lda, T* c, int64_t ldc,
                                   bool add) const {
  if (rows == 0) return;
  // Enough rows per task to reuse a panel while it is in the first-level cache.
  const Packed<T>& kernels = packed<T>();
  const int64_t most = std::max<int64_t>(1, rows * columns * depth / product_per_task);
  const int64_t unit = rows_per_task(rows, kernels.rows, 16 * kernels.rows, pool_threads());
  const int tasks = static_cast<int>(std::min(most, (rows + unit - 1) / unit));
  parallel_for(tasks, [&](int i) {
    const int64_t from = rows * i / tasks;
    const int64_t to = rows * (i + 1) / tasks;
    const Term<T> product = term(a + from * lda, lda);
    kernels.multiply(to - from, columns, &product, 1, c + from * ldc, ldc, add);
  });
}

template <class T>
void apply_mask(const RnnShape& shape, const Plan& plan, const uint8_t* kept, const T* in, T* out,
                bool add) {
  const int64_t count = plan.tokens() * output_width(shape);
  const int64_t tasks = (count + copies_per_task - 1) / copies_per_task;
  parallel_for(static_cast<int>(tasks), [&](int i) {
    const int64_t from = i * copies_per_task;
    cell_functions<T>().drop(std::min(copies_per_task, count - from), kept + from,
                             dropout_scale<T>(shape.dropout), in + from, out + from, add);
  });
}

template void apply_mask<float>(const RnnShape&, const Plan&, const uint8_t*, const float*, float*,
                                bool);
template void apply_mask<double>(const RnnShape&, const Plan&, const uint8_t*, const double*,
                                 double*, bool);
template struct PackedMatrix<float>;
template struct PackedMatrix<double>;
template void PackedMatrix<float>::fill<float>(bool, const float*, int64_t) const;
template void PackedMatrix<float>::fill<Half>(bool, const Half*, int64_t) const;
template void PackedMatrix<float>::fill<BFloat16>(bool, const BFloat16*, int64_t) const;
template void PackedMatrix<double>::fill<double>(bool, const double*, int64_t) const;

}  // namespace cudnn4j
