#include "kernels/check/kernel_check.hpp"
#include "kernels/vector.cu"

namespace cudnn4j::check {

constexpr int sizes[] = {700, 33, 1};

/** Whether to skip, at one of the sizes. */
static std::vector<double> skip(int n) { return {n == 33 ? 1.0 : 0.0}; }

template <class T>
static void check_set(const Checked<double, const double*, T*, const double*, long long>& kernel) {
  for (int n : sizes) kernel.check(0.3, numbers<double>(1), numbers<T>(n), skip(n), n);
}

template <class T>
static void check_combine(const Checked<double, const double*, const T*, double, const double*,
                                        const T*, T*, const double*, long long>& kernel) {
  for (int n : sizes) {
    kernel.check(0.3, numbers<double>(1), numbers<T>(n), -2.0, numbers<double>(1), numbers<T>(n),
                 numbers<T>(n), skip(n), n);
  }
}

template <class T>
static void check_product(const Checked<double, const double*, const T*, const T*, T*,
                                        const double*, long long>& kernel) {
  for (int n : sizes) {
    kernel.check(0.3, numbers<double>(1), numbers<T>(n), numbers<T>(n), numbers<T>(n), skip(n), n);
  }
}

template <class T>
static void check_quotient(
    const Checked<const T*, const T*, double, T*, const double*, long long>& kernel) {
  for (int n : sizes) {
    kernel.check(numbers<T>(n), numbers<T>(n), 1.1, numbers<T>(n), skip(n), n);
  }
}

template <class T>
static void check_maximum(
    const Checked<const T*, const T*, T*, const double*, long long>& kernel) {
  for (int n : sizes) kernel.check(numbers<T>(n), numbers<T>(n), numbers<T>(n), skip(n), n);
}

template <class T>
static void check_apply(const Checked<int, const T*, T*, const double*, long long>& kernel) {
  for (int n : sizes) {
    for (int function : {0, 1, 2}) {
      kernel.check(function, numbers<T>(n), numbers<T>(n), skip(n), n);
    }
  }
}

static const Suite suite([] {
  check_set(CHECKED(set_f32));
  check_set(CHECKED(set_f64));
  check_combine(CHECKED(combine_f32));
  check_combine(CHECKED(combine_f64));
  check_product(CHECKED(product_f32));
  check_product(CHECKED(product_f64));
  check_quotient(CHECKED(quotient_f32));
  check_quotient(CHECKED(quotient_f64));
  check_maximum(CHECKED(maximum_f32));
  check_maximum(CHECKED(maximum_f64));
  check_apply(CHECKED(apply_f32));
  check_apply(CHECKED(apply_f64));
});

}  // namespace cudnn4j::check
