#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "fault/call.hpp"

namespace cudnn4j {

/// A per-thread buffer that keeps its largest size, so that a steady state allocates nothing.
template <class T>
class Scratch {
 public:
  /// Throws std::bad_alloc when the machine has no memory, or a fault says so.
  T* reserve(int64_t elements) {
    if (memory_site.fails()) throw std::bad_alloc();
    if (elements > size_) {
      size_ = 0;
      block_.reset(static_cast<T*>(std::aligned_alloc(
          64, (static_cast<size_t>(elements) * sizeof(T) + 63) / 64 * 64)));
      if (!block_) throw std::bad_alloc();
      size_ = elements;
    }
    return block_.get();
  }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> block_;
  int64_t size_ = 0;
};

/// Rows that one of several tasks takes so that every thread gets equally many tasks of at most
/// `most` rows: whole register blocks of `unit` rows.
inline int64_t rows_per_task(int64_t rows, int64_t unit, int64_t most, int64_t threads) {
  const int64_t rounds = (rows + threads * most - 1) / (threads * most);
  const int64_t share = (rows + threads * rounds - 1) / (threads * rounds);
  return (share + unit - 1) / unit * unit;
}

}  // namespace cudnn4j
