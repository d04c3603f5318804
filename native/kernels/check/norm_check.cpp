#include "kernels/check/kernel_check.hpp"
#include "kernels/norm.cu"

namespace cudnn4j::check {

constexpr int row_counts[] = {3, 1};

template <class T, class N>
static void check_norm(
    const Checked<const T*, const T*, const T*, double, T*, N*, int, int>& kernel) {
  for (int rows : row_counts) {
    for (int columns : widths) {
      const size_t count = static_cast<size_t>(rows) * columns;
      kernel.check(numbers<T>(count), numbers<T>(columns), numbers<T>(columns), 0.01,
                   numbers<T>(count), numbers<N>(2 * rows), rows, columns);
    }
  }
}

template <class T, class N>
static void check_gradient(
    const Checked<const T*, const T*, const N*, const T*, T*, int, int>& kernel) {
  for (int rows : row_counts) {
    for (int columns : widths) {
      const size_t count = static_cast<size_t>(rows) * columns;
      kernel.check(numbers<T>(count), numbers<T>(columns), numbers<N>(2 * rows), numbers<T>(count),
                   numbers<T>(count), rows, columns);
    }
  }
}

template <class T, class N>
static void check_weight_gradient(
    const Checked<const T*, const N*, const T*, T*, int, int>& kernel) {
  for (int rows : row_counts) {
    for (int columns : widths) {
      const size_t count = static_cast<size_t>(rows) * columns;
      kernel.check(numbers<T>(count), numbers<N>(2 * rows), numbers<T>(count), numbers<T>(columns),
                   rows, columns);
    }
  }
}

static const Suite suite([] {
  IN_EACH_TYPE(check_norm, layer_norm);
  IN_EACH_TYPE(check_gradient, layer_norm_gradient);
  IN_EACH_TYPE(check_weight_gradient, layer_norm_weight_gradient);
});

}  // namespace cudnn4j::check
