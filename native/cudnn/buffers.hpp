#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "runtime/memory.hpp"

namespace cudnn4j::cudnn {

/**
 * The device buffers among a call's arguments, collected to be checked together. A null address
 * means that the caller left the argument out.
 */
class Buffers {
 public:
  /**
   * Adds a buffer; refused unless its address is a multiple of `alignment` bytes and it lies
   * wholly inside one live block of device or pinned memory, which is not read-only if it is
   * written.
   */
  void add(const char* name, Range range, Use use, size_t alignment);

  /** Refuses buffers that overlap another one of which either is written. */
  void require_disjoint() const;

  std::span<const Range> ranges() const { return {ranges_.data(), count_}; }

 private:
  static constexpr size_t capacity = 12;

  std::array<Range, capacity> ranges_{};
  std::array<const char*, capacity> names_{};
  size_t count_ = 0;
};

}  // namespace cudnn4j::cudnn
