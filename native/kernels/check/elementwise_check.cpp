#include "kernels/check/kernel_check.hpp"
#include "kernels/elementwise.cu"

namespace cudnn4j::check {

constexpr int sizes[] = {700, 33, 1};

template <class T>
static void check_both(const Checked<const T*, const T*, T*, long long>& kernel) {
  for (int n : sizes) kernel.check(numbers<T>(n), numbers<T>(n), numbers<T>(n), n);
}

template <class T>
static void check_scale(const Checked<const T*, double, T*, long long>& kernel) {
  for (int n : sizes) kernel.check(numbers<T>(n), 0.3, numbers<T>(n), n);
}

template <class T>
static void check_from_int(const Checked<const int*, T*, long long>& kernel) {
  for (int n : sizes) kernel.check(integers(n, -5, 5), numbers<T>(n), n);
}

template <class T>
static void check_activation(const Checked<int, const T*, T*, long long>& kernel) {
  for (int function : {0, 1, 2}) kernel.check(function, numbers<T>(100), numbers<T>(100), 100);
}

template <class T>
static void check_slope(const Checked<int, const T*, const T*, T*, long long>& kernel) {
  for (int function : {0, 1, 2}) {
    kernel.check(function, numbers<T>(100), numbers<T>(100), numbers<T>(100), 100);
  }
}

template <class T>
static void check_copy(const Checked<const T*, int, int, T*, int, int, int, int>& kernel) {
  constexpr int rows = 4;
  for (int columns : widths) {
    kernel.check(numbers<T>(rows * (columns + 3)), columns + 3, 2, numbers<T>(rows * (columns + 1)),
                 columns + 1, 1, columns, rows);
  }
}

static const Suite suite([] {
  IN_EACH_TYPE(check_both, add);
  IN_EACH_TYPE(check_both, multiply);
  IN_EACH_TYPE(check_scale, scale);
  IN_EACH_TYPE(check_from_int, from_int);
  IN_EACH_TYPE(check_activation, activate);
  IN_EACH_TYPE(check_slope, activation_gradient);
  IN_EACH_TYPE(check_copy, copy_columns);
});

}  // namespace cudnn4j::check
