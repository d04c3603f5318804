#include "kernels/check/kernel_check.hpp"
#include "kernels/loss.cu"

namespace cudnn4j::check {

constexpr int row_counts[] = {3, 1};

/** Rows that are not counted, and targets that are there or, if `beyond`, are not. */
static std::vector<int> targets(int rows, int classes, bool beyond) {
  return integers(rows, -1, beyond ? classes : classes - 1);
}

/** Numbers of 0 or more. */
template <class T>
static std::vector<T> weights(int count) {
  auto values = numbers<T>(count);
  for (T& value : values) value = std::abs(value);
  return values;
}

template <class T>
static void check_share(
    const Checked<const int*, const double*, const double*, T*, double*, int>& kernel) {
  for (int rows : {1100, 33, 1}) {
    const std::vector<double> scale = {512};
    const std::vector<double> factor = {0.5};
    for (const auto& counted : {integers(rows, -1, 0), std::vector<int>(rows, -1)}) {
      kernel.check(counted, scale, factor, numbers<T>(1), numbers<double>(1), rows);
    }
  }
}

template <class T>
static void check_weighted_share(const Checked<const int*, const T*, const double*, const double*,
                                               T*, double*, int, int>& kernel) {
  for (int rows : {1100, 33, 1}) {
    kernel.check(targets(rows, 5, true), weights<T>(5), std::vector<double>{512},
                 std::vector<double>{0.5}, numbers<T>(1), numbers<double>(1), rows, 5);
  }
}

template <class T, class N>
static void check_losses(
    const Checked<const T*, const int*, const N*, double, N*, int, int>& kernel) {
  for (int rows : row_counts) {
    for (int classes : widths) {
      for (double smoothing : {0.0, 0.1}) {
        kernel.check(numbers<T>(rows * classes), targets(rows, classes, true), weights<N>(classes),
                     smoothing, numbers<N>(rows), rows, classes);
      }
    }
  }
}

template <class T, class N>
static void check_gradient(const Checked<const T*, const int*, const N*, double, const N*, T*, N*,
                                         int, int>& kernel) {
  for (int rows : row_counts) {
    for (int classes : widths) {
      for (double smoothing : {0.0, 0.1}) {
        const size_t count = static_cast<size_t>(rows) * classes;
        kernel.check(numbers<T>(count), targets(rows, classes, true), weights<N>(classes),
                     smoothing, numbers<N>(1), numbers<T>(count), numbers<N>(rows), rows, classes);
      }
    }
  }
}

template <class T, class N>
static void check_mean(
    const Checked<const T*, const int*, const double*, N*, double*, int>& kernel) {
  for (int rows : {1100, 33, 1}) {
    auto losses = numbers<T>(rows);
    for (bool finite : {true, false}) {
      if (!finite) losses[rows / 2] = static_cast<T>(std::numeric_limits<float>::infinity());
      for (double counted : {0.0, 7.0}) {
        kernel.check(losses, targets(rows, 3, false), std::vector<double>{counted}, numbers<N>(1),
                     numbers<double>(3), rows);
      }
    }
  }
}

template <class T, class N>
static void check_mean_gradient(const Checked<const int*, const N*, T*, int>& kernel) {
  for (int rows : {1100, 33, 1}) {
    kernel.check(targets(rows, 3, false), numbers<N>(1), numbers<T>(rows), rows);
  }
}

template <class T>
static void check_addition(const Checked<const T*, const double*, T*>& kernel) {
  kernel.check(numbers<T>(1), std::vector<double>{0.5}, numbers<T>(1));
}

static const Suite suite([] {
  check_share(CHECKED(loss_share_f32));
  check_share(CHECKED(loss_share_f64));
  check_weighted_share(CHECKED(weighted_loss_share_f32));
  check_weighted_share(CHECKED(weighted_loss_share_f64));
  IN_EACH_TYPE(check_losses, cross_entropy);
  IN_EACH_TYPE(check_gradient, cross_entropy_gradient);
  IN_EACH_TYPE(check_mean, mean_loss);
  IN_EACH_TYPE(check_mean_gradient, mean_loss_gradient);
  check_addition(CHECKED(add_loss_f32));
  check_addition(CHECKED(add_loss_f64));
});

}  // namespace cudnn4j::check
