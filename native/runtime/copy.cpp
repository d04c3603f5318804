#include "runtime/copy.hpp"

#include <cstring>
#include <memory>

#include "runtime/capture.hpp"

namespace cudnn4j {

namespace {

/** Registered memory is the host's, and the device's at the same address. */
bool can_be(AddressKind kind, bool device) {
  return kind == AddressKind::Registered || (kind == AddressKind::Device) == device;
}

bool direction_holds(cudaMemcpyKind kind, AddressKind from, AddressKind to) {
  if (kind == cudaMemcpyDefault) return true;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  return can_be(from, from_device) && can_be(to, to_device);
}

/** Pageable memory is not ours to judge. */
bool holds(AddressKind kind, Range range) {
  if (kind == AddressKind::Pageable) return true;
  return inside(range, kind == AddressKind::Device ? MemoryKind::Device : MemoryKind::Pinned);
}

Range registered(AddressKind kind, Range range) {
  return kind == AddressKind::Pageable ? Range{nullptr, 0} : range;
}

}  // namespace

cudaError_t Copy::make(void* target, const void* source, size_t bytes, cudaMemcpyKind kind,
                       Copy& copy) {
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) {
    return cudaErrorInvalidMemcpyDirection;
  }
  copy.bytes_ = bytes;
  if (bytes == 0) return cudaSuccess;
  if (target == nullptr || source == nullptr) return cudaErrorInvalidValue;
  copy.target_ = target;
  copy.source_ = source;
  copy.to_ = address_kind(target);
  copy.from_ = address_kind(source);
  const bool valid = direction_holds(kind, copy.from_, copy.to_) &&
                     holds(copy.from_, copy.source()) && holds(copy.to_, copy.target());
  return valid ? cudaSuccess : cudaErrorInvalidValue;
}

cudaError_t Copy::submit(Stream& stream) const {
  if (bytes_ == 0) return cudaSuccess;
  const bool as_it_stands = stream.capturing() || device_mode() == Mode::Eager;
  if (as_it_stands) return enqueue(stream);
  if (from_ == AddressKind::Pageable && to_ == AddressKind::Device) return enqueue_staged(stream);
  const bool waits = to_ == AddressKind::Pageable ||
                     (from_ != AddressKind::Device && to_ != AddressKind::Device);
  const cudaError_t error = enqueue(stream);
  return error == cudaSuccess && waits ? stream.synchronize() : error;
}

cudaError_t Copy::run_in_default_stream() const {
  if (bytes_ == 0) return cudaSuccess;
  Stream& stream = *find_stream(nullptr);
  const cudaError_t error = enqueue(stream);
  const bool within_device = from_ == AddressKind::Device && to_ == AddressKind::Device;
  return error == cudaSuccess && !within_device ? stream.synchronize() : error;
}

cudaError_t Copy::enqueue(Stream& stream) const {
  return stream.submit({registered(to_, target()), registered(from_, source())},
                       [target = target_, source = source_, bytes = bytes_] {
                         std::memmove(target, source, bytes);
                       });
}

cudaError_t Copy::enqueue_staged(Stream& stream) const {
  const std::shared_ptr<std::byte[]> staged(new std::byte[bytes_]);
  std::memcpy(staged.get(), source_, bytes_);
  return stream.submit({target()}, [target = target_, staged, bytes = bytes_] {
    std::memcpy(target, staged.get(), bytes);
  });
}

}  // namespace cudnn4j
