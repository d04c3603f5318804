#pragma once

// Vectors for the sources that are compiled once per instruction set. Only *.isa.cpp files include
// this, and they call nothing inline from the standard library: the linker keeps one copy of such
// a function, and it could be the one that this processor cannot run.

#include <cstdint>

namespace cudnn4j::CUDNN4J_ISA {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
constexpr int vector_registers = 32;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
constexpr int vector_registers = 16;
#else
constexpr int vector_bytes = 16;
constexpr int vector_registers = 16;
#endif

template <class T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using Type = int32_t;
};
template <>
struct BitsOf<double> {
  using Type = int64_t;
};

template <class T>
struct Simd {
  static constexpr int width = vector_bytes / sizeof(T);
  using Bits = typename BitsOf<T>::Type;
  typedef T Vec __attribute__((vector_size(vector_bytes)));
  typedef Bits BitVec __attribute__((vector_size(vector_bytes)));
  typedef T Unaligned __attribute__((vector_size(vector_bytes), aligned(alignof(T)), may_alias));

  static Vec load(const T* p) { return *reinterpret_cast<const Unaligned*>(p); }
  static void store(T* p, Vec v) { *reinterpret_cast<Unaligned*>(p) = v; }
  static Vec all(T value) { return value - Vec{}; }
  static BitVec bits(Vec v) { return reinterpret_cast<BitVec>(v); }
  static Vec from_bits(BitVec v) { return reinterpret_cast<Vec>(v); }

  /// The first `count` elements, the others 0; count may exceed the width.
  static Vec load(const T* p, int64_t count) {
    if (count >= width) return load(p);
    Vec v{};
    for (int i = 0; i < count; ++i) v[i] = p[i];
    return v;
  }
  static void store(T* p, Vec v, int64_t count) {
    if (count >= width) return store(p, v);
    for (int i = 0; i < count; ++i) p[i] = v[i];
  }
};

}  // namespace cudnn4j::CUDNN4J_ISA
