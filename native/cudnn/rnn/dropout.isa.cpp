#include <cstdint>

namespace cudnn4j::CUDNN4J_ISA {
namespace {

/// Blocks of the generator computed side by side, so that the compiler makes vectors of them.
constexpr int lanes = 16;

/// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3"
/// (2011). word[w][lane] starts as the counter and ends as the random bits.
void philox(uint64_t seed, uint32_t (&word)[4][lanes]) {
  auto first = static_cast<uint32_t>(seed);
  auto second = static_cast<uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < lanes; ++i) {
      const uint64_t a = uint64_t{0xD2511F53} * word[0][i];
      const uint64_t b = uint64_t{0xCD9E8D57} * word[2][i];
      word[0][i] = static_cast<uint32_t>(b >> 32) ^ word[1][i] ^ first;
      word[1][i] = static_cast<uint32_t>(b);
      word[2][i] = static_cast<uint32_t>(a >> 32) ^ word[3][i] ^ second;
      word[3][i] = static_cast<uint32_t>(a);
    }
    first += 0x9E3779B9;
    second += 0xBB67AE85;
  }
}

}  // namespace

/// Writes for the blocks [first, first + blocks) four bytes each: 1 where the bits reach `least`.
void philox_mask(uint64_t seed, uint64_t first, int64_t blocks, uint32_t least, uint8_t* mask) {
  for (int64_t b = 0; b < blocks; b += lanes) {
    uint32_t word[4][lanes];
    for (int i = 0; i < lanes; ++i) {
      const uint64_t counter = first + static_cast<uint64_t>(b + i);
      word[0][i] = static_cast<uint32_t>(counter);
      word[1][i] = static_cast<uint32_t>(counter >> 32);
      word[2][i] = 0;
      word[3][i] = 0;
    }
    philox(seed, word);
    const int count = blocks - b < lanes ? static_cast<int>(blocks - b) : lanes;
    for (int i = 0; i < count; ++i) {
      for (int w = 0; w < 4; ++w) mask[4 * (b + i) + w] = word[w][i] >= least;
    }
  }
}

}  // namespace cudnn4j::CUDNN4J_ISA
