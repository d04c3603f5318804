package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Work that was captured and can be queued again with one call. It reads and writes the same memory
 * as when it was captured.
 *
 * <p>Belongs to the device's thread. An owner, of the graph but not of the memory it uses.
 *
 * @see Stream#capture
 */
public final class CapturedGraph extends DeviceResource {
  private final Stream stream;
  private final MemorySegment executable;
  private final DeviceResource[] memory;

  private CapturedGraph(Stream stream, MemorySegment executable, List<DeviceResource> memory) {
    super(stream.device());
    this.stream = stream;
    this.executable = executable;
    this.memory = memory.toArray(DeviceResource[]::new);
  }

  /** Makes a graph executable and destroys it; the executable one is a copy. */
  static CapturedGraph of(Stream stream, MemorySegment graph, List<DeviceResource> memory) {
    var out = stream.device().scratch();
    var status = Cudart.cudaGraphInstantiate(out, graph, 0);
    var executable = MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
    if (status != 0) {
      var failure = CudaException.ofCudart(status, "cudaGraphInstantiate");
      try {
        destroy(graph);
      } catch (CudaException e) {
        failure.addSuppressed(e);
      }
      throw failure;
    }
    var captured = new CapturedGraph(stream, executable, memory);
    try {
      destroy(graph);
    } catch (CudaException e) {
      try (captured) {
        throw e;
      }
    }
    return captured;
  }

  static void destroy(MemorySegment graph) {
    if (graph.address() != 0) {
      CudaException.checkCudart(Cudart.cudaGraphDestroy(graph), "cudaGraphDestroy");
    }
  }

  /**
   * Queues the work on the stream that it was captured from.
   *
   * @throws IllegalStateException if the graph, the stream or memory that the work uses is closed
   * @throws CudaException if it cannot be queued
   */
  public void launch() {
    launch(stream);
  }

  /**
   * Queues the work on a stream.
   *
   * @throws IllegalStateException if the graph, the stream or memory that the work uses is closed
   * @throws IllegalArgumentException if the stream belongs to another device
   * @throws CudaException if it cannot be queued
   */
  public void launch(Stream stream) {
    checkOpen();
    Arguments.sameDevice(device(), stream.device(), "stream");
    for (var block : memory) {
      if (!block.isUsable()) {
        throw new IllegalStateException("memory that the captured work uses is closed");
      }
      block.recordUse();
    }
    CudaException.checkCudart(
        Cudart.cudaGraphLaunch(executable, stream.handle()), "cudaGraphLaunch");
  }

  @Override
  protected void release() {
    CudaException.checkCudart(Cudart.cudaGraphExecDestroy(executable), "cudaGraphExecDestroy");
  }
}
