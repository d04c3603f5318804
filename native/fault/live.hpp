#pragma once

#include "abi/host_device.h"

namespace cudnn4j {

/** What is counted while it is alive; the values are those of cudnn4jHostKind. */
enum class LiveCount {
  DeviceBlocks = CUDNN4J_HOST_DEVICE_BLOCKS,
  DeviceBytes = CUDNN4J_HOST_DEVICE_BYTES,
  PinnedBlocks = CUDNN4J_HOST_PINNED_BLOCKS,
  PinnedBytes = CUDNN4J_HOST_PINNED_BYTES,
  Streams = CUDNN4J_HOST_STREAMS,
  Events = CUDNN4J_HOST_EVENTS,
  Graphs = CUDNN4J_HOST_GRAPHS,
  GraphExecs = CUDNN4J_HOST_GRAPH_EXECS,
  Modules = CUDNN4J_HOST_MODULES,
  CublasHandles = CUDNN4J_HOST_CUBLAS_HANDLES,
  CudnnHandles = CUDNN4J_HOST_CUDNN_HANDLES,
  CudnnDescriptors = CUDNN4J_HOST_CUDNN_DESCRIPTORS,
  NvrtcPrograms = CUDNN4J_HOST_NVRTC_PROGRAMS,
  Communicators = CUDNN4J_HOST_COMMUNICATORS,
};

/** Adds to a count; thread-safe. */
void live_add(LiveCount kind, long long delta);

/** A count at this moment. */
long long live_count(LiveCount kind);

/** Counts the object that it is a member of, from construction to destruction. */
template <LiveCount kind>
class LiveToken {
 public:
  LiveToken() { live_add(kind, 1); }
  ~LiveToken() { live_add(kind, -1); }
  LiveToken(const LiveToken&) = delete;
  LiveToken& operator=(const LiveToken&) = delete;
};

}  // namespace cudnn4j
