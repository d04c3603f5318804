#include "kernels/check/kernel_check.hpp"
#include "kernels/time.cu"

namespace cudnn4j::check {

constexpr int steps = 3;
constexpr int batch = 2;

/** Of sequences: empty ones, whole ones and those that claim more. */
static std::vector<int> lengths(int count, int most) { return integers(count, 0, most + 1); }

template <class T>
static void check_steps(const Checked<const int*, const T*, T*, int, int, int>& kernel) {
  for (int columns : widths) {
    const size_t count = static_cast<size_t>(steps) * batch * columns;
    kernel.check(lengths(batch, steps), numbers<T>(count), numbers<T>(count), steps, batch, columns);
  }
}

template <class T>
static void check_sums(const Checked<const int*, const T*, T*, int, int, int, int>& kernel) {
  for (int columns : widths) {
    for (int averaged : {0, 1}) {
      const size_t count = static_cast<size_t>(steps) * batch * columns;
      kernel.check(lengths(batch, steps), numbers<T>(count), numbers<T>(count), averaged, steps,
                   batch, columns);
    }
  }
}

template <class T>
static void check_swap(const Checked<const T*, T*, int, int, int>& kernel) {
  for (int columns : widths) {
    const size_t count = static_cast<size_t>(steps) * batch * columns;
    kernel.check(numbers<T>(count), numbers<T>(count), steps, batch, columns);
  }
}

template <class T>
static void check_softmax(const Checked<const int*, const T*, T*, int, int, int>& kernel) {
  constexpr int rows = 3;
  constexpr int group = 2;
  for (int columns : widths) {
    const size_t count = static_cast<size_t>(rows) * columns;
    kernel.check(lengths(2, columns), numbers<T>(count), numbers<T>(count), rows, columns, group);
  }
}

template <class T>
static void check_softmax_gradient(const Checked<const T*, const T*, T*, int, int>& kernel) {
  constexpr int rows = 3;
  for (int columns : widths) {
    const size_t count = static_cast<size_t>(rows) * columns;
    kernel.check(numbers<T>(count), numbers<T>(count), numbers<T>(count), rows, columns);
  }
}

static const Suite suite([] {
  CHECKED(time_steps).check(lengths(batch, steps), integers(steps * batch, 0, 9), steps, batch);
  IN_EACH_TYPE(check_steps, mask_time);
  IN_EACH_TYPE(check_steps, reverse_time);
  IN_EACH_TYPE(check_steps, last_step);
  IN_EACH_TYPE(check_steps, last_step_gradient);
  IN_EACH_TYPE(check_sums, sum_time);
  IN_EACH_TYPE(check_sums, sum_time_gradient);
  IN_EACH_TYPE(check_swap, swap);
  IN_EACH_TYPE(check_softmax, masked_softmax);
  IN_EACH_TYPE(check_softmax_gradient, masked_softmax_gradient);
});

}  // namespace cudnn4j::check
