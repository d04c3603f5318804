#include "abi/cudart_abi.h"
#include "runtime/capture.hpp"
#include "runtime/error.hpp"
#include "runtime/event.hpp"
#include "runtime/stream.hpp"

using namespace cudnn4j;

namespace {

cudaError_t new_stream(cudaStream_t* stream, unsigned flags) {
  if (stream == nullptr || flags > cudaStreamNonBlocking) return cudaErrorInvalidValue;
  const bool blocking = flags == cudaStreamDefault;
  *stream = reinterpret_cast<cudaStream_t>(
      create_stream(blocking ? Stream::Kind::Blocking : Stream::Kind::NonBlocking));
  return cudaSuccess;
}

cudaError_t new_event(cudaEvent_t* event, unsigned flags) {
  constexpr unsigned known = cudaEventBlockingSync | cudaEventDisableTiming;
  if (event == nullptr || (flags & ~known) != 0) return cudaErrorInvalidValue;
  const bool timing = (flags & cudaEventDisableTiming) == 0;
  *event = reinterpret_cast<cudaEvent_t>(events().add(std::make_shared<Event>(timing)));
  return cudaSuccess;
}

}  // namespace

CUDNN4J_API cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  CUDART_BODY { return new_stream(stream, cudaStreamDefault); };
}

CUDNN4J_API cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  CUDART_BODY { return new_stream(stream, flags); };
}

CUDNN4J_API cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  CUDART_BODY { return destroy_stream(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle; };
}

CUDNN4J_API cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    return queue->synchronize();
  };
}

CUDNN4J_API cudaError_t cudaStreamQuery(cudaStream_t stream) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    const std::lock_guard lock(device_lock());
    if (queue->capturing()) return queue->synchronize();
    return queue->idle() ? take_task_error() : cudaErrorNotReady;
  };
}

CUDNN4J_API cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event,
                                            unsigned flags) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    Event* mark = events().find(event);
    if (queue == nullptr || mark == nullptr) return cudaErrorInvalidResourceHandle;
    if (flags != cudaEventWaitDefault) return cudaErrorInvalidValue;
    return mark->make_wait(*queue);
  };
}

CUDNN4J_API cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function,
                                           void* user_data) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (function == nullptr) return cudaErrorInvalidValue;
    return queue->submit({}, [function, user_data] { function(user_data); });
  };
}

CUDNN4J_API cudaError_t cudaEventCreate(cudaEvent_t* event) {
  CUDART_BODY { return new_event(event, cudaEventDefault); };
}

CUDNN4J_API cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  CUDART_BODY { return new_event(event, flags); };
}

CUDNN4J_API cudaError_t cudaEventDestroy(cudaEvent_t event) {
  CUDART_BODY {
    return events().remove(event) != nullptr ? cudaSuccess : cudaErrorInvalidResourceHandle;
  };
}

CUDNN4J_API cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    Event* mark = events().find(event);
    if (queue == nullptr || mark == nullptr) return cudaErrorInvalidResourceHandle;
    return mark->record(*queue);
  };
}

CUDNN4J_API cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  CUDART_BODY {
    Event* mark = events().find(event);
    if (mark == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    return mark->synchronize();
  };
}

CUDNN4J_API cudaError_t cudaEventQuery(cudaEvent_t event) {
  CUDART_BODY {
    Event* mark = events().find(event);
    if (mark == nullptr) return cudaErrorInvalidResourceHandle;
    if (const cudaError_t error = refuse_if_unsafe()) return error;
    return mark->query();
  };
}

CUDNN4J_API cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start,
                                             cudaEvent_t end) {
  CUDART_BODY {
    Event* from = events().find(start);
    Event* to = events().find(end);
    if (from == nullptr || to == nullptr) return cudaErrorInvalidResourceHandle;
    if (milliseconds == nullptr) return cudaErrorInvalidValue;
    return Event::elapsed(*from, *to, *milliseconds);
  };
}
