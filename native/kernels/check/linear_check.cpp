#include "kernels/check/kernel_check.hpp"
#include "kernels/linear.cu"

namespace cudnn4j::check {

template <class T>
static void check_add(const Checked<const T*, T*, int, int>& kernel) {
  for (int rows : {5, 1}) {
    for (int columns : widths) {
      kernel.check(numbers<T>(columns), numbers<T>(rows * columns), rows, columns);
    }
  }
}

template <class T>
static void check_gradient(const Checked<const T*, T*, int, int>& kernel) {
  for (int rows : {5, 1}) {
    for (int columns : widths) {
      kernel.check(numbers<T>(rows * columns), numbers<T>(columns), rows, columns);
    }
  }
}

static const Suite suite([] {
  IN_EACH_TYPE(check_add, add_bias);
  IN_EACH_TYPE(check_gradient, bias_gradient);
});

}  // namespace cudnn4j::check
