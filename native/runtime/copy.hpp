#pragma once

#include <cstddef>

#include "abi/cudart_abi.h"
#include "runtime/memory.hpp"
#include "runtime/stream.hpp"

namespace cudnn4j {

/** A copy between host and device memory, checked against the registry. */
class Copy {
 public:
  /** Fails with the status that the runtime gives a wrong direction, overrun or dead block. */
  static cudaError_t make(void* target, const void* source, size_t bytes, cudaMemcpyKind kind,
                          Copy& copy);

  /** Queues the copy; waits for it where the runtime would, which is when memory is pageable. */
  cudaError_t submit(Stream& stream) const;

  /** Queues the copy in the default stream, and waits unless it stays on the device. */
  cudaError_t run_in_default_stream() const;

 private:
  cudaError_t enqueue(Stream& stream) const;
  cudaError_t enqueue_staged(Stream& stream) const;

  Range target() const { return {target_, bytes_, Use::Write}; }
  Range source() const { return {source_, bytes_}; }

  void* target_ = nullptr;
  const void* source_ = nullptr;
  size_t bytes_ = 0;
  AddressKind to_ = AddressKind::Pageable;
  AddressKind from_ = AddressKind::Pageable;
};

}  // namespace cudnn4j
