#include "kernels/check/kernel_check.hpp"
#include "kernels/ctc.cu"

namespace cudnn4j::check {

constexpr int label_time = 4;
constexpr int time = 5;
constexpr int symbols = 33;

template <class T>
static void check_widening(const Checked<const T*, float*, long long>& kernel) {
  kernel.check(numbers<T>(200), numbers<float>(200), 200);
}

template <class T>
static void check_costs(const Checked<const float*, const int*, T*, int>& kernel) {
  kernel.check(numbers<float>(70), integers(70, -1, 1), numbers<T>(70), 70);
}

template <class T, class N>
static void check_gradient(
    const Checked<const float*, const N*, T*, int, int, int>& kernel) {
  auto arriving = numbers<N>(3);
  arriving[1] = 0;
  const int elements = time * 3 * symbols;
  kernel.check(numbers<float>(elements), arriving, numbers<T>(elements), time, 3, symbols);
}

static const Suite suite([] {
  for (int batch : {70, 33, 1}) {
    CHECKED(ctc_lengths)
        .check(integers(label_time * batch, -1, 3), integers(batch, -1, 5), integers(batch, -1, 6),
               integers(batch, -1, 1), integers(batch, 0, 9), integers(batch, 0, 9),
               integers(batch, 0, 9), label_time, time, batch, 3);
    CHECKED(ctc_pack)
        .check(integers(label_time * batch, 1, 9), integers(batch, -1, 5),
               integers(label_time * batch, 1, 9), label_time, batch);
  }
  check_widening(CHECKED(ctc_widen_f64));
  check_widening(CHECKED(ctc_widen_f16));
  check_widening(CHECKED(ctc_widen_bf16));
  check_costs(CHECKED(ctc_costs_f32));
  check_costs(CHECKED(ctc_costs_f64));
  IN_EACH_TYPE(check_gradient, ctc_gradient);
});

}  // namespace cudnn4j::check
