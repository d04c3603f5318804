#pragma once

/*
 * Runs a kernel by CUDA's threads and by the host device, on the same arguments, and compares all
 * that it can have written. Each file of kernels has a check, which includes this and then the
 * kernels, and checks each of them on sizes around those of a warp and a block.
 */

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "module/registry.hpp"
// Last, because it changes what words mean.
#include "kernels/check/cuda_threads.hpp"

namespace cudnn4j::check {

/** Element counts around a warp, a block and the host device's strips, the largest first. */
constexpr int widths[] = {70, 33, 15, 1};

/** How a result of a kernel may differ from that of the host device, relative to 1 + |expected|. */
template <class T>
double tolerance() {
  if constexpr (std::is_integral_v<T>) {
    return 0;
  } else if constexpr (sizeof(T) > 2) {
    return sizeof(T) == 8 ? 1e-12 : 1e-5;
  } else {
    // The distance of 1 from the next number: a sum may be rounded the other way.
    double unit = 1;
    while (static_cast<float>(T(static_cast<float>(1 + unit / 2))) != 1) unit /= 2;
    return unit;
  }
}

template <class T>
double number(T value) {
  if constexpr (std::is_arithmetic_v<T>) {
    return static_cast<double>(value);
  } else {
    return static_cast<double>(static_cast<float>(value));
  }
}

/** Where a suite's numbers come from, the same for each suite whatever the others draw. */
inline std::mt19937 generator;

/** Numbers from -1 to 1, others at each call. */
template <class T>
std::vector<T> numbers(size_t count) {
  std::vector<T> values;
  for (size_t i = 0; i < count; ++i) {
    values.push_back(static_cast<T>(static_cast<float>(generator()) / 2147483648.0f - 1));
  }
  return values;
}

/** Integers from `least` to `most`. */
inline std::vector<int> integers(size_t count, int least, int most) {
  std::vector<int> values;
  for (size_t i = 0; i < count; ++i) {
    values.push_back(least + static_cast<int>(generator() % (most - least + 1)));
  }
  return values;
}

/** The checks of one file, which run once. */
class Suite {
 public:
  explicit Suite(void (*run)());
};

/** How to launch a kernel now, which may be not at all. */
std::span<const Geometry> geometries(const char* name);

/** Tells by how much of the tolerance a kernel differed. */
void report(const char* name, double difference);

/** What the host device has under this name; fails if there is nothing. */
const cudnn4j::Kernel& host_kernel(const char* name);

/** An argument: a number as it is, a vector as memory of its own. */
template <class A>
class Argument {
 public:
  explicit Argument(const A& value) : value_(value) {}
  template <class P>
  P pass() {
    return static_cast<P>(value_);
  }
  double difference(const Argument&, const char*, size_t) const { return 0; }

 private:
  A value_;
};

template <class T>
class Argument<std::vector<T>> {
 public:
  explicit Argument(const std::vector<T>& values) : count_(values.size()), memory_(values) {
    // What follows must stay as it is.
    memory_.insert(memory_.end(), 8, static_cast<T>(7.0f));
  }

  template <class P>
  P pass() {
    return memory_.data();
  }

  /** Fails if an element is not what the host device made it. */
  double difference(const Argument& host, const char* name, size_t position) const {
    double largest = 0;
    for (size_t i = 0; i < memory_.size(); ++i) {
      if (std::memcmp(&memory_[i], &host.memory_[i], sizeof(T)) == 0) continue;
      const double found = number(memory_[i]);
      const double expected = number(host.memory_[i]);
      if (std::isnan(found) && std::isnan(expected)) continue;
      const double ratio =
          std::abs(found - expected) / (tolerance<T>() * (1 + std::abs(expected)));
      if (!(ratio <= 1) || i >= count_) {
        char text[200];
        std::snprintf(text, sizeof(text),
                      "%s, argument %zu: element %zu of %zu is %.9g, the host device's %.9g", name,
                      position, i, count_, found, expected);
        fail(text);
      }
      largest = std::max(largest, ratio);
    }
    return largest;
  }

 private:
  size_t count_;
  std::vector<T> memory_;
};

/** A kernel by its name. */
template <class... P>
struct Checked {
  const char* name;
  void (*kernel)(P...);

  /** Runs it on these arguments; a vector is what the memory holds before. */
  template <class... A>
  void check(const A&... values) const {
    check_at(std::index_sequence_for<P...>(), values...);
  }

 private:
  template <size_t... i, class... A>
  void check_at(std::index_sequence<i...>, const A&... values) const {
    const cudnn4j::Kernel& host = host_kernel(name);
    std::tuple<Argument<A>...> expected(Argument<A>{values}...);
    KernelArguments slots;
    const auto set = [&](size_t index, auto value) { slots.set(index, &value, sizeof(value)); };
    (set(i, std::get<i>(expected).template pass<P>()), ...);
    host.run(slots);
    for (const Geometry& geometry : geometries(name)) {
      std::tuple<Argument<A>...> found(Argument<A>{values}...);
      const std::tuple<P...> passed(std::get<i>(found).template pass<P>()...);
      launch(geometry, [&] { kernel(std::get<i>(passed)...); });
      (report(name, std::get<i>(found).difference(std::get<i>(expected), name, i)), ...);
    }
  }
};

}  // namespace cudnn4j::check

#define CHECKED(kernel) (::cudnn4j::check::Checked{#kernel, kernel})

/** Calls `check` with the kernel's version for each type. */
#define IN_EACH_TYPE(check, kernel)  \
  do {                               \
    check(CHECKED(kernel##_f32));    \
    check(CHECKED(kernel##_f64));    \
    check(CHECKED(kernel##_f16));    \
    check(CHECKED(kernel##_bf16));   \
  } while (false)
