#include "kernels/check/kernel_check.hpp"
#include "kernels/optimizer.cu"

namespace cudnn4j::check {

constexpr int sizes[] = {700, 33, 1};

/** The state of a step that is taken, or refused. */
static std::vector<double> state(bool skip) {
  std::vector<double> places(kFactor + 1, 1);
  places[kLearningRate] = 0.01;
  places[kStep] = 3;
  places[kCorrection1] = 0.3;
  places[kCorrection2] = 0.06;
  places[kSkip] = skip ? 1 : 0;
  places[kScale] = 8;
  places[kFactor] = 0.4;
  return places;
}

/** Squares and their means are not negative. */
/** Mean squares that are above the squares of all means, from which they may be subtracted. */
template <class T>
static std::vector<T> squares(size_t count) {
  std::vector<T> values = numbers<T>(count);
  for (T& value : values) value = 2 + value;
  return values;
}

template <class T>
static void check_prepare(const Checked<const T*, const T*, const T*, const double*, double*,
                                        double, double, double, double, double, double>& kernel) {
  for (double norm : {0.5, 100.0, HUGE_VAL}) {
    for (double grow_every : {0.0, 1.0, 50.0}) {
      kernel.check(std::vector<T>{static_cast<T>(norm)}, std::vector<T>{30}, std::vector<T>{2},
                   std::vector<double>{0.1}, state(false), 1.0, 5.0, 0.9, 0.99, grow_every, 3.0);
    }
  }
}

template <class T>
static void check_prepare_group(
    const Checked<const T*, const double*, double*, double, double>& kernel) {
  for (double norm : {0.5, 100.0}) {
    kernel.check(std::vector<T>{static_cast<T>(norm)}, state(false), state(true), 1.0, 0.2);
  }
}

template <class T>
static void check_chunk_norms(const Checked<const T*, float*, long long, long long>& kernel) {
  constexpr int chunk = 100;
  for (int n : {350, 100, 1}) {
    kernel.check(numbers<T>(n), numbers<float>((n + chunk - 1) / chunk), chunk, n);
  }
}

template <class T, class G>
static void check_sgd(const Checked<T*, G*, const G*, T*, const double*, double, double, double,
                                    int, double, long long>& kernel) {
  for (int n : sizes) {
    for (double momentum : {0.0, 0.9}) {
      kernel.check(numbers<T>(n), numbers<G>(n), numbers<G>(n), numbers<T>(n), state(n == 33),
                   momentum, 0.0, 0.1, n == 700 ? 1 : 0, 0.3, n);
    }
  }
}

template <class T>
static void check_sgd(const Checked<T*, const T*, T*, const double*, double, double, double, int,
                                    double, long long>& kernel) {
  for (int n : sizes) {
    for (double momentum : {0.0, 0.9}) {
      kernel.check(numbers<T>(n), numbers<T>(n), numbers<T>(n), state(n == 33), momentum, 0.0, 0.1,
                   n == 700 ? 1 : 0, 0.3, n);
    }
  }
}

template <class T, class G>
static void check_rms_prop(const Checked<T*, G*, const G*, T*, T*, T*, const double*, double,
                                         double, double, double, int, double, long long>& kernel) {
  for (int n : sizes) {
    for (int centered : {0, 1}) {
      kernel.check(numbers<T>(n), numbers<G>(n), numbers<G>(n), squares<T>(n), numbers<T>(n),
                   numbers<T>(n), state(n == 33), 0.9, 1e-3, 0.1, 0.5 * centered, centered, 0.3, n);
    }
  }
}

template <class T>
static void check_rms_prop(const Checked<T*, const T*, T*, T*, T*, const double*, double, double,
                                         double, double, int, double, long long>& kernel) {
  for (int n : sizes) {
    for (int centered : {0, 1}) {
      kernel.check(numbers<T>(n), numbers<T>(n), squares<T>(n), numbers<T>(n), numbers<T>(n),
                   state(n == 33), 0.9, 1e-3, 0.1, 0.5 * centered, centered, 0.3, n);
    }
  }
}

template <class T, class G>
static void check_adam(const Checked<T*, G*, const G*, T*, T*, const double*, double, double,
                                     double, double, int, double, long long>& kernel) {
  for (int n : sizes) {
    for (int decoupled : {0, 1}) {
      kernel.check(numbers<T>(n), numbers<G>(n), numbers<G>(n), numbers<T>(n), squares<T>(n),
                   state(n == 33), 0.9, 0.99, 1e-3, 0.1, decoupled, 0.3, n);
    }
  }
}

template <class T>
static void check_adam(const Checked<T*, const T*, T*, T*, const double*, double, double, double,
                                     double, int, double, long long>& kernel) {
  for (int n : sizes) {
    for (int decoupled : {0, 1}) {
      kernel.check(numbers<T>(n), numbers<T>(n), numbers<T>(n), squares<T>(n), state(n == 33), 0.9,
                   0.99, 1e-3, 0.1, decoupled, 0.3, n);
    }
  }
}

template <class T>
static void check_clear(const Checked<T*, const double*, long long>& kernel) {
  for (bool skip : {false, true}) kernel.check(numbers<T>(100), state(skip), 100);
}

template <class T, class G>
static void check_ready(const Checked<const G*, T*, const double*, double, long long>& kernel) {
  for (int n : sizes) kernel.check(numbers<G>(n), numbers<T>(n), state(n == 33), 0.3, n);
}

template <class G>
static void check_round(const Checked<const float*, G*, long long>& kernel) {
  for (int n : sizes) kernel.check(numbers<float>(n), numbers<G>(n), n);
}

static const Suite suite([] {
  check_prepare(CHECKED(prepare_step_f32));
  check_prepare(CHECKED(prepare_step_f64));
  check_prepare_group(CHECKED(prepare_group_f32));
  check_prepare_group(CHECKED(prepare_group_f64));
  check_chunk_norms(CHECKED(chunk_norms_f16));
  check_chunk_norms(CHECKED(chunk_norms_bf16));
  IN_EACH_TYPE(check_sgd, sgd);
  IN_EACH_TYPE(check_rms_prop, rms_prop);
  IN_EACH_TYPE(check_adam, adam);
  IN_EACH_TYPE(check_clear, clear_if_skipped);
  IN_EACH_TYPE(check_ready, ready_gradients);
  check_round(CHECKED(round_weights_f16));
  check_round(CHECKED(round_weights_bf16));
});

}  // namespace cudnn4j::check
