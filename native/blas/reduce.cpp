#include "blas/reduce.hpp"

#include <algorithm>
#include <cmath>

#include "runtime/pool.hpp"
#include "runtime/vectors.hpp"

namespace cudnn4j {

namespace {

template <class T>
__attribute__((always_inline)) inline double wide(T value) {
  return static_cast<Computed<T>>(value);
}

/** Sums term(i) in several independent chains, which the compiler makes one vector. */
template <class Term>
__attribute__((always_inline)) inline double chains(int64_t begin, int64_t end, Term term) {
  constexpr int count = 16;
  double sums[count] = {};
  int64_t i = begin;
  for (; i + count <= end; i += count) {
    for (int j = 0; j < count; ++j) sums[j] += term(i + j);
  }
  for (int j = 0; i < end; ++i, ++j) sums[j] += term(i);
  for (int width = count / 2; width > 0; width /= 2) {
    for (int j = 0; j < width; ++j) sums[j] += sums[j + width];
  }
  return sums[0];
}

// Plain functions, because templates cannot be compiled for several processors.
#define SQUARES(T)                                                                             \
  CUDNN4J_VECTORS double squares(const T* x, int64_t begin, int64_t end) {                     \
    return chains(begin, end, [x](int64_t i) { return wide(x[i]) * wide(x[i]); });             \
  }
SQUARES(float)
SQUARES(double)
SQUARES(Half)
SQUARES(BFloat16)
#undef SQUARES

#define SUMS(T)                                                                                \
  CUDNN4J_VECTORS double magnitudes(const T* x, int64_t begin, int64_t end) {                  \
    return chains(begin, end, [x](int64_t i) { return x[i] < 0 ? -double(x[i]) : double(x[i]); }); \
  }                                                                                            \
  CUDNN4J_VECTORS double products(const T* x, const T* y, int64_t begin, int64_t end) {        \
    return chains(begin, end, [x, y](int64_t i) { return double(x[i]) * double(y[i]); });      \
  }
SUMS(float)
SUMS(double)
#undef SUMS

/** Adds up part(begin, end) over pieces whose number depends on the count only. */
template <class Part>
double sum_of_parts(int64_t count, Part part) {
  constexpr int64_t least = 8192;
  constexpr int64_t most = 64;
  const int64_t parts = std::clamp<int64_t>(count / least, 1, most);
  double sums[most];
  parallel_for(static_cast<int>(parts), [&](int i) {
    sums[i] = part(count * i / parts, count * (i + 1) / parts);
  });
  double sum = 0;
  for (int64_t i = 0; i < parts; ++i) sum += sums[i];
  return sum;
}

template <class T>
double largest_magnitude(Vector<const T> x) {
  double largest = 0;
  for (int64_t i = 0; i < x.count; ++i) {
    const double magnitude = std::abs(wide(x[i]));
    // Written so that NaN gets through.
    if (!(magnitude <= largest)) largest = magnitude;
    if (std::isnan(largest)) break;
  }
  return largest;
}

}  // namespace

template <class T>
double norm2(Vector<const T> x) {
  const double sum = sum_of_parts(x.count, [x](int64_t begin, int64_t end) {
    if (x.contiguous()) return squares(x.data, begin, end);
    return chains(begin, end, [x](int64_t i) { return wide(x[i]) * wide(x[i]); });
  });
  // Squares of floats always fit a double; those of doubles can overflow or vanish.
  constexpr double safe = 1e-280;
  if (std::isnormal(sum) && sum > safe) return std::sqrt(sum);
  const double scale = largest_magnitude(x);
  if (scale == 0 || !std::isfinite(scale)) return scale;
  const double scaled = sum_of_parts(x.count, [x, scale](int64_t begin, int64_t end) {
    return chains(begin, end, [x, scale](int64_t i) {
      const double value = wide(x[i]) / scale;
      return value * value;
    });
  });
  return scale * std::sqrt(scaled);
}

template <class T>
double absolute_sum(Vector<const T> x) {
  return sum_of_parts(x.count, [x](int64_t begin, int64_t end) {
    if (x.contiguous()) return magnitudes(x.data, begin, end);
    return chains(begin, end, [x](int64_t i) { return std::abs(double(x[i])); });
  });
}

template <class T>
double dot(Vector<const T> x, Vector<const T> y) {
  return sum_of_parts(x.count, [x, y](int64_t begin, int64_t end) {
    if (x.contiguous() && y.contiguous()) return products(x.data, y.data, begin, end);
    return chains(begin, end, [x, y](int64_t i) { return double(x[i]) * double(y[i]); });
  });
}

template double norm2(Vector<const float>);
template double norm2(Vector<const double>);
template double norm2(Vector<const Half>);
template double norm2(Vector<const BFloat16>);
template double absolute_sum(Vector<const float>);
template double absolute_sum(Vector<const double>);
template double dot(Vector<const float>, Vector<const float>);
template double dot(Vector<const double>, Vector<const double>);

}  // namespace cudnn4j
