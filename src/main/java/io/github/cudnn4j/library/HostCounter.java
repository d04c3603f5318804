package io.github.cudnn4j.library;

import io.github.cudnn4j.bindings.HostDevice;

/** What the host device counts as alive. */
public enum HostCounter {
  /** Blocks of device memory. */
  DEVICE_BLOCKS(HostDevice.CUDNN4J_HOST_DEVICE_BLOCKS()),
  /** Bytes of device memory. */
  DEVICE_BYTES(HostDevice.CUDNN4J_HOST_DEVICE_BYTES()),
  /** Blocks of pinned host memory. */
  PINNED_BLOCKS(HostDevice.CUDNN4J_HOST_PINNED_BLOCKS()),
  /** Bytes of pinned host memory. */
  PINNED_BYTES(HostDevice.CUDNN4J_HOST_PINNED_BYTES()),
  /** Streams. */
  STREAMS(HostDevice.CUDNN4J_HOST_STREAMS()),
  /** Events. */
  EVENTS(HostDevice.CUDNN4J_HOST_EVENTS()),
  /** Graphs as captured. */
  GRAPHS(HostDevice.CUDNN4J_HOST_GRAPHS()),
  /** Graphs ready to be launched. */
  GRAPH_EXECS(HostDevice.CUDNN4J_HOST_GRAPH_EXECS()),
  /** Modules of kernels. */
  MODULES(HostDevice.CUDNN4J_HOST_MODULES()),
  /** cuBLAS handles. */
  CUBLAS_HANDLES(HostDevice.CUDNN4J_HOST_CUBLAS_HANDLES()),
  /** cuDNN handles. */
  CUDNN_HANDLES(HostDevice.CUDNN4J_HOST_CUDNN_HANDLES()),
  /** cuDNN descriptors of every type. */
  CUDNN_DESCRIPTORS(HostDevice.CUDNN4J_HOST_CUDNN_DESCRIPTORS()),
  /** NVRTC programs. */
  NVRTC_PROGRAMS(HostDevice.CUDNN4J_HOST_NVRTC_PROGRAMS()),
  /** NCCL communicators. */
  COMMUNICATORS(HostDevice.CUDNN4J_HOST_COMMUNICATORS());

  final int code;

  HostCounter(int code) {
    this.code = code;
  }
}
