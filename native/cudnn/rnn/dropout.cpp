#include "cudnn/rnn/dropout.hpp"

#include <algorithm>

namespace cudnn4j {
namespace {

/// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3"
/// (2011).
struct Philox {
  uint32_t word[4];

  Philox(uint64_t counter, uint64_t key) {
    word[0] = static_cast<uint32_t>(counter);
    word[1] = static_cast<uint32_t>(counter >> 32);
    word[2] = word[3] = 0;
    uint32_t first = static_cast<uint32_t>(key);
    uint32_t second = static_cast<uint32_t>(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53} * word[0];
      const uint64_t b = uint64_t{0xCD9E8D57} * word[2];
      const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ word[1] ^ first,
                                static_cast<uint32_t>(b),
                                static_cast<uint32_t>(a >> 32) ^ word[3] ^ second,
                                static_cast<uint32_t>(a)};
      std::copy_n(next, 4, word);
      first += 0x9E3779B9;
      second += 0xBB67AE85;
    }
  }
};

}  // namespace

DropoutStream take(DropoutStream* state, uint64_t count) {
  const DropoutStream before = *state;
  state->offset += count;
  return before;
}

void dropout_mask(const DropoutStream& stream, float drop, uint64_t first, int64_t count,
                  uint8_t* mask) {
  // An element is dropped when its 32 bits, as a fraction of 2^32, lie below the probability.
  const uint64_t limit = static_cast<uint64_t>(static_cast<double>(drop) * 4294967296.0);
  const uint64_t start = stream.offset + first;
  for (int64_t i = 0; i < count;) {
    const uint64_t element = start + static_cast<uint64_t>(i);
    const Philox block(element / 4, stream.seed);
    for (uint64_t lane = element % 4; lane < 4 && i < count; ++lane, ++i) {
      mask[i] = block.word[lane] >= limit;
    }
  }
}

}  // namespace cudnn4j
