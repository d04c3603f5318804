#include "gemm/half.hpp"

#if defined(__F16C__)
#include <immintrin.h>
#endif

namespace cudnn4j::CUDNN4J_ISA {
namespace {

/// As many numbers as one instruction converts, or none where the processor has no such.
template <class S>
struct Vector {
  static constexpr int64_t width = 0;
};

#if defined(__F16C__)
template <>
struct Vector<Half> {
  static constexpr int64_t width = 8;
  using Wide = __m256;
  using Narrow = __m128i;
  static Wide load(const float* p) { return _mm256_loadu_ps(p); }
  static Narrow load(const Half* p) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  }
  static void store(float* p, Wide v) { _mm256_storeu_ps(p, v); }
  static void store(Half* p, Narrow v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v); }
  static Wide widen(Narrow v) { return _mm256_cvtph_ps(v); }
  static Narrow narrow(Wide v) { return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT); }
};
#endif

template <class S>
void widen(int64_t count, const S* from, float* to) {
  using V = Vector<S>;
  int64_t i = 0;
  if constexpr (V::width > 0) {
    for (; i + V::width <= count; i += V::width) V::store(to + i, V::widen(V::load(from + i)));
  }
  for (; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

template <class S>
void narrow(int64_t count, const float* from, S* to) {
  using V = Vector<S>;
  int64_t i = 0;
  if constexpr (V::width > 0) {
    for (; i + V::width <= count; i += V::width) V::store(to + i, V::narrow(V::load(from + i)));
  }
  for (; i < count; ++i) to[i] = S(from[i]);
}

template <class S>
void round(int64_t count, float* values) {
  using V = Vector<S>;
  int64_t i = 0;
  if constexpr (V::width > 0) {
    for (; i + V::width <= count; i += V::width) {
      V::store(values + i, V::widen(V::narrow(V::load(values + i))));
    }
  }
  for (; i < count; ++i) values[i] = static_cast<float>(S(values[i]));
}

template <class S>
constexpr Conversions<S> of{widen<S>, narrow<S>, round<S>};

}  // namespace

extern const Conversions<Half> conversions_f16 = of<Half>;
extern const Conversions<BFloat16> conversions_bf16 = of<BFloat16>;

}  // namespace cudnn4j::CUDNN4J_ISA
