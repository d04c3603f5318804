#include "runtime/error.hpp"

#include <algorithm>
#include <utility>

using namespace cudnn4j;

namespace {

struct ErrorText {
  cudaError_t code;
  const char* name;
  const char* text;
};

#define ERROR(name, text) {name, #name, text}
constexpr ErrorText error_texts[] = {
    ERROR(cudaSuccess, "no error"),
    ERROR(cudaErrorInvalidValue, "invalid argument"),
    ERROR(cudaErrorMemoryAllocation, "out of memory"),
    ERROR(cudaErrorInitializationError, "initialization error"),
    ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction"),
    ERROR(cudaErrorInsufficientDriver, "the driver is older than the runtime needs"),
    ERROR(cudaErrorInvalidDeviceFunction, "invalid device function"),
    ERROR(cudaErrorNoDevice, "no device was found"),
    ERROR(cudaErrorInvalidDevice, "invalid device number"),
    ERROR(cudaErrorInvalidKernelImage, "the kernel image is invalid"),
    ERROR(cudaErrorDeviceUninitialized, "invalid device context"),
    ERROR(cudaErrorNoKernelImageForDevice, "no kernel image for this device"),
    ERROR(cudaErrorInvalidPtx, "invalid PTX"),
    ERROR(cudaErrorUnsupportedPtxVersion, "unsupported PTX version"),
    ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    ERROR(cudaErrorIllegalState, "a resource is in the wrong state for this operation"),
    ERROR(cudaErrorSymbolNotFound, "symbol not found"),
    ERROR(cudaErrorNotReady, "work is not finished yet"),
    ERROR(cudaErrorIllegalAddress,
          "device work would touch memory that is not allocated, or write to read-only memory"),
    ERROR(cudaErrorLaunchOutOfResources, "too many resources requested for a launch"),
    ERROR(cudaErrorHostMemoryAlreadyRegistered, "the host memory is registered already"),
    ERROR(cudaErrorHostMemoryNotRegistered, "the host memory is not registered"),
    ERROR(cudaErrorLaunchFailure, "a launch failed"),
    ERROR(cudaErrorNotPermitted, "operation not permitted"),
    ERROR(cudaErrorNotSupported, "operation not supported"),
    ERROR(cudaErrorStreamCaptureUnsupported, "operation not permitted during a stream capture"),
    ERROR(cudaErrorStreamCaptureInvalidated, "the capture was made invalid by an earlier error"),
    ERROR(cudaErrorStreamCaptureMerge, "operation would merge two captures"),
    ERROR(cudaErrorStreamCaptureUnmatched, "the capture did not begin in this stream"),
    ERROR(cudaErrorStreamCaptureUnjoined, "a stream that joined the capture was not joined back"),
    ERROR(cudaErrorStreamCaptureIsolation, "dependency on work outside of the capture"),
    ERROR(cudaErrorStreamCaptureImplicit, "the default stream would depend on a capture"),
    ERROR(cudaErrorCapturedEvent, "the event was last recorded in a capture"),
    ERROR(cudaErrorStreamCaptureWrongThread, "the capture was begun by another thread"),
    ERROR(cudaErrorTimeout, "timeout"),
    ERROR(cudaErrorGraphExecUpdateFailure, "the graph cannot replace the instantiated one"),
    ERROR(cudaErrorUnknown, "unknown error"),
};
#undef ERROR

const ErrorText* find_text(cudaError_t code) {
  const auto* found = std::find_if(std::begin(error_texts), std::end(error_texts),
                                   [code](const ErrorText& text) { return text.code == code; });
  return found != std::end(error_texts) ? found : nullptr;
}

thread_local cudaError_t last_error = cudaSuccess;

}  // namespace

cudaError_t cudnn4j::remember(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

CUDNN4J_API cudaError_t cudaGetLastError(void) {
  CUDNN4J_CALL(cudaError_t);
  return std::exchange(last_error, cudaSuccess);
}

CUDNN4J_API cudaError_t cudaPeekAtLastError(void) {
  CUDNN4J_CALL(cudaError_t);
  return last_error;
}

CUDNN4J_API const char* cudaGetErrorName(cudaError_t error) {
  CUDNN4J_COUNT();
  const ErrorText* known = find_text(error);
  return known != nullptr ? known->name : "unrecognized error code";
}

CUDNN4J_API const char* cudaGetErrorString(cudaError_t error) {
  CUDNN4J_COUNT();
  const ErrorText* known = find_text(error);
  return known != nullptr ? known->text : "unrecognized error code";
}
