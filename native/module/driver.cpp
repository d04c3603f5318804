#include <algorithm>
#include <atomic>
#include <string>

#include "abi/cuda_abi.h"
#include "fault/call.hpp"
#include "runtime/context.hpp"
#include "runtime/device.hpp"

using namespace cudnn4j;

namespace {

struct ErrorText {
  CUresult code;
  const char* name;
  const char* text;
};

#define ERROR(name, text) {name, #name, text}
constexpr ErrorText error_texts[] = {
    ERROR(CUDA_SUCCESS, "no error"),
    ERROR(CUDA_ERROR_INVALID_VALUE, "invalid argument"),
    ERROR(CUDA_ERROR_OUT_OF_MEMORY, "out of memory"),
    ERROR(CUDA_ERROR_NOT_INITIALIZED, "the driver is not initialized"),
    ERROR(CUDA_ERROR_DEINITIALIZED, "the driver is shutting down"),
    ERROR(CUDA_ERROR_STUB_LIBRARY, "the library is a stub"),
    ERROR(CUDA_ERROR_NO_DEVICE, "no device was found"),
    ERROR(CUDA_ERROR_INVALID_DEVICE, "invalid device number"),
    ERROR(CUDA_ERROR_INVALID_IMAGE, "the kernel image is invalid"),
    ERROR(CUDA_ERROR_INVALID_CONTEXT, "no context, or an invalid one, is current"),
    ERROR(CUDA_ERROR_NO_BINARY_FOR_GPU, "no kernel image for this device"),
    ERROR(CUDA_ERROR_INVALID_PTX, "invalid PTX"),
    ERROR(CUDA_ERROR_UNSUPPORTED_PTX_VERSION, "unsupported PTX version"),
    ERROR(CUDA_ERROR_INVALID_HANDLE, "invalid resource handle"),
    ERROR(CUDA_ERROR_ILLEGAL_STATE, "a resource is in the wrong state for this operation"),
    ERROR(CUDA_ERROR_NOT_FOUND, "the named symbol was not found"),
    ERROR(CUDA_ERROR_NOT_READY, "work is not finished yet"),
    ERROR(CUDA_ERROR_ILLEGAL_ADDRESS,
          "a kernel would touch memory that is not allocated, or write to read-only memory"),
    ERROR(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, "too many resources requested for a launch"),
    ERROR(CUDA_ERROR_LAUNCH_FAILED, "a launch failed"),
    ERROR(CUDA_ERROR_NOT_PERMITTED, "operation not permitted"),
    ERROR(CUDA_ERROR_NOT_SUPPORTED, "operation not supported"),
    ERROR(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH, "the driver's parts are of different versions"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "operation not permitted during a capture"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "the capture was made invalid by an error"),
    ERROR(CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "the default stream would depend on a capture"),
    ERROR(CUDA_ERROR_UNKNOWN, "unknown error"),
};
#undef ERROR

CUresult describe(CUresult code, const char* ErrorText::*field, const char** answer) {
  if (answer == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *answer = nullptr;
  for (const ErrorText& known : error_texts) {
    if (known.code == code) *answer = known.*field;
  }
  return *answer != nullptr ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

std::atomic<int> primary_context_uses{0};

}  // namespace

CUDNN4J_API CUresult cuInit(unsigned flags) {
  CUDNN4J_CALL(CUresult);
  return flags == 0 ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

CUDNN4J_API CUresult cuDriverGetVersion(int* version) {
  CUDNN4J_CALL(CUresult);
  if (version == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *version = cuda_version;
  return CUDA_SUCCESS;
}

CUDNN4J_API CUresult cuGetErrorName(CUresult error, const char** name) {
  CUDNN4J_CALL(CUresult);
  return describe(error, &ErrorText::name, name);
}

CUDNN4J_API CUresult cuGetErrorString(CUresult error, const char** text) {
  CUDNN4J_CALL(CUresult);
  return describe(error, &ErrorText::text, text);
}

CUDNN4J_API CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  CUDNN4J_CALL(CUresult);
  if (device == nullptr) return CUDA_ERROR_INVALID_VALUE;
  if (ordinal != 0) return CUDA_ERROR_INVALID_DEVICE;
  *device = 0;
  return CUDA_SUCCESS;
}

CUDNN4J_API CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  CUDNN4J_CALL_SITE(true);
  return ApiCall<CUresult, CUDA_ERROR_OUT_OF_MEMORY>{cudnn4j_call_site} << [&] {
    if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
    if (name == nullptr || length < 1) return CUDA_ERROR_INVALID_VALUE;
    const std::string full = device_name();
    const size_t copied = std::min(full.size(), static_cast<size_t>(length) - 1);
    name[full.copy(name, copied)] = '\0';
    return CUDA_SUCCESS;
  };
}

CUDNN4J_API CUresult cuDeviceGetAttribute(int* value, CUdevice_attribute attribute,
                                          CUdevice device) {
  CUDNN4J_CALL(CUresult);
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  // The runtime numbers the attributes as the driver does.
  const auto known = device_attribute(static_cast<cudaDeviceAttr>(attribute));
  if (value == nullptr || !known.has_value()) return CUDA_ERROR_INVALID_VALUE;
  *value = *known;
  return CUDA_SUCCESS;
}

CUDNN4J_API CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  CUDNN4J_CALL(CUresult);
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
  primary_context_uses.fetch_add(1);
  *context = static_cast<CUcontext>(const_cast<void*>(primary_context()));
  return CUDA_SUCCESS;
}

CUDNN4J_API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
  CUDNN4J_CALL(CUresult);
  if (device != 0) return CUDA_ERROR_INVALID_DEVICE;
  int uses = primary_context_uses.load();
  do {
    if (uses == 0) return CUDA_ERROR_INVALID_CONTEXT;
  } while (!primary_context_uses.compare_exchange_weak(uses, uses - 1));
  return CUDA_SUCCESS;
}

CUDNN4J_API CUresult cuCtxSetCurrent(CUcontext context) {
  CUDNN4J_CALL(CUresult);
  if (context != nullptr && context != primary_context()) return CUDA_ERROR_INVALID_CONTEXT;
  set_current_context(context);
  return CUDA_SUCCESS;
}

CUDNN4J_API CUresult cuCtxGetCurrent(CUcontext* context) {
  CUDNN4J_CALL(CUresult);
  if (context == nullptr) return CUDA_ERROR_INVALID_VALUE;
  *context = static_cast<CUcontext>(const_cast<void*>(current_context()));
  return CUDA_SUCCESS;
}
