#include "kernels/check/kernel_check.hpp"
#include "kernels/loss.cu"

namespace cudnn4j::check {

constexpr int row_counts[] = {3, 1};

/** Rows that are not counted, and targets that are there or, if `beyond`, are not. */
static std::vector<int> targets(int rows, int classes, bool beyond) {
  return integers(rows, -1, beyond ? classes : classes - 1);
}

template <class T>
static void check_share(const Checked<const int*, const double*, T*, int>& kernel) {
  for (int rows : {1100, 33, 1}) {
    const std::vector<double> scale = {512};
    kernel.check(integers(rows, -1, 0), scale, numbers<T>(1), rows);
    kernel.check(std::vector<int>(rows, -1), scale, numbers<T>(1), rows);
  }
}

template <class T, class N>
static void check_losses(const Checked<const T*, const int*, N*, int, int>& kernel) {
  for (int rows : row_counts) {
    for (int classes : widths) {
      kernel.check(numbers<T>(rows * classes), targets(rows, classes, true), numbers<N>(rows), rows,
                   classes);
    }
  }
}

template <class T, class N>
static void check_gradient(
    const Checked<const T*, const int*, const N*, T*, N*, int, int>& kernel) {
  for (int rows : row_counts) {
    for (int classes : widths) {
      const size_t count = static_cast<size_t>(rows) * classes;
      kernel.check(numbers<T>(count), targets(rows, classes, true), numbers<N>(1),
                   numbers<T>(count), numbers<N>(rows), rows, classes);
    }
  }
}

template <class T>
static void check_mean(const Checked<const T*, const int*, T*, double*, int>& kernel) {
  for (int rows : {1100, 33, 1}) {
    auto losses = numbers<T>(rows);
    for (bool finite : {true, false}) {
      if (!finite) losses[rows / 2] = static_cast<T>(HUGE_VAL);
      kernel.check(losses, targets(rows, 3, false), numbers<T>(1), numbers<double>(2), rows);
    }
  }
}

static const Suite suite([] {
  check_share(CHECKED(loss_share_f32));
  check_share(CHECKED(loss_share_f64));
  IN_EACH_TYPE(check_losses, cross_entropy);
  IN_EACH_TYPE(check_gradient, cross_entropy_gradient);
  check_mean(CHECKED(mean_loss_f32));
  check_mean(CHECKED(mean_loss_f64));
});

}  // namespace cudnn4j::check
