#include "cudnn/rnn/wavefront.hpp"

#include <cmath>

#include "cudnn/rnn/layer.hpp"

namespace cudnn4j {
namespace {

/// Rows up to which layers may overlap: of more, half reuse the weights nearly as well as all.
constexpr int64_t most_rows = 8;
/// Recurrent weights of a layer up to which layers may overlap. A thread reads those of a whole
/// layer in every step, so they must stay in its second-level cache: beyond, sharing the units is
/// nearly twice as fast, and what is not shared waits for memory.
constexpr int64_t most_bytes = 1 << 20;
/// Multiply-adds of a layer's products with h below which another thread would come too late.
constexpr int64_t least_work = 300'000;
/// Tokens of a part from which its inputs are worth a product of their own, and parts beyond which
/// less is gained at both ends than is lost by reading the input matrix once more.
constexpr int64_t tokens_per_part = 8;
constexpr int64_t most_parts = 12;

}  // namespace

template <class T>
bool may_overlap(const RnnShape& shape, const Plan& plan) {
  return shape.layers > 1 && shape.directions == 1 && plan.batch() <= most_rows &&
         gate_width(shape) * shape.output * int64_t{sizeof(T)} <= most_bytes;
}

template <class T>
int choose_parts(const RnnShape& shape, const Plan& plan, const Sharing& sharing) {
  const double threads = pool_threads();
  const int64_t weights = gate_width(shape) * shape.output;
  if (threads == 1 || !may_overlap<T>(shape, plan) || plan.tokens() * weights < least_work) {
    return 1;
  }
  const int64_t time = plan.time();
  const int64_t parts = std::min({most_parts, plan.tokens() / tokens_per_part, time});
  if (parts < 2) return 1;

  // How long a step through all layers takes, a step of one layer with one row being 1. With n rows
  // that is about (n + 1) / 2: the weights are read for however few. Meeting in every step, where the
  // units are shared, adds a quarter.
  const auto rows = static_cast<double>(plan.batch());
  const auto layers = static_cast<double>(shape.layers);
  const double step = (rows + 1) / 2;
  const double of_group = (std::ceil(rows / sharing.row_groups) + 1) / 2;
  const double one_by_one = layers * (sharing.by_rows() ? of_group : 1.25 * step / threads);
  // The last of the layers at work starts and ends some parts after the first.
  const double late = (std::min(layers, threads) - 1) / static_cast<double>(parts);
  const double overlapping = std::ceil(layers / threads) * step * (1 + late);
  return overlapping < one_by_one ? static_cast<int>(parts) : 1;
}

template bool may_overlap<float>(const RnnShape&, const Plan&);
template bool may_overlap<double>(const RnnShape&, const Plan&);
template int choose_parts<float>(const RnnShape&, const Plan&, const Sharing&);
template int choose_parts<double>(const RnnShape&, const Plan&, const Sharing&);

}  // namespace cudnn4j
