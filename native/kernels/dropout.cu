// Dropout with masks that no memory holds: the bits of an element are those of its number, so the
// way back has them again. The numbers go on from draw to draw, in device memory, so that a replayed
// graph draws anew: state[2] = the seed, and how many elements were drawn.
#include "dialect.cuh"

// The elements that share a block of the generator; a draw begins with a new one.
constexpr int block_elements = 4;

DEVICE long long blocks_of(long long elements) {
  return (elements + block_elements - 1) / block_elements;
}

struct Block {
  unsigned bits[block_elements];
};

// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011).
DEVICE Block philox(unsigned long long seed, unsigned long long counter) {
  unsigned key_a = static_cast<unsigned>(seed);
  unsigned key_b = static_cast<unsigned>(seed >> 32);
  unsigned a = static_cast<unsigned>(counter);
  unsigned b = static_cast<unsigned>(counter >> 32);
  unsigned c = 0;
  unsigned d = 0;
  for (int round = 0; round < 10; ++round) {
    const unsigned long long p = 0xD2511F53ULL * a;
    const unsigned long long q = 0xCD9E8D57ULL * c;
    a = static_cast<unsigned>(q >> 32) ^ b ^ key_a;
    b = static_cast<unsigned>(q);
    c = static_cast<unsigned>(p >> 32) ^ d ^ key_b;
    d = static_cast<unsigned>(p);
    key_a += 0x9E3779B9u;
    key_b += 0xBB67AE85u;
  }
  return {{a, b, c, d}};
}

template <class T>
DEVICE T masked(T value, unsigned bits, long long least, Number<T> scale) {
  return bits >= least ? static_cast<T>(static_cast<Number<T>>(value) * scale)
                       : static_cast<T>(0);
}

template <class T>
DEVICE void apply_mask(const long long* state, const T* in, T* out, long long least, double scale,
                       long long n) {
  const Number<T> factor = static_cast<Number<T>>(scale);
  const unsigned long long seed = static_cast<unsigned long long>(state[0]);
  const unsigned long long first =
      static_cast<unsigned long long>(state[1]) / block_elements - blocks_of(n);
  const long long whole = n / block_elements;
  FOR_EACH(i, whole) {
    const Block block = philox(seed, first + i);
    const T* from = in + i * block_elements;
    T* to = out + i * block_elements;
    to[0] = masked(from[0], block.bits[0], least, factor);
    to[1] = masked(from[1], block.bits[1], least, factor);
    to[2] = masked(from[2], block.bits[2], least, factor);
    to[3] = masked(from[3], block.bits[3], least, factor);
  }
  FOR_EACH(j, n - whole * block_elements) {
    const long long at = whole * block_elements + j;
    out[at] = masked(in[at], philox(seed, first + whole).bits[j], least, factor);
  }
}

// Takes the next n elements: the masks that follow are theirs.
KERNEL(draw_mask, (long long* state, long long n), (2)) {
  FOR_EACH(i, 1) { state[1 + i] = blocks_of(state[1 + i] + n) * block_elements; }
}

// out[n] = in[n] * scale where the element's 32 bits are at least `least`, otherwise 0
KERNELS(mask, (const long long* state, const T* in, T* out, long long least, double scale,
               long long n),
        (2, n, n), apply_mask(state, in, out, least, scale, n))
