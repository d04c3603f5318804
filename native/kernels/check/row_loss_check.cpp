#include "kernels/check/kernel_check.hpp"
#include "kernels/row_loss.cu"

namespace cudnn4j::check {

constexpr int rows = 3;

/** What arrives at the rows, of which one does not count. */
template <class N>
static std::vector<N> arriving() {
  auto values = numbers<N>(rows);
  values[1] = 0;
  return values;
}

template <class T, class N>
static void check_logistic(
    const Checked<const T*, const T*, const N*, N*, int, int, int>& kernel) {
  for (int columns : widths) {
    kernel.check(numbers<T>(rows * columns), numbers<T>(rows * columns), numbers<N>(5),
                 numbers<N>(rows), rows, columns, 5);
  }
}

template <class T, class N>
static void check_logistic_gradient(
    const Checked<const T*, const T*, const N*, const N*, T*, int, int, int>& kernel) {
  for (int columns : widths) {
    kernel.check(numbers<T>(rows * columns), numbers<T>(rows * columns), numbers<N>(5),
                 arriving<N>(), numbers<T>(rows * columns), rows, columns, 5);
  }
}

template <class T, class N>
static void check_squares(const Checked<const T*, const T*, N*, int, int>& kernel) {
  for (int columns : widths) {
    kernel.check(numbers<T>(rows * columns), numbers<T>(rows * columns), numbers<N>(rows), rows,
                 columns);
  }
}

template <class T, class N>
static void check_squares_gradient(
    const Checked<const T*, const T*, const N*, T*, int, int>& kernel) {
  for (int columns : widths) {
    kernel.check(numbers<T>(rows * columns), numbers<T>(rows * columns), arriving<N>(),
                 numbers<T>(rows * columns), rows, columns);
  }
}

static const Suite suite([] {
  IN_EACH_TYPE(check_logistic, binary_cross_entropy);
  IN_EACH_TYPE(check_logistic_gradient, binary_cross_entropy_gradient);
  IN_EACH_TYPE(check_squares, squared_error);
  IN_EACH_TYPE(check_squares_gradient, squared_error_gradient);
});

}  // namespace cudnn4j::check
