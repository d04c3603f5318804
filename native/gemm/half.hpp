#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace cudnn4j {

// Numbers of 16 bits. They are storage: whatever is computed with them is computed in float.

/// IEEE 754 binary16. Rounds to nearest, ties to even; what is too large becomes infinite, and a
/// NaN stays one.
struct Half {
  uint16_t bits;

  Half() = default;
  // Inlined wherever it is compiled, since some of those places have other instructions.
  [[gnu::always_inline]] explicit Half(float value) {
    const auto word = __builtin_bit_cast(uint32_t, value);
    const uint32_t sign = word >> 16 & 0x8000;
    const uint32_t magnitude = word & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) {
      bits = static_cast<uint16_t>(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
    } else if (magnitude >= 0x47800000) {  // 2^16
      bits = static_cast<uint16_t>(sign | 0x7C00);
    } else if (magnitude < 0x38800000) {  // 2^-14
      // Subnormal: adding 1/2 leaves the rounded number in the lowest bits.
      const float shifted = __builtin_bit_cast(float, magnitude) + 0.5f;
      bits = static_cast<uint16_t>(sign | (__builtin_bit_cast(uint32_t, shifted) - 0x3F000000));
    } else {
      const uint32_t rebased = magnitude - 0x38000000;
      bits = static_cast<uint16_t>(sign | (rebased + 0xFFF + (rebased >> 13 & 1)) >> 13);
    }
  }

  [[gnu::always_inline]] explicit operator float() const {
    const uint32_t sign = (bits & 0x8000u) << 16;
    const uint32_t magnitude = (bits & 0x7FFFu) << 13;
    uint32_t word;
    if (magnitude >= 0x0F800000) {  // infinite or NaN, which turns quiet
      word = magnitude | 0x70000000 | (magnitude > 0x0F800000 ? 0x400000 : 0);
    } else {
      word = __builtin_bit_cast(uint32_t, __builtin_bit_cast(float, magnitude) * 0x1p112f);
    }
    return __builtin_bit_cast(float, sign | word);
  }
};

/// The upper half of a float. Rounds as Half does.
struct BFloat16 {
  uint16_t bits;

  BFloat16() = default;
  [[gnu::always_inline]] explicit BFloat16(float value) {
    const auto word = __builtin_bit_cast(uint32_t, value);
    const bool nan = (word & 0x7FFFFFFF) > 0x7F800000;
    bits = static_cast<uint16_t>((nan ? word | 0x400000 : word + 0x7FFF + (word >> 16 & 1)) >> 16);
  }

  [[gnu::always_inline]] explicit operator float() const {
    return __builtin_bit_cast(float, static_cast<uint32_t>(bits) << 16);
  }
};

/// The type that numbers of type S are computed in: float for the two above, otherwise S.
template <class S>
using Computed = std::conditional_t<
    std::is_same_v<std::remove_const_t<S>, Half> || std::is_same_v<std::remove_const_t<S>, BFloat16>,
    float, std::remove_const_t<S>>;

/// Whether numbers of type S are computed in another type.
template <class S>
constexpr bool is_narrow = !std::is_same_v<Computed<S>, std::remove_const_t<S>>;

/// Conversions of arrays for this processor; S is Half or BFloat16.
template <class S>
struct Conversions {
  void (*widen)(int64_t count, const S* from, float* to);
  void (*narrow)(int64_t count, const float* from, S* to);
  /// Rounds to S in place.
  void (*round)(int64_t count, float* values);
};

template <class S>
const Conversions<S>& conversions();

/// to[i] = from[i]; one of the two types may be narrow.
template <class From, class To>
void convert(int64_t count, const From* from, To* to) {
  if constexpr (std::is_same_v<From, To>) {
    std::copy_n(from, count, to);
  } else if constexpr (is_narrow<From>) {
    conversions<From>().widen(count, from, to);
  } else {
    conversions<To>().narrow(count, from, to);
  }
}

}  // namespace cudnn4j
