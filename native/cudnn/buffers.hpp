#pragma once

#include <cstddef>
#include <initializer_list>

#include "runtime/memory.hpp"

namespace cudnn4j::cudnn {

enum class Use { Read, Write };

/// A device buffer among a call's arguments. A null address means that the caller left it out.
struct Buffer {
  const char* name;
  Range range;
  Use use;
  /// What the address must be a multiple of, in bytes.
  size_t alignment;
};

/// Refuses buffers that are not aligned or do not lie wholly inside one block of device memory.
void require_buffers(std::initializer_list<Buffer> buffers);

/// Refuses buffers that overlap another one of which either is written.
void require_disjoint(std::initializer_list<Buffer> buffers);

}  // namespace cudnn4j::cudnn
