#pragma once

// Logistic function, hyperbolic tangent and exponential, on vectors or single numbers.
//
// exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln(2)/2; the remainder's expm1 is
// r + r^2 P(r), P being the minimax polynomial for that interval (absolute error below 2^-28 for
// float, 2^-58 for double). NaN passes through: every comparison with it fails and leaves it.

#include <cstdint>
#include <type_traits>

namespace cudnn4j {

template <class T>
struct Exponential;

template <>
struct Exponential<float> {
  static constexpr float inverse_ln2 = 1.44269504f;
  /// ln 2 = high + low, high having so few bits that n * high is exact.
  static constexpr float ln2_high = 0.693145751953125f;
  static constexpr float ln2_low = 1.42860682031e-6f;
  /// 1.5 * 2^23: adding it rounds to an integer, which then stands in the lowest bits.
  static constexpr float rounder = 12582912.0f;
  static constexpr int fraction_bits = 23;
  static constexpr int bias = 127;
  /// Below, exp is as good as 0 beside 1; above, n = 128 makes the power of two infinite.
  static constexpr float lowest = -87.0f;
  static constexpr float highest = 88.8f;
  /// tanh is 1 to the last bit from here on.
  static constexpr float tanh_one = 9.25f;
  static constexpr float polynomial[] = {0.500000009538902f, 0.166665186051788f,
                                         0.0416662051549822f, 0.00836891767688836f,
                                         0.00139505346582289f};
};

template <>
struct Exponential<double> {
  static constexpr double inverse_ln2 = 1.4426950408889634;
  static constexpr double ln2_high = 0x1.62e42fefa2p-1;
  static constexpr double ln2_low = 0x1.9ef35793c7673p-41;
  static constexpr double rounder = 6755399441055744.0;
  static constexpr int fraction_bits = 52;
  static constexpr int bias = 1023;
  static constexpr double lowest = -708.0;
  static constexpr double highest = 709.9;
  static constexpr double tanh_one = 20.0;
  static constexpr double polynomial[] = {
      0.500000000000001279,    0.166666666666666992,    0.0416666666665149279,
      0.0083333333333071338,   0.00138888889471570526,  0.000198412699175415844,
      2.48014897848901508e-5,  2.75572161545279671e-6,  2.76313400242772755e-7,
      2.51179090453482175e-8};
};

/// One number where Simd has many, for loops that the compiler vectorizes.
template <class T>
struct Lane {
  using Bits = std::conditional_t<sizeof(T) == 4, int32_t, int64_t>;
  using Vec = T;
  using BitVec = Bits;

  static Vec all(T value) { return value; }
  static BitVec bits(Vec v) { return __builtin_bit_cast(Bits, v); }
  static Vec from_bits(BitVec v) { return __builtin_bit_cast(T, v); }
};

/// S is Simd of an instruction set, or Lane.
template <class T, class S>
struct Functions {
  using Vec = typename S::Vec;
  using BitVec = typename S::BitVec;
  using E = Exponential<T>;

  /// exp(x) = scale * (1 + remainder) for x within the bounds of E.
  struct Parts {
    Vec scale;
    Vec remainder;
  };

  [[gnu::always_inline]] static Parts parts(Vec x) {
    const Vec shifted = x * E::inverse_ln2 + E::rounder;
    const Vec n = shifted - E::rounder;
    const Vec r = (x - n * E::ln2_high) - n * E::ln2_low;
    constexpr int degree = sizeof(E::polynomial) / sizeof(T) - 1;
    Vec p = S::all(E::polynomial[degree]);
    for (int i = degree - 1; i >= 0; --i) p = p * r + E::polynomial[i];
    const BitVec power = (S::bits(shifted) << E::fraction_bits) +
                         (static_cast<typename S::Bits>(E::bias) << E::fraction_bits);
    return {S::from_bits(power), r + (r * r) * p};
  }

  [[gnu::always_inline]] static Vec clamp(Vec x, T low, T high) {
    x = x > S::all(high) ? S::all(high) : x;
    return x < S::all(low) ? S::all(low) : x;
  }

  /// exp(x) of an x that is not above 0; 0 below E::lowest.
  [[gnu::always_inline]] static Vec exp(Vec x) {
    const Parts e = parts(clamp(x, E::lowest, T(0)));
    const Vec power = e.scale + e.scale * e.remainder;
    return x < S::all(E::lowest) ? S::all(T(0)) : power;
  }

  /// 1 / (1 + exp(-x)).
  [[gnu::always_inline]] static Vec sigmoid(Vec x) {
    const Parts e = parts(clamp(-x, E::lowest, E::highest));
    return T(1) / (T(1) + e.scale * (T(1) + e.remainder));
  }

  /// expm1(2|x|) / (expm1(2|x|) + 2) with the sign of x: no cancellation near 0.
  [[gnu::always_inline]] static Vec tanh(Vec x) {
    const BitVec sign = S::bits(x) & S::bits(S::all(T(-0.0)));
    Vec magnitude = S::from_bits(S::bits(x) ^ sign);
    magnitude = magnitude > S::all(E::tanh_one) ? S::all(E::tanh_one) : magnitude;
    const Parts e = parts(magnitude + magnitude);
    const Vec m = e.scale * e.remainder + (e.scale - T(1));
    return S::from_bits(S::bits(m / (m + T(2))) | sign);
  }
};

}  // namespace cudnn4j
