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

void require_buffers(std::initializer_list<Buffer> buffers) {
  for (const auto& [name, range, use, alignment] : buffers) {
    if (range.address == nullptr) {
      continue;
    }
    if (reinterpret_cast<uintptr_t>(range.address) % alignment != 0) {
      refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "%s at %p is not aligned to %zu bytes",
             name, range.address, alignment);
    }
    require(inside(range, MemoryKind::Device),
            "%s: the %zu bytes at %p are not inside one live block of device memory", name,
            range.bytes, range.address);
  }
}

void require_disjoint(std::initializer_list<Buffer> buffers) {
  for (auto a = buffers.begin(); a != buffers.end(); ++a) {
    for (auto b = a + 1; b != buffers.end(); ++b) {
      const bool written = a->use == Use::Write || b->use == Use::Write;
      require(!(written && overlap(a->range, b->range)), "%s and %s overlap", a->name, b->name);
    }
  }
}

}  // namespace cudnn4j::cudnn
