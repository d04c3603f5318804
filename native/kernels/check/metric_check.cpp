#include "kernels/check/kernel_check.hpp"
#include "kernels/metric.cu"

namespace cudnn4j::check {

template <class T>
static void check_argmax(const Checked<const T*, int*, int, int>& kernel) {
  for (int columns : widths) {
    // Most rows have their largest element several times; the last has nothing but NaN.
    std::vector<T> values;
    for (int value : integers(3 * columns, 0, 3)) {
      values.push_back(static_cast<T>(static_cast<float>(value)));
    }
    values.insert(values.end(), columns, static_cast<T>(std::nanf("")));
    kernel.check(values, integers(4, 0, 9), 4, columns);
  }
}

static void check_counts(
    const Checked<const int*, const int*, double*, int, int>& kernel, int counts) {
  for (int rows : {1100, 33, 1}) {
    kernel.check(integers(rows, -1, 4), integers(rows, -1, 5), numbers<double>(counts), rows, 5);
  }
}

static const Suite suite([] {
  IN_EACH_TYPE(check_argmax, argmax);
  check_counts(CHECKED(count_right), 2);
  check_counts(CHECKED(count_confusions), 25);
});

}  // namespace cudnn4j::check
