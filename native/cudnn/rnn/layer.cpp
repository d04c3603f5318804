#include "cudnn/rnn/layer.hpp"

#include "gemm/pack.hpp"
#include "gemm/scratch.hpp"
#include "runtime/memory.hpp"
#include "runtime/pool.hpp"

namespace cudnn4j {
namespace {

/// Multiply-adds (or copied elements) below which a task is not worth another thread.
constexpr int64_t product_per_task = 200'000;
constexpr int64_t copies_per_task = 1 << 14;

/// Runs f(first, end) on the pool for all columns, whole panels of them, in at most `tasks` parts.
template <class T, class F>
void for_columns(int64_t columns, int64_t tasks, F&& f) {
  const int64_t width = packed<T>().columns;
  const int64_t panels = (columns + width - 1) / width;
  const int64_t parts = std::clamp<int64_t>(tasks, 1, panels);
  parallel_for(static_cast<int>(parts), [&](int i) {
    f(panels * i / parts * width, std::min(columns, panels * (i + 1) / parts * width));
  });
}

}  // namespace

template <class T>
template <class S>
void PackedMatrix<T>::fill(bool transposed, const S* source, int64_t ld) const {
  const int64_t panel_stride = depth * packed<T>().columns;
  const int64_t tasks =
      std::min<int64_t>(depth * columns / copies_per_task, 4 * pool_threads());
  for_columns<T>(columns, tasks, [&](int64_t first, int64_t end) {
    pack_right(transposed, depth, end - first, T(1), source + (transposed ? first * ld : first), ld,
               data + first * depth, panel_stride);
  });
}

template <class T>
template <class S>
PackedMatrix<T> PackedMatrix<T>::kept(const S* source) const {
  // Its address tells the type of the elements that were packed.
  static const char kind = 0;
  const Range range{source, static_cast<size_t>(depth * columns) * sizeof(S)};
  const auto bytes = static_cast<size_t>(packed<T>().size(depth, columns)) * sizeof(T);
  const Form form = form_of(range, &kind, columns, bytes);
  PackedMatrix kept = *this;
  kept.data = static_cast<T*>(form.memory);
  if (form.fresh) kept.fill(true, source, depth);
  return kept;
}

template <class T>
void PackedMatrix<T>::multiply_all(int64_t rows, const T* a, int64_t lda, T* c, int64_t ldc,
                                   bool add) const {
  if (rows == 0) return;
  const Packed<T>& kernels = packed<T>();
  const int64_t most = std::max<int64_t>(1, rows * columns * depth / product_per_task);
  if (unpacked) {
    const int64_t tasks = std::min<int64_t>(most, 2 * pool_threads());
    return for_columns<T>(columns, tasks, [&](int64_t first, int64_t end) {
      const Term<T> product = term(a, lda, first);
      kernels.multiply(rows, end - first, &product, 1, c + first, ldc, add);
    });
  }
  // Enough rows per task to reuse a panel while it is in the first-level cache.
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
void apply_mask(const RnnShape& shape, int64_t count, const uint8_t* kept, const T* in, T* out,
                bool add) {
  const int64_t tasks = (count + copies_per_task - 1) / copies_per_task;
  parallel_for(static_cast<int>(tasks), [&](int i) {
    const int64_t from = i * copies_per_task;
    cell_functions<T>().drop(std::min(copies_per_task, count - from), kept + from,
                             dropout_scale<T>(shape.dropout), in + from, out + from, add);
  });
}

template void apply_mask<float>(const RnnShape&, int64_t, const uint8_t*, const float*, float*,
                                bool);
template void apply_mask<double>(const RnnShape&, int64_t, const uint8_t*, const double*,
                                 double*, bool);
template struct PackedMatrix<float>;
template struct PackedMatrix<double>;
template void PackedMatrix<float>::fill<float>(bool, const float*, int64_t) const;
template void PackedMatrix<float>::fill<Half>(bool, const Half*, int64_t) const;
template void PackedMatrix<float>::fill<BFloat16>(bool, const BFloat16*, int64_t) const;
template void PackedMatrix<double>::fill<double>(bool, const double*, int64_t) const;
template PackedMatrix<float> PackedMatrix<float>::kept(const float*) const;
template PackedMatrix<float> PackedMatrix<float>::kept(const Half*) const;
template PackedMatrix<float> PackedMatrix<float>::kept(const BFloat16*) const;
template PackedMatrix<double> PackedMatrix<double>::kept(const double*) const;

}  // namespace cudnn4j
