#include "kernels/check/kernel_check.hpp"
#include "kernels/fill.cu"

namespace cudnn4j::check {

template <class T>
static void check_fill(const Checked<T*, T, long long>& kernel) {
  for (int n : {1000, 63, 1, 0}) kernel.check(numbers<T>(n), static_cast<T>(7), n);
}

static const Suite suite([] {
  check_fill(CHECKED(fill_f32));
  check_fill(CHECKED(fill_f64));
  check_fill(CHECKED(fill_i32));
});

}  // namespace cudnn4j::check
