#pragma once

// Vectors for the sources that are compiled once per instruction set. Only *.isa.cpp files include
// this, and they call nothing inline from the standard library: the linker keeps one copy of such
// a function, and it could be the one that this processor cannot run.

#include <cstdint>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

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

  /// Of every 2 * `half` elements, exchanges the last `half` of a with the first `half` of b.
  template <int half>
  static void exchange(Vec& a, Vec& b) {
    BitVec first;
    BitVec second;
    for (int e = 0; e < width; ++e) {
      const bool stays = (e & half) == 0;
      first[e] = stays ? e : width + e - half;
      second[e] = stays ? e + half : width + e;
    }
    const Vec upper = a;
    a = __builtin_shuffle(upper, b, first);
    b = __builtin_shuffle(upper, b, second);
  }

  /// The first `count` elements, the others 0; count may exceed the width.
  static Vec load(const T* p, int64_t count) {
    if (count >= width) return load(p);
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), p);
    } else {
      return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), p);
    }
#else
    Vec v{};
    for (int i = 0; i < count; ++i) v[i] = p[i];
    return v;
#endif
  }
  static void store(T* p, Vec v, int64_t count) {
    if (count >= width) return store(p, v);
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) {
      _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << count) - 1), v);
    } else {
      _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << count) - 1), v);
    }
#else
    for (int i = 0; i < count; ++i) p[i] = v[i];
#endif
  }
};

}  // namespace cudnn4j::CUDNN4J_ISA
