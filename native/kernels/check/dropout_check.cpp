#include "kernels/check/kernel_check.hpp"
#include "kernels/dropout.cu"

namespace cudnn4j::check {

constexpr int sizes[] = {701, 33, 4, 1};

template <class T>
static void check_mask(
    const Checked<const long long*, const T*, T*, long long, double, long long>& kernel) {
  for (int n : sizes) {
    const std::vector<long long> state = {42, 4000};
    kernel.check(state, numbers<T>(n), numbers<T>(n), 1LL << 30, 1.25, n);
  }
}

static const Suite suite([] {
  for (int n : sizes) CHECKED(draw_mask).check(std::vector<long long>{42, 4000}, n);
  IN_EACH_TYPE(check_mask, mask);
});

}  // namespace cudnn4j::check
