#include "cudnn/objects.hpp"
#include "fault/call.hpp"

using namespace cudnn4j;
using namespace cudnn4j::cudnn;

namespace {

// Of the release whose interface this is.
constexpr int major_version = CUDNN_VERSION / 10000;
constexpr int minor_version = CUDNN_VERSION / 100 % 100;
constexpr int patch_level = CUDNN_VERSION % 100;
constexpr size_t cudart_version = 13000;
constexpr size_t max_device_version = 1210;

}  // namespace

size_t cudnnGetVersion() {
  CUDNN4J_COUNT();
  return CUDNN_VERSION;
}

size_t cudnnGetCudartVersion() {
  CUDNN4J_COUNT();
  return cudart_version;
}

size_t cudnnGetMaxDeviceVersion() {
  CUDNN4J_COUNT();
  return max_device_version;
}

cudnnStatus_t cudnnGetProperty(libraryPropertyType type, int* value) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    require_pointer(value, "value");
    switch (type) {
      case MAJOR_VERSION:
        *value = major_version;
        break;
      case MINOR_VERSION:
        *value = minor_version;
        break;
      case PATCH_LEVEL:
        *value = patch_level;
        break;
      default:
        refuse(CUDNN_STATUS_BAD_PARAM, "type is %d, not a library property", int(type));
    }
  });
}

cudnnStatus_t cudnnGraphVersionCheck() {
  CUDNN4J_CALL(cudnnStatus_t);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnOpsVersionCheck() {
  CUDNN4J_CALL(cudnnStatus_t);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnAdvVersionCheck() {
  CUDNN4J_CALL(cudnnStatus_t);
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) {
  CUDNN4J_CALL(cudnnStatus_t);
  return create(handle);
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  CUDNN4J_CALL(cudnnStatus_t);
  const auto status = destroy(handle);
  if (handle == nullptr || status != CUDNN_STATUS_SUCCESS) {
    return status;
  }
  return answer([] { require_taken(synchronize_all()); });
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    auto& context = live(handle, "handle");
    require(find_stream(stream) != nullptr, "stream is not a live stream");
    context.stream = stream;
  });
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t* stream) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    const auto& context = live(handle, "handle");
    require_pointer(stream, "stream");
    *stream = context.stream;
  });
}

cudnnStatus_t cudnnQueryRuntimeError(cudnnHandle_t handle, cudnnStatus_t* status,
                                     cudnnErrQueryMode_t mode, cudnnRuntimeTag_t*) {
  CUDNN4J_CALL(cudnnStatus_t);
  return answer([&] {
    live(handle, "handle");
    require_pointer(status, "rstatus");
    require_enum(mode, 3, "mode");
    // No function here finds an error that only this one could tell.
    *status = CUDNN_STATUS_SUCCESS;
  });
}
