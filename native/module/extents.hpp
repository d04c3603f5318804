#pragma once

#include <array>
#include <cstddef>
#include <limits>

/*
 * How many elements of its pointers a kernel touches, in the functions that dialect.cuh tells of.
 * KernelExtent.java has the same ones. What cannot be counted is more than there can be.
 */
namespace cudnn4j {

constexpr long long uncountable = std::numeric_limits<long long>::max();

constexpr long long times(long long a) { return a > 0 ? a : 0; }

template <class... More>
constexpr long long times(long long a, More... more) {
  const long long rest = times(static_cast<long long>(more)...);
  if (a <= 0 || rest == 0) return 0;
  return a <= uncountable / rest ? a * rest : uncountable;
}

constexpr long long parts(long long n, long long size) {
  if (size <= 0) return uncountable;
  return n > 0 ? (n - 1) / size + 1 : 0;
}

constexpr long long reach(long long rows, long long stride, long long first, long long columns) {
  if (rows <= 0 || columns <= 0) return 0;
  const long long before = times(rows - 1, stride);
  if (stride < 0 || first < 0 || before > uncountable - first - columns) return uncountable;
  return before + first + columns;
}

/** One number for each pointer of a kernel. */
template <size_t pointers>
struct Extents {
  std::array<long long, pointers> elements;

  template <class... Elements>
  constexpr Extents(Elements... each) : elements{static_cast<long long>(each)...} {}
};

template <class... Elements>
Extents(Elements...) -> Extents<sizeof...(Elements)>;

}  // namespace cudnn4j
