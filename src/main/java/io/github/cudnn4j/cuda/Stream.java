package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.MemorySegment;

/**
 * A queue of work for a device. Work on one stream is done in the order in which it was queued;
 * work on different streams, when an {@link Event} says so.
 *
 * <p>Belongs to the device's thread. An owner, unless it was {@linkplain #wrap borrowed}; the
 * device's own stream is closed with the device.
 */
public final class Stream extends DeviceResource {
  private final MemorySegment handle;
  private final boolean owned;

  private Stream(Device device, long handle, boolean owned) {
    super(device);
    this.handle = MemorySegment.ofAddress(handle);
    this.owned = owned;
  }

  /**
   * Makes a stream that waits for no other one.
   *
   * @throws IllegalStateException if the device is closed
   * @throws CudaException if it cannot be made
   */
  public static Stream create(Device device) {
    device.checkAccess();
    var out = device.scratch();
    Status.cudart(
        Cudart.cudaStreamCreateWithFlags(out, Cudart.cudaStreamNonBlocking()),
        "cudaStreamCreateWithFlags");
    return new Stream(device, out.get(NativeTypes.C_POINTER, 0).address(), true);
  }

  /**
   * Borrows a stream of the device that another library owns. It must exist for as long as this is
   * used; closing this does not destroy it.
   *
   * <p>Networks, kernels and products run on the device's own stream. Two events put them between
   * the work that the other library has queued and the work that it will queue, without waiting:
   *
   * {@snippet :
   * try (var theirs = Stream.wrap(device, handle);
   *     var done = Event.create(device)) {
   *   theirs.record(done);
   *   device.stream().waitFor(done);
   *   plan.forward(x, y, states); // x is what they have computed
   *   device.stream().record(done);
   *   theirs.waitFor(done); // what they queue from now on finds y
   * }
   * }
   *
   * @param handle the {@code cudaStream_t}; 0 is CUDA's default stream
   * @throws IllegalStateException if the device is closed
   */
  public static Stream wrap(Device device, long handle) {
    return new Stream(device, handle, false);
  }

  /**
   * Returns the {@code cudaStream_t}, for a call that queues work.
   *
   * @throws IllegalStateException if the stream is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public MemorySegment handle() {
    checkOpen();
    return handle;
  }

  /**
   * Waits until the work queued so far is done.
   *
   * @throws IllegalStateException if the stream is closed or captures
   * @throws CudaException if some work failed
   */
  public void synchronize() {
    checkOpen();
    refuseWhileCapturing("waiting for the stream");
    Status.cudart(Cudart.cudaStreamSynchronize(handle), "cudaStreamSynchronize");
  }

  /**
   * Returns whether the work queued so far is done; does not wait.
   *
   * @throws IllegalStateException if the stream is closed or captures
   * @throws CudaException if some work failed
   */
  public boolean isDone() {
    checkOpen();
    refuseWhileCapturing("asking for the state of the stream");
    return Status.isDone(Cudart.cudaStreamQuery(handle), "cudaStreamQuery");
  }

  /**
   * Makes an event happen when the work queued so far is done.
   *
   * @throws IllegalStateException if the stream or the event is closed
   * @throws IllegalArgumentException if the event belongs to another device
   */
  public void record(Event event) {
    checkOpen();
    Arguments.sameDevice(device(), event.device(), "event");
    Status.cudart(Cudart.cudaEventRecord(event.handle(), handle), "cudaEventRecord");
  }

  /**
   * Makes the work queued from now on wait for an event; does not wait itself. An event never
   * recorded has happened.
   *
   * @throws IllegalStateException if the stream or the event is closed
   * @throws IllegalArgumentException if the event belongs to another device
   */
  public void waitFor(Event event) {
    checkOpen();
    Arguments.sameDevice(device(), event.device(), "event");
    Status.cudart(
        Cudart.cudaStreamWaitEvent(handle, event.handle(), Cudart.cudaEventDefault()),
        "cudaStreamWaitEvent");
  }

  /**
   * Records work instead of doing it, so that it can be queued again with one call.
   *
   * <p>The work may queue anything asynchronous on this stream. It must not wait for the device,
   * nor make or close anything; do it once before, so that what is made at first use exists.
   *
   * @throws IllegalStateException if the stream is closed, or a capture is under way
   * @throws CudaException if the work did what cannot be captured
   */
  public CapturedGraph capture(Runnable work) {
    checkOpen();
    if (device().recording() != null) {
      throw new IllegalStateException("a capture is under way on this device");
    }
    return Device.whileNoneCloses(() -> graphOf(work));
  }

  private CapturedGraph graphOf(Runnable work) {
    Status.cudart(
        Cudart.cudaStreamBeginCapture(handle, Cudart.cudaStreamCaptureModeThreadLocal()),
        "cudaStreamBeginCapture");
    var recording = new Recording(this);
    device().recording(recording);
    try {
      work.run();
    } catch (Throwable failure) {
      device().recording(null);
      try {
        CapturedGraph.destroy(endCapture());
      } catch (CudaException e) {
        failure.addSuppressed(e);
      }
      throw failure;
    }
    device().recording(null);
    return CapturedGraph.of(this, endCapture(), recording.memory());
  }

  private MemorySegment endCapture() {
    var out = device().scratch();
    out.set(NativeTypes.C_POINTER, 0, MemorySegment.NULL);
    var status = Cudart.cudaStreamEndCapture(handle, out);
    if (status != 0) {
      var failure = Status.cudartFailure(status, "cudaStreamEndCapture");
      // A capture that goes on would make everything else on this thread fail.
      if (Cudart.cudaStreamEndCapture(handle, out) == 0) {
        CapturedGraph.destroy(out.get(NativeTypes.C_POINTER, 0));
      } else {
        Status.forgetLastError();
      }
      throw failure;
    }
    return MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
  }

  /** Returns whether this stream records its work instead of doing it. */
  public boolean isCapturing() {
    var recording = device().recording();
    return recording != null && recording.stream() == this;
  }

  void refuseWhileCapturing(String action) {
    if (isCapturing()) {
      throw new IllegalStateException(action + " cannot be captured");
    }
  }

  @Override
  protected void release() {
    if (owned) {
      try {
        // What is queued here may use pinned memory, which looks for open streams to wait for.
        Status.cudart(Cudart.cudaStreamSynchronize(handle), "cudaStreamSynchronize");
      } finally {
        Status.cudart(Cudart.cudaStreamDestroy(handle), "cudaStreamDestroy");
      }
    }
  }
}
