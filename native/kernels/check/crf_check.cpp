#include "kernels/check/kernel_check.hpp"
#include "kernels/crf.cu"

namespace cudnn4j::check {

constexpr int steps = 4;
constexpr int batch = 3;

static size_t cells(int columns) { return static_cast<size_t>(steps) * batch * columns; }

/** Of sequences: empty ones, whole ones and those that claim more. */
static std::vector<int> lengths() { return integers(batch, 0, steps + 1); }

/** Of each step; if `beyond`, also such that are not there. */
static std::vector<int> labels(int columns, bool beyond) {
  return integers(steps * batch, beyond ? -1 : 0, beyond ? columns : columns - 1);
}

static void check_labelled(const Checked<const int*, const int*, int*, int>& kernel) {
  kernel.check(lengths(), integers(batch, -1, 0), integers(batch, 5, 9), batch);
}

template <class T, class N>
static void check_forward(const Checked<const int*, const int*, int, const T*, const T*, const T*,
                                        const T*, N*, N*, int*, int, int, int>& kernel) {
  for (int columns : widths) {
    for (int measured : {0, 1}) {
      // What is not written must be equal too.
      kernel.check(lengths(), labels(columns, true), measured, numbers<T>(cells(columns)),
                   numbers<T>(columns * columns), numbers<T>(columns), numbers<T>(columns),
                   numbers<N>(cells(columns)), numbers<N>(batch), integers(batch, 5, 9), steps,
                   batch, columns);
    }
  }
}

template <class T, class N>
static void check_marginals(const Checked<const int*, const T*, const T*, const T*, const N*, N*,
                                          N*, int, int, int, int>& kernel) {
  for (int columns : widths) {
    for (int paired : {0, 1}) {
      kernel.check(lengths(), numbers<T>(cells(columns)), numbers<T>(columns * columns),
                   numbers<T>(columns), numbers<N>(cells(columns)), numbers<N>(cells(columns)),
                   numbers<N>(paired * batch * columns * columns), paired, steps, batch, columns);
    }
  }
}

template <class T, class N>
static void check_viterbi(const Checked<const int*, const int*, double, const T*, const T*,
                                        const T*, const T*, N*, int*, int, int, int>& kernel) {
  for (int columns : widths) {
    for (double margin : {0.0, 1.0}) {
      // All equal: the first of them.
      for (bool equal : {false, true}) {
        const auto some = [=](size_t n) {
          return equal ? std::vector<T>(n, T(1.0f)) : numbers<T>(n);
        };
        kernel.check(lengths(), labels(columns, false), margin, some(cells(columns)),
                     some(columns * columns), some(columns), some(columns),
                     numbers<N>(cells(columns)), labels(columns, false), steps, batch, columns);
      }
    }
  }
}

template <class T>
static void check_score(const Checked<const int*, const int*, const T*, const T*, const T*,
                                      const T*, double*, int, int, int>& kernel) {
  for (int columns : widths) {
    for (bool beyond : {false, true}) {
      kernel.check(lengths(), labels(columns, beyond), numbers<T>(cells(columns)),
                   numbers<T>(columns * columns), numbers<T>(columns), numbers<T>(columns),
                   numbers<double>(batch), steps, batch, columns);
    }
  }
}

template <class T, class N>
static void check_hinge(const Checked<const int*, const int*, const int*, double, const T*,
                                      const T*, const T*, const T*, N*, int*, int, int, int>&
                            kernel) {
  for (int columns : widths) {
    for (bool beyond : {false, true}) {
      kernel.check(lengths(), labels(columns, beyond), labels(columns, false), 1.0,
                   numbers<T>(cells(columns)), numbers<T>(columns * columns), numbers<T>(columns),
                   numbers<T>(columns), numbers<N>(batch), integers(batch, 5, 9), steps, batch,
                   columns);
    }
  }
}

template <class N>
static void check_labels(
    const Checked<const int*, const int*, double, N*, N*, int, int, int>& kernel) {
  for (int columns : widths) {
    for (bool beyond : {false, true}) {
      kernel.check(lengths(), labels(columns, beyond), -1.0, numbers<N>(cells(columns)),
                   numbers<N>(batch * columns * columns), steps, batch, columns);
    }
  }
}

template <class T, class N>
static void check_multiply(const Checked<const N*, const N*, T*, long long>& kernel) {
  for (int n : widths) {
    kernel.check(numbers<N>(n), numbers<N>(1), numbers<T>(n), n);
  }
}

template <class T, class N>
static void check_gradients(const Checked<const int*, const N*, const N*, const N*, T*, T*, T*, int,
                                          int, int>& kernel) {
  for (int columns : widths) {
    kernel.check(lengths(), numbers<N>(cells(columns)), numbers<N>(batch * columns * columns),
                 numbers<N>(1), numbers<T>(columns * columns), numbers<T>(columns),
                 numbers<T>(columns), steps, batch, columns);
  }
}

template <class T>
static void check_allow(const Checked<const int*, const T*, double, T*, long long>& kernel) {
  for (int n : widths) {
    kernel.check(integers(n, 0, 1), numbers<T>(n), -HUGE_VAL, numbers<T>(n), n);
  }
}

template <class T>
static void check_force(const Checked<const int*, const T*, double, T*, int, int>& kernel) {
  for (int columns : widths) {
    kernel.check(labels(columns, true), numbers<T>(cells(columns)), 0.0,
                 numbers<T>(cells(columns)), steps * batch, columns);
  }
}

static const Suite suite([] {
  check_labelled(CHECKED(crf_labelled));
  IN_EACH_TYPE(check_forward, crf_forward);
  IN_EACH_TYPE(check_marginals, crf_marginals);
  IN_EACH_TYPE(check_viterbi, crf_viterbi);
  IN_EACH_TYPE(check_score, crf_score);
  IN_EACH_TYPE(check_hinge, crf_hinge);
  check_labels(CHECKED(crf_add_labels_f32));
  check_labels(CHECKED(crf_add_labels_f64));
  IN_EACH_TYPE(check_multiply, crf_multiply);
  IN_EACH_TYPE(check_gradients, crf_gradients);
  IN_EACH_TYPE(check_allow, crf_allow);
  IN_EACH_TYPE(check_force, crf_force);
});

}  // namespace cudnn4j::check
