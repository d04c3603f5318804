package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A capture: the stream whose work is recorded instead of done, and the memory that the work uses,
 * which must live as long as it is replayed. What it forbids, it forbids to the whole thread, on
 * every device.
 */
final class Recording {
  private static final String FUNCTION = "cudaStreamEndCapture";
  private static final ThreadLocal<@Nullable Recording> OF_THREAD = new ThreadLocal<>();

  private final Stream stream;
  private final MemorySegment handle;
  private final Set<DeviceResource> memory = Collections.newSetFromMap(new IdentityHashMap<>());

  /** What the latest attempt to end it returned. */
  private int status;

  /** Whether it goes on although it was to end. */
  private boolean overdue;

  private Recording(Stream stream) {
    this.stream = stream;
    this.handle = stream.handle();
  }

  /** Begins to capture the work of a stream. */
  static Recording begin(Stream stream) {
    var recording = new Recording(stream);
    CudaException.checkCudart(
        Cudart.cudaStreamBeginCapture(recording.handle, Cudart.cudaStreamCaptureModeThreadLocal()),
        "cudaStreamBeginCapture");
    OF_THREAD.set(recording);
    stream.device().recording(recording);
    return recording;
  }

  /** Returns the capture of this thread, null if there is none; ends one that is overdue. */
  static @Nullable Recording ofThread() {
    var recording = OF_THREAD.get();
    if (recording != null && recording.overdue) {
      recording.abandon();
      return null;
    }
    return recording;
  }

  /** Refuses what would end a capture of this thread. */
  static void refuse(String action) {
    if (ofThread() != null) {
      throw new IllegalStateException(action + " cannot be captured");
    }
  }

  /** Refuses what needs a thread that does not capture. */
  static void refuseAnother() {
    if (ofThread() != null) {
      throw new IllegalStateException("a capture is under way on this thread");
    }
  }

  /** Refuses a stream of which another device's capture would record the work, not its memory. */
  static void refuseOfAnother(Device device, MemorySegment stream) {
    var recording = ofThread();
    if (recording != null
        && recording.stream.device() != device
        && recording.handle.equals(stream)) {
      throw new IllegalStateException("the stream is captured by another device");
    }
  }

  /**
   * Ends the capture and returns its graph.
   *
   * @throws CudaException if it recorded what cannot be captured, or is overdue from then on
   */
  MemorySegment end() {
    var graph = tryToEnd();
    CudaException.checkCudart(status, FUNCTION);
    return graph;
  }

  /**
   * Ends the capture, whatever it recorded.
   *
   * @throws CudaException if it is overdue from then on, or its graph cannot be destroyed
   */
  void abandon() {
    var graph = tryToEnd();
    if (overdue) {
      throw CudaException.ofCudart(status, FUNCTION);
    }
    CudaException.forgetLastError();
    CapturedGraph.destroy(graph);
  }

  private MemorySegment tryToEnd() {
    var device = stream.device();
    var out = device.scratch();
    out.set(NativeTypes.C_POINTER, 0, MemorySegment.NULL);
    status = Cudart.cudaStreamEndCapture(handle, out);
    var graph = MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
    overdue = status != 0 && isCapturing();
    device.recording(null);
    if (overdue) {
      device.deactivate();
    } else {
      OF_THREAD.remove();
    }
    return graph;
  }

  /** Whether the stream still captures, as far as CUDA says. */
  private boolean isCapturing() {
    var out = stream.device().scratch();
    return Cudart.cudaStreamIsCapturing(handle, out) != 0
        || out.get(NativeTypes.C_INT, 0) != Cudart.cudaStreamCaptureStatusNone();
  }

  Stream stream() {
    return stream;
  }

  void uses(DeviceResource block) {
    memory.add(block);
  }

  List<DeviceResource> memory() {
    return new ArrayList<>(memory);
  }
}
