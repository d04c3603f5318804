#include "kernels/check/kernel_check.hpp"
#include "kernels/attention.cu"

namespace cudnn4j::check {

constexpr int queries = 2;
constexpr int keys = 5;
constexpr int batch = 3;

/** An empty sequence, one of some keys, and one that claims more than there are. */
static const std::vector<int> lengths{0, 3, keys + 1};

/** The vectors of each query, or of each key, of each sequence. */
template <class T>
static std::vector<T> vectors(int count, int columns) {
  return numbers<T>(static_cast<size_t>(count) * batch * columns);
}

template <class T>
static std::vector<T> scores() {
  return numbers<T>(batch * queries * keys);
}

template <class T>
static void check_score(const Checked<const int*, const T*, const T*, const T*, T*, int, int, int,
                                      int>& kernel) {
  for (int columns : widths) {
    kernel.check(lengths, vectors<T>(queries, columns), vectors<T>(keys, columns),
                 numbers<T>(columns), scores<T>(), queries, keys, batch, columns);
  }
}

template <class T>
static void check_query_gradient(
    const Checked<const int*, const T*, const T*, const T*, const T*, T*, T*, int, int, int, int>&
        kernel) {
  for (int columns : widths) {
    kernel.check(lengths, vectors<T>(queries, columns), vectors<T>(keys, columns),
                 numbers<T>(columns), scores<T>(), vectors<T>(queries, columns),
                 vectors<T>(queries, columns), queries, keys, batch, columns);
  }
}

template <class T>
static void check_key_gradient(
    const Checked<const int*, const T*, const T*, const T*, const T*, T*, int, int, int, int>&
        kernel) {
  for (int columns : widths) {
    kernel.check(lengths, vectors<T>(queries, columns), vectors<T>(keys, columns),
                 numbers<T>(columns), scores<T>(), vectors<T>(keys, columns), queries, keys, batch,
                 columns);
  }
}

static const Suite suite([] {
  IN_EACH_TYPE(check_score, additive_score);
  IN_EACH_TYPE(check_query_gradient, additive_query_gradient);
  IN_EACH_TYPE(check_key_gradient, additive_key_gradient);
});

}  // namespace cudnn4j::check
