#include <cstring>

#include "abi/cudart_abi.h"
#include "runtime/capture.hpp"
#include "runtime/copy.hpp"
#include "runtime/error.hpp"
#include "runtime/machine.hpp"
#include "runtime/memory.hpp"
#include "runtime/stream.hpp"

using namespace cudnn4j;

namespace {

cudaError_t allocate_block(void** address, size_t bytes, MemoryKind kind) {
  if (address == nullptr) return cudaErrorInvalidValue;
  *address = nullptr;
  if (bytes == 0) return cudaSuccess;
  *address = allocate(bytes, kind);
  return *address != nullptr ? cudaSuccess : cudaErrorMemoryAllocation;
}

/** As the runtime does, lets all work finish that may use the block. */
cudaError_t free_block(void* address, MemoryKind kind) {
  if (const cudaError_t error = refuse_if_unsafe()) return error;
  if (address == nullptr) return cudaSuccess;
  run_all();
  return release(address, kind) ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t fill(void* target, int value, size_t bytes, Stream& stream) {
  if (bytes == 0) return cudaSuccess;
  const Range range{target, bytes, Use::Write};
  if (target == nullptr || !reachable(range)) return cudaErrorInvalidValue;
  return stream.submit({range}, [target, value, bytes] { std::memset(target, value, bytes); });
}

}  // namespace

CUDNN4J_API cudaError_t cudaMalloc(void** address, size_t bytes) {
  CUDART_BODY {
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    return allocate_block(address, bytes, MemoryKind::Device);
  };
}

CUDNN4J_API cudaError_t cudaFree(void* address) {
  CUDART_BODY { return free_block(address, MemoryKind::Device); };
}

CUDNN4J_API cudaError_t cudaMallocAsync(void** address, size_t bytes, cudaStream_t stream) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    // Memory that a graph allocates for itself is not offered.
    if (queue->capturing()) return queue->synchronize();
    return allocate_block(address, bytes, MemoryKind::Device);
  };
}

CUDNN4J_API cudaError_t cudaFreeAsync(void* address, cudaStream_t stream) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (queue->capturing()) return queue->synchronize();
    if (address == nullptr) return cudaSuccess;
    if (!begin_release(address, MemoryKind::Device)) return cudaErrorInvalidValue;
    const cudaError_t error =
        queue->submit({}, [address] { finish_release(address, MemoryKind::Device); });
    if (error != cudaErrorMemoryAllocation) return error;
    // Nothing is left to remember it with.
    const std::lock_guard lock(device_lock());
    queue->run_queue();
    finish_release(address, MemoryKind::Device);
    return cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaHostAlloc(void** address, size_t bytes, unsigned flags) {
  CUDART_BODY {
    constexpr unsigned known =
        cudaHostAllocPortable | cudaHostAllocMapped | cudaHostAllocWriteCombined;
    if ((flags & ~known) != 0) return cudaErrorInvalidValue;
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    return allocate_block(address, bytes, MemoryKind::Pinned);
  };
}

CUDNN4J_API cudaError_t cudaMallocHost(void** address, size_t bytes) {
  CUDART_BODY {
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    return allocate_block(address, bytes, MemoryKind::Pinned);
  };
}

// All memory here can be used by both sides, so managed memory is any.
CUDNN4J_API cudaError_t cudaMallocManaged(void** address, size_t bytes, unsigned flags) {
  CUDART_BODY {
    const bool known = flags == cudaMemAttachGlobal || flags == cudaMemAttachHost;
    if (!known || bytes == 0) return cudaErrorInvalidValue;
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    return allocate_block(address, bytes, MemoryKind::Device);
  };
}

CUDNN4J_API cudaError_t cudaHostRegister(void* address, size_t bytes, unsigned flags) {
  CUDART_BODY {
    constexpr unsigned known =
        cudaHostRegisterPortable | cudaHostRegisterMapped | cudaHostRegisterReadOnly;
    if (address == nullptr || bytes == 0 || (flags & ~known) != 0) return cudaErrorInvalidValue;
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    if (!is_mapped({address, bytes})) return cudaErrorInvalidValue;
    return enroll(address, bytes) ? cudaSuccess : cudaErrorHostMemoryAlreadyRegistered;
  };
}

CUDNN4J_API cudaError_t cudaHostUnregister(void* address) {
  CUDART_BODY {
    if (address == nullptr) return cudaErrorInvalidValue;
    const cudaError_t error = free_block(address, MemoryKind::Registered);
    return error == cudaErrorInvalidValue ? cudaErrorHostMemoryNotRegistered : error;
  };
}

CUDNN4J_API cudaError_t cudaHostGetDevicePointer(void** device_address, void* address,
                                                 unsigned flags) {
  CUDART_BODY {
    if (device_address == nullptr || address == nullptr || flags != 0) return cudaErrorInvalidValue;
    *device_address = nullptr;
    if (!inside({address, 1}, MemoryKind::Pinned)) return cudaErrorInvalidValue;
    *device_address = address;
    return cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaFreeHost(void* address) {
  CUDART_BODY { return free_block(address, MemoryKind::Pinned); };
}

CUDNN4J_API cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  CUDART_BODY {
    if (free == nullptr || total == nullptr) return cudaErrorInvalidValue;
    const MachineMemory memory = machine_memory();
    *free = memory.free;
    *total = memory.total;
    return cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaMemcpy(void* target, const void* source, size_t bytes,
                                   cudaMemcpyKind kind) {
  CUDART_BODY {
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    Copy copy;
    if (const cudaError_t error = Copy::make(target, source, bytes, kind, copy)) return error;
    return copy.run_in_default_stream();
  };
}

CUDNN4J_API cudaError_t cudaMemcpyAsync(void* target, const void* source, size_t bytes,
                                        cudaMemcpyKind kind, cudaStream_t stream) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    Copy copy;
    if (const cudaError_t error = Copy::make(target, source, bytes, kind, copy)) return error;
    return copy.submit(*queue);
  };
}

CUDNN4J_API cudaError_t cudaMemset(void* target, int value, size_t bytes) {
  CUDART_BODY {
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    return fill(target, value, bytes, *find_stream(nullptr));
  };
}

CUDNN4J_API cudaError_t cudaMemsetAsync(void* target, int value, size_t bytes,
                                        cudaStream_t stream) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    return fill(target, value, bytes, *queue);
  };
}
