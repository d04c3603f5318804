#include <algorithm>

#include "cudnn/rnn/scratch.hpp"

namespace cudnn4j {

template <class S>
size_t workspace_bytes(const RnnShape& shape, const Batch& batch, bool training) {
  using T = Computed<S>;
  const auto bytes = [&](auto scratch) {
    Arena arena(nullptr);
    const Plan plan(batch, arena, is_narrow<S>);
    scratch(plan, arena);
    return arena.used();
  };
  const auto ahead = [&](bool trains) {
    return bytes([&](const Plan& plan, Arena& arena) {
      ForwardScratch<T>(shape, plan, trains, arena);
    });
  };
  const size_t inference = ahead(false);
  if (!training) return inference;
  const size_t back = bytes(
      [&](const Plan& plan, Arena& arena) { BackwardScratch<T>(shape, plan, arena); });
  const size_t sums = bytes([&](const Plan& plan, Arena& arena) {
    WeightsScratch<T>(shape, plan, is_narrow<S>, arena);
  });
  return std::max({inference, ahead(true), back, sums});
}

template <class S>
size_t reserve_bytes(const RnnShape& shape, const Batch& batch) {
  Arena order(nullptr);
  const Plan plan(batch, order, is_narrow<S>);
  size_t bytes = 0;
  stored_layer<Computed<S>>(shape, plan, shape.layers, Arena(nullptr), &bytes);
  // Sequences of length 0 leave nothing, but a block of 0 bytes has no address.
  return std::max<size_t>(bytes, 64);
}

#define CUDNN4J_INSTANTIATE(S)                                                 \
  template size_t workspace_bytes<S>(const RnnShape&, const Batch&, bool);     \
  template size_t reserve_bytes<S>(const RnnShape&, const Batch&);
CUDNN4J_INSTANTIATE(float)
CUDNN4J_INSTANTIATE(double)
CUDNN4J_INSTANTIATE(Half)
CUDNN4J_INSTANTIATE(BFloat16)
#undef CUDNN4J_INSTANTIATE

}  // namespace cudnn4j
