#pragma once

/*
 * What makes the CUDA side of a kernel file C++: include this, then the file, and its kernels are
 * functions that `launch` runs. A block is a thread of this process and a CUDA thread a fiber in
 * it, so that thread-local variables are a block's shared memory, and the order is the same every
 * time. To ThreadSanitizer every fiber is a thread, which only __syncthreads orders after others.
 */

#include <math.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "gemm/half.hpp"

namespace cudnn4j::check {

/** Part of the name of an index or an extent; a kernel here uses one dimension. */
struct Dimension {
  unsigned x;
};

/** How many blocks of how many threads, and whether the last thread goes first. */
struct Geometry {
  unsigned grid;
  unsigned block;
  bool backwards;
};

/** Ends the process with a message and status 1. */
[[noreturn]] void fail(const std::string& message);

/** Runs a kernel's body once for every thread of every block, and ends when all have ended. */
void launch(const Geometry& geometry, const std::function<void()>& body);

// Not instrumented by ThreadSanitizer: they are the machine, not the program.
Dimension thread_index();
Dimension block_index();
Dimension block_extent();
Dimension grid_extent();
void wait_for_block();
uint64_t exchange(unsigned mask, uint64_t value, int lane_mask);

/** The only PTX there is: conversions of a number of 16 bits. */
inline void ptx(const char* text, unsigned short& bits, float value) {
  if (std::strncmp(text, "\"cvt.rn.f16.f32 ", 16) != 0) std::abort();
  bits = Half(value).bits;
}
inline void ptx(const char* text, const unsigned short& bits, float& value) {
  if (std::strncmp(text, "\"cvt.f32.f16 ", 13) != 0) std::abort();
  Half number;
  number.bits = bits;
  value = static_cast<float>(number);
}

}  // namespace cudnn4j::check

inline float __uint_as_float(unsigned word) { return __builtin_bit_cast(float, word); }
inline unsigned __float_as_uint(float value) { return __builtin_bit_cast(unsigned, value); }

inline void __syncthreads() { cudnn4j::check::wait_for_block(); }

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask) {
  uint64_t bits = 0;
  static_assert(sizeof(T) <= sizeof(bits));
  std::memcpy(&bits, &value, sizeof(T));
  bits = cudnn4j::check::exchange(mask, bits, lane_mask);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

#define __CUDACC__
#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __shared__ static thread_local
#define threadIdx (::cudnn4j::check::thread_index())
#define blockIdx (::cudnn4j::check::block_index())
#define blockDim (::cudnn4j::check::block_extent())
#define gridDim (::cudnn4j::check::grid_extent())
#define asm(...) ::cudnn4j::check::ptx(#__VA_ARGS__, bits, value)
