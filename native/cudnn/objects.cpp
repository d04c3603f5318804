#include "cudnn/objects.hpp"

namespace cudnn4j::cudnn {

Stream& stream_of(cudnnHandle_t handle) {
  auto* stream = find_stream(live(handle, "handle").stream);
  require(stream != nullptr, "the stream of the handle was destroyed");
  return *stream;
}

void require_taken(cudaError_t error) {
  if (error == cudaErrorMemoryAllocation) {
    throw std::bad_alloc();
  }
  if (error != cudaSuccess) {
    refuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "the stream refused the work with CUDA error %d",
           int(error));
  }
}

}  // namespace cudnn4j::cudnn
