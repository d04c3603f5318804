#include <cstring>

#include "abi/cudart_abi.h"
#include "runtime/device.hpp"
#include "runtime/error.hpp"
#include "runtime/stream.hpp"

using namespace cudnn4j;

namespace {

template <class Value>
cudaError_t answer(int* target, Value value) {
  if (target == nullptr) return cudaErrorInvalidValue;
  *target = value;
  return cudaSuccess;
}

}  // namespace

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
