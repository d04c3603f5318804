#include "abi/cudart_abi.h"
#include "runtime/capture.hpp"
#include "runtime/error.hpp"
#include "runtime/graph.hpp"
#include "runtime/stream.hpp"

using namespace cudnn4j;

CUDNN4J_API cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (mode < cudaStreamCaptureModeGlobal || mode > cudaStreamCaptureModeRelaxed) {
      return cudaErrorInvalidValue;
    }
    if (queue->kind() == Stream::Kind::Legacy) return cudaErrorStreamCaptureUnsupported;
    const std::lock_guard lock(device_lock());
    if (queue->capturing()) return cudaErrorIllegalState;
    queue->set_capture(std::make_shared<Capture>(*queue, mode), 0);
    return cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (graph == nullptr) return cudaErrorInvalidValue;
    *graph = nullptr;
    const std::lock_guard lock(device_lock());
    if (!queue->capturing()) return cudaErrorIllegalState;
    std::shared_ptr<const GraphNodes> nodes;
    if (const cudaError_t error = queue->capture()->end(*queue, &nodes)) return error;
    auto captured = std::make_shared<Graph>();
    captured->nodes = std::move(nodes);
    *graph = reinterpret_cast<cudaGraph_t>(graphs().add(std::move(captured)));
    return cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaStreamIsCapturing(cudaStream_t stream,
                                              cudaStreamCaptureStatus* status) {
  CUDART_BODY {
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    if (status == nullptr) return cudaErrorInvalidValue;
    const std::lock_guard lock(device_lock());
    if (const auto& capture = queue->capture()) {
      *status = capture->valid() ? cudaStreamCaptureStatusActive
                                 : cudaStreamCaptureStatusInvalidated;
      return cudaSuccess;
    }
    *status = cudaStreamCaptureStatusNone;
    if (queue->kind() == Stream::Kind::Legacy) return refuse_legacy_work();
    return cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph,
                                             unsigned long long flags) {
  CUDART_BODY {
    constexpr unsigned long long known = cudaGraphInstantiateFlagAutoFreeOnLaunch |
                                         cudaGraphInstantiateFlagUpload |
                                         cudaGraphInstantiateFlagUseNodePriority;
    const Graph* source = graphs().find(graph);
    if (exec == nullptr || source == nullptr) return cudaErrorInvalidValue;
    if ((flags & ~known) == cudaGraphInstantiateFlagDeviceLaunch) return cudaErrorNotSupported;
    if ((flags & ~known) != 0) return cudaErrorInvalidValue;
    auto instance = std::make_shared<GraphExec>();
    instance->nodes = source->nodes;
    *exec = reinterpret_cast<cudaGraphExec_t>(graph_execs().add(std::move(instance)));
    return cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
  CUDART_BODY {
    const GraphExec* instance = graph_execs().find(exec);
    if (instance == nullptr) return cudaErrorInvalidValue;
    Stream* queue = find_stream(stream);
    if (queue == nullptr) return cudaErrorInvalidResourceHandle;
    const std::lock_guard lock(device_lock());
    const cudaError_t error = queue->submit({}, [nodes = instance->nodes] {
      if (const cudaError_t failed = nodes->replay()) report_task_error(failed);
    });
    if (error != cudaSuccess) return error;
    return queue->idle() && !queue->capturing() ? take_task_error() : cudaSuccess;
  };
}

CUDNN4J_API cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  CUDART_BODY {
    return graph_execs().remove(exec) != nullptr ? cudaSuccess : cudaErrorInvalidValue;
  };
}

CUDNN4J_API cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  CUDART_BODY { return graphs().remove(graph) != nullptr ? cudaSuccess : cudaErrorInvalidValue; };
}
