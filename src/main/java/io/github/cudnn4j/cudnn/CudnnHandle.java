package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceResource;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The cuDNN handle of a device: its calls queue their work on the device's stream.
 *
 * <p>There is one for each device, closed with the device and used by the thread that the device
 * belongs to.
 *
 * @see <a
 *     href="https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-graph-library.html">cudnnCreate</a>
 */
public final class CudnnHandle extends DeviceResource {
  private final MemorySegment pointer;

  private CudnnHandle(Device device) {
    MemorySegment handle = create();
    try {
      CudnnException.check(
          Cudnn.cudnnSetStream(handle, device.stream().handle()), "cudnnSetStream", device.name());
    } catch (RuntimeException e) {
      try {
        destroy(handle);
      } catch (CudnnException another) {
        e.addSuppressed(another);
      }
      throw e;
    }
    pointer = handle;
    super(device);
  }

  private static void destroy(MemorySegment handle) {
    CudnnException.check(Cudnn.cudnnDestroy(handle), "cudnnDestroy", "");
  }

  private static MemorySegment create() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(NativeTypes.C_POINTER);
      CudnnException.check(Cudnn.cudnnCreate(out), "cudnnCreate", "");
      return MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
    }
  }

  /**
   * Returns the handle of a device, made at the first call.
   *
   * @throws CudnnException if cuDNN does not give one
   * @throws IllegalStateException if the device is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public static CudnnHandle of(Device device) {
    return device.resource(CudnnHandle.class, CudnnHandle::new);
  }

  /** The version of cuDNN, such as {@code 9.24.0}; a device must have been opened. */
  public static String version() {
    long number = Cudnn.cudnnGetVersion();
    return number / 10_000 + "." + number / 100 % 100 + "." + number % 100;
  }

  /**
   * The native handle.
   *
   * @throws IllegalStateException if the device is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public MemorySegment pointer() {
    checkOpen();
    return pointer;
  }

  @Override
  protected void release() {
    destroy(pointer);
  }
}
