package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

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
    CudaException.checkCudart(
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
    Objects.requireNonNull(device, "device");
    return new Stream(device, handle, false);
  }

  /**
   * Returns the {@code cudaStream_t}, for a call that queues work.
   *
   * @throws IllegalStateException if the stream is closed, or this thread captures it as a stream
   *     of another device
   * @throws WrongThreadException if the device belongs to another thread
   */
  public MemorySegment handle() {
    checkOpen();
    Recording.refuseOfAnother(device(), handle);
    return handle;
  }

  /**
   * Waits until the work queued so far is done.
   *
   * @throws IllegalStateException if the stream is closed, or this thread captures
   * @throws CudaException if some work failed
   */
  public void synchronize() {
    checkOpen();
    Recording.refuse("waiting for the stream");
    CudaException.checkCudart(Cudart.cudaStreamSynchronize(handle), "cudaStreamSynchronize");
  }

  /**
   * Returns whether the work queued so far is done; does not wait.
   *
   * @throws IllegalStateException if the stream is closed, or this thread captures
   * @throws CudaException if some work failed
   */
  public boolean isDone() {
    checkOpen();
    Recording.refuse("asking for the state of the stream");
    return CudaException.checkDone(Cudart.cudaStreamQuery(handle), "cudaStreamQuery");
  }

  /**
   * Makes an event happen when the work queued so far is done.
   *
   * @throws IllegalStateException if the stream or the event is closed
   * @throws IllegalArgumentException if the event belongs to another device
   */
  public void record(Event event) {
    var queue = handle();
    Arguments.sameDevice(device(), event.device(), "event");
    CudaException.checkCudart(Cudart.cudaEventRecord(event.handle(), queue), "cudaEventRecord");
  }

  /**
   * Makes the work queued from now on wait for an event; does not wait itself. An event never
   * recorded has happened.
   *
   * @throws IllegalStateException if the stream or the event is closed
   * @throws IllegalArgumentException if the event belongs to another device
   */
  public void waitFor(Event event) {
    var queue = handle();
    Arguments.sameDevice(device(), event.device(), "event");
    CudaException.checkCudart(
        Cudart.cudaStreamWaitEvent(queue, event.handle(), Cudart.cudaEventDefault()),
        "cudaStreamWaitEvent");
  }

  /**
   * Records work instead of doing it, so that it can be queued again with one call.
   *
   * <p>The work may queue anything asynchronous on this stream. It must not wait for the device,
   * nor make or close anything; do it once before, so that what is made at first use exists.
   *
   * @throws IllegalStateException if the stream is closed, or this thread captures
   * @throws CudaException if the work did what cannot be captured, or the capture cannot be ended;
   *     whatever uses the device next tries again to end it
   */
  public CapturedGraph capture(Runnable work) {
    Objects.requireNonNull(work, "work");
    checkOpen();
    Recording.refuseAnother();
    return Device.whileNoneCloses(() -> graphOf(work));
  }

  private CapturedGraph graphOf(Runnable work) {
    var recording = Recording.begin(this);
    try {
      work.run();
    } catch (Throwable failure) {
      try {
        recording.abandon();
      } catch (CudaException e) {
        failure.addSuppressed(e);
      }
      throw failure;
    }
    return CapturedGraph.of(this, recording.end(), recording.memory());
  }

  /** Returns whether this stream records its work instead of doing it. */
  public boolean isCapturing() {
    var recording = device().recording();
    return recording != null && recording.stream() == this;
  }

  @Override
  void takeBack() {
    if (device().runsOn(this)) {
      throw new IllegalStateException("the device's own stream is closed with the device");
    }
  }

  @Override
  protected void release() {
    if (owned) {
      try {
        // What is queued here may use pinned memory, which looks for open streams to wait for.
        CudaException.checkCudart(Cudart.cudaStreamSynchronize(handle), "cudaStreamSynchronize");
      } finally {
        CudaException.checkCudart(Cudart.cudaStreamDestroy(handle), "cudaStreamDestroy");
      }
    }
  }
}
