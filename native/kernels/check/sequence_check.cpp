#include "kernels/check/kernel_check.hpp"
#include "kernels/sequence.cu"

namespace cudnn4j::check {

template <class Bits>
static void check_gather(
    const Checked<const int*, const void*, const void*, int, void*, int, int>& kernel) {
  for (int rows : {5, 1}) {
    for (int width : widths) {
      for (int has_otherwise : {0, 1}) {
        const size_t count = static_cast<size_t>(rows) * width;
        kernel.check(integers(rows, -1, rows - 1), numbers<Bits>(count), numbers<Bits>(count),
                     has_otherwise, numbers<Bits>(count), rows, width);
      }
    }
  }
}

template <class Bits>
static void check_scatter(const Checked<const int*, const void*, void*, int, int>& kernel) {
  for (int width : widths) {
    const std::vector<int> places = {3, -1, 0, 4, -1};
    const int rows = static_cast<int>(places.size());
    const size_t count = static_cast<size_t>(rows) * width;
    kernel.check(places, numbers<Bits>(count), numbers<Bits>(count), rows, width);
  }
}

static const Suite suite([] {
  check_gather<short>(CHECKED(gather_rows_2));
  check_gather<int>(CHECKED(gather_rows_4));
  check_gather<long long>(CHECKED(gather_rows_8));
  check_scatter<short>(CHECKED(scatter_rows_2));
  check_scatter<int>(CHECKED(scatter_rows_4));
  check_scatter<long long>(CHECKED(scatter_rows_8));
});

}  // namespace cudnn4j::check
