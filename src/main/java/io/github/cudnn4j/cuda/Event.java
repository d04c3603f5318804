package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.MemorySegment;

/**
 * A point in the work of a stream, to wait for or to measure time with.
 *
 * <p>Belongs to the device's thread. An owner.
 */
public final class Event extends DeviceResource {
  private final MemorySegment handle;

  private Event(Device device, MemorySegment handle) {
    super(device);
    this.handle = handle;
  }

  /**
   * Makes an event that measures time.
   *
   * @throws IllegalStateException if the device is closed
   * @throws CudaException if it cannot be made
   */
  public static Event create(Device device) {
    device.checkAccess();
    var out = device.scratch();
    CudaException.checkCudart(
        Cudart.cudaEventCreateWithFlags(out, Cudart.cudaEventDefault()),
        "cudaEventCreateWithFlags");
    return new Event(device, MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address()));
  }

  MemorySegment handle() {
    checkOpen();
    return handle;
  }

  /**
   * Makes this happen when the work queued so far on the device's stream is done.
   *
   * @throws IllegalStateException if the event is closed
   */
  public void record() {
    device().stream().record(this);
  }

  /**
   * Waits until this has happened; an event never recorded has.
   *
   * @throws IllegalStateException if the event is closed, or this thread captures
   * @throws CudaException if work before it failed
   */
  public void synchronize() {
    checkOpen();
    Recording.refuse("waiting for an event");
    CudaException.checkCudart(Cudart.cudaEventSynchronize(handle), "cudaEventSynchronize");
  }

  /**
   * Returns whether this has happened; does not wait.
   *
   * @throws IllegalStateException if the event is closed, or this thread captures
   * @throws CudaException if work before it failed
   */
  public boolean isDone() {
    checkOpen();
    Recording.refuse("asking for the state of an event");
    return CudaException.checkDone(Cudart.cudaEventQuery(handle), "cudaEventQuery");
  }

  /**
   * Returns the milliseconds from an earlier event to this one; both must have happened.
   *
   * @throws IllegalStateException if one of them is closed
   * @throws IllegalArgumentException if the other one belongs to another device
   * @throws CudaException if one of them was not recorded or has not happened
   */
  public float millisSince(Event start) {
    checkOpen();
    Arguments.sameDevice(device(), start.device(), "event");
    var out = device().scratch();
    CudaException.checkCudart(
        Cudart.cudaEventElapsedTime(out, start.handle(), handle), "cudaEventElapsedTime");
    return out.get(NativeTypes.C_FLOAT, 0);
  }

  @Override
  protected void release() {
    CudaException.checkCudart(Cudart.cudaEventDestroy(handle), "cudaEventDestroy");
  }
}
