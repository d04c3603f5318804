#include "kernels/check/kernel_check.hpp"
#include "kernels/embedding.cu"

namespace cudnn4j::check {

constexpr int vocabulary = 6;
constexpr int counts[] = {7, 1};

/** Padding, tokens that are known, many of them twice, and one that is not. */
static std::vector<int> tokens(int count) { return integers(count, -1, vocabulary); }

template <class T>
static void check_embedding(const Checked<const int*, const T*, T*, int, int, int>& kernel) {
  for (int count : counts) {
    for (int width : widths) {
      kernel.check(tokens(count), numbers<T>(vocabulary * width), numbers<T>(count * width), count,
                   width, vocabulary);
    }
  }
}

template <class T>
static void check_one_hot(const Checked<const int*, T*, int, int>& kernel) {
  for (int count : counts) {
    for (int classes : widths) {
      kernel.check(integers(count, -1, classes), numbers<T>(count * classes), count, classes);
    }
  }
}

/** The places of each run of as many, sorted by token. */
static std::vector<int> order_of_runs(const std::vector<int>& values, int run) {
  const int count = static_cast<int>(values.size());
  std::vector<int> order(count);
  for (int i = 0; i < count; ++i) order[i] = i;
  for (int first = 0; first < count; first += run) {
    std::stable_sort(order.begin() + first, order.begin() + std::min(first + run, count),
                     [&](int a, int b) { return values[a] < values[b]; });
  }
  return order;
}

template <class T>
static void check_gradient(
    const Checked<const int*, const int*, const T*, T*, int, int, int>& kernel) {
  for (int count : counts) {
    for (int width : widths) {
      const auto values = tokens(count);
      kernel.check(values, order_of_runs(values, count), numbers<T>(count * width),
                   numbers<T>(vocabulary * width), count, width, vocabulary);
    }
  }
}

static const Suite suite([] {
  IN_EACH_TYPE(check_embedding, embedding);
  IN_EACH_TYPE(check_one_hot, one_hot);
  for (int count : {200, 33, 1}) {
    for (int run : {256, 40}) {
      const auto values = tokens(count);
      CHECKED(token_order).check(values, std::vector<int>(count), count, run);
      CHECKED(merge_token_order)
          .check(values, order_of_runs(values, run), std::vector<int>(count), count, run);
    }
  }
  IN_EACH_TYPE(check_gradient, embedding_gradient);
  for (int words : {129, 40, 1}) {
    constexpr int windows = 3;
    constexpr int part = 40;
    const int blocks = (words + part - 1) / part;
    for (int place = 0; place < windows; ++place) {
      for (int fetched : {words, words / 2}) {
        CHECKED(fetch_window)
            .check(numbers<long long>(windows * words), std::vector<int>(blocks, place),
                   numbers<long long>(words), words, fetched, part, windows);
      }
    }
  }
});

}  // namespace cudnn4j::check
