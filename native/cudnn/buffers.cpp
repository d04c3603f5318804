#include "cudnn/buffers.hpp"

#include <cstdint>

#include "cudnn/status.hpp"

namespace cudnn4j::cudnn {
namespace {

bool overlap(const Range& a, const Range& b) {
  const auto a_start = reinterpret_cast<uintptr_t>(a.address);
  const auto b_start = reinterpret_cast<uintptr_t>(b.address);
  const bool present = a.address != nullptr && b.address != nullptr;
  return present && a_start < b_start + b.bytes && b_start < a_start + a.bytes;
}

}  // namespace

void Buffers::add(const char* name, Range range, Use use, size_t alignment) {
  if (reinterpret_cast<uintptr_t>(range.address) % alignment != 0) {
    refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "%s at %p is not aligned to %zu bytes", name,
           range.address, alignment);
  }
  require(reachable(range),
          "%s: the %zu bytes at %p are not inside one live block of device or pinned memory", name,
          range.bytes, range.address);
  range.use = use;
  require(use == Use::Read || reachable(range), "%s is in a read-only block", name);
  ranges_.at(count_) = range;
  names_[count_] = name;
  ++count_;
}

void Buffers::require_disjoint() const {
  for (size_t a = 0; a < count_; ++a) {
    for (size_t b = a + 1; b < count_; ++b) {
      const bool written = ranges_[a].use == Use::Write || ranges_[b].use == Use::Write;
      require(!(written && overlap(ranges_[a], ranges_[b])), "%s and %s overlap", names_[a],
              names_[b]);
    }
  }
}

}  // namespace cudnn4j::cudnn
