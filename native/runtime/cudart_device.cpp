#include <cstring>

#include "abi/cudart_abi.h"
#include "runtime/device.hpp"
#include "runtime/error.hpp"
#include "runtime/machine.hpp"
#include "runtime/stream.hpp"

using namespace cudnn4j;

namespace {

template <class Value>
cudaError_t answer(int* target, Value value) {
  if (target == nullptr) return cudaErrorInvalidValue;
  *target = value;
  return cudaSuccess;
}

/** Where an attribute stands in a cudaDeviceProp of CUDA 12 and of CUDA 13, in bytes. */
struct Property {
  cudaDeviceAttr attribute;
  size_t in_12;
  size_t in_13;
};

constexpr size_t total_memory_at = 288;
constexpr size_t shared_memory_at = 296;
constexpr size_t name_room = 256;
constexpr Property properties[] = {
    {cudaDevAttrWarpSize, 308, 308},
    {cudaDevAttrMaxThreadsPerBlock, 320, 320},
    {cudaDevAttrMaxBlockDimX, 324, 324},
    {cudaDevAttrMaxBlockDimY, 328, 328},
    {cudaDevAttrMaxBlockDimZ, 332, 332},
    {cudaDevAttrMaxGridDimX, 336, 336},
    {cudaDevAttrMaxGridDimY, 340, 340},
    {cudaDevAttrMaxGridDimZ, 344, 344},
    {cudaDevAttrComputeCapabilityMajor, 360, 360},
    {cudaDevAttrComputeCapabilityMinor, 364, 364},
    {cudaDevAttrMultiProcessorCount, 388, 384},
    {cudaDevAttrIntegrated, 396, 388},
    {cudaDevAttrCanMapHostMemory, 400, 392},
    {cudaDevAttrConcurrentKernels, 576, 560},
    {cudaDevAttrUnifiedAddressing, 604, 588},
    {cudaDevAttrMaxThreadsPerMultiProcessor, 624, 604},
    {cudaDevAttrManagedMemory, 652, 636},
    {cudaDevAttrHostRegisterSupported, 728, 704},
    {cudaDevAttrMemoryPoolsSupported, 744, 720},
};

/** What is not known of the device is 0. */
cudaError_t describe(cudaDeviceProp* target, size_t bytes, size_t Property::* place, int device) {
  if (target == nullptr) return cudaErrorInvalidValue;
  if (device != 0) return cudaErrorInvalidDevice;
  auto* fields = reinterpret_cast<char*>(target);
  std::memset(fields, 0, bytes);
  device_name().copy(fields, name_room - 1);
  const size_t total = machine_memory().total;
  std::memcpy(fields + total_memory_at, &total, sizeof total);
  const size_t shared = device_attribute(cudaDevAttrMaxSharedMemoryPerBlock).value_or(0);
  std::memcpy(fields + shared_memory_at, &shared, sizeof shared);
  for (const Property& property : properties) {
    const int value = device_attribute(property.attribute).value_or(0);
    std::memcpy(fields + property.*place, &value, sizeof value);
  }
  return cudaSuccess;
}

}  // namespace

CUDNN4J_API cudaError_t cudaGetDeviceProperties(cudaDeviceProp* target, int device) {
  CUDART_BODY { return describe(target, device_properties_bytes, &Property::in_13, device); };
}

CUDNN4J_API cudaError_t cudaGetDeviceProperties_v2(cudaDeviceProp* target, int device) {
  CUDART_BODY { return describe(target, device_properties_v2_bytes, &Property::in_12, device); };
}

CUDNN4J_API cudaError_t cudaRuntimeGetVersion(int* version) {
  CUDART_BODY { return answer(version, cuda_version); };
}

CUDNN4J_API cudaError_t cudaDriverGetVersion(int* version) {
  CUDART_BODY { return answer(version, cuda_version); };
}

CUDNN4J_API cudaError_t cudaGetDeviceCount(int* count) {
  CUDART_BODY { return answer(count, 1); };
}

CUDNN4J_API cudaError_t cudaGetDevice(int* device) {
  CUDART_BODY { return answer(device, 0); };
}

CUDNN4J_API cudaError_t cudaSetDevice(int device) {
  CUDART_BODY { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; };
}

CUDNN4J_API cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  CUDART_BODY {
    if (device != 0) return cudaErrorInvalidDevice;
    const auto known = device_attribute(attribute);
    return known.has_value() ? answer(value, *known) : cudaErrorInvalidValue;
  };
}

CUDNN4J_API cudaError_t cudaDeviceGetPCIBusId(char* id, int length, int device) {
  CUDART_BODY {
    constexpr char no_bus[] = "0000:00:00.0";
    if (device != 0) return cudaErrorInvalidDevice;
    if (id == nullptr || length < static_cast<int>(sizeof(no_bus))) return cudaErrorInvalidValue;
    std::memcpy(id, no_bus, sizeof(no_bus));
    return cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaDeviceSynchronize(void) {
  CUDART_BODY { return synchronize_all(); };
}
