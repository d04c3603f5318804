#include "cudnn/rnn/dropout.hpp"

#include <algorithm>
#include <cmath>

#include "gemm/isa.hpp"

namespace cudnn4j {

namespace v2 {
void philox_mask(uint64_t seed, uint64_t first, int64_t blocks, uint32_t least, uint8_t* mask);
}
namespace v3 {
void philox_mask(uint64_t seed, uint64_t first, int64_t blocks, uint32_t least, uint8_t* mask);
}
namespace v4 {
void philox_mask(uint64_t seed, uint64_t first, int64_t blocks, uint32_t least, uint8_t* mask);
}

DropoutStream take(DropoutStream* state, uint64_t count) {
  const DropoutStream before = *state;
  state->offset += count;
  return before;
}

void dropout_mask(const DropoutStream& stream, float drop, uint64_t first, int64_t count,
                  uint8_t* mask) {
  // An element is kept when its 32 bits, as a fraction of 2^32, reach the probability of dropping.
  const double limit = std::ceil(static_cast<double>(drop) * 4294967296.0);
  if (limit >= 4294967296.0) {
    std::fill_n(mask, count, uint8_t{0});
    return;
  }
  const auto least = static_cast<uint32_t>(limit);
  const auto fill = choose(v2::philox_mask, v3::philox_mask, v4::philox_mask);
  uint64_t element = stream.offset + first;
  while (count > 0) {
    // Four elements share a block of the generator; the first and the last may be partial.
    const auto lane = static_cast<int64_t>(element % 4);
    int64_t done = count / 4 * 4;
    if (lane == 0 && done > 0) {
      fill(stream.seed, element / 4, done / 4, least, mask);
    } else {
      uint8_t block[4];
      fill(stream.seed, element / 4, 1, least, block);
      done = std::min(count, 4 - lane);
      std::copy_n(block + lane, done, mask);
    }
    element += static_cast<uint64_t>(done);
    mask += done;
    count -= done;
  }
}

}  // namespace cudnn4j
