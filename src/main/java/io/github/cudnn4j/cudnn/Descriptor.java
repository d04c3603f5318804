package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceResource;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A native descriptor.
 *
 * <p>cuDNN copies what a descriptor says when work is queued, so a descriptor may be closed while
 * work that was queued with it has still to run.
 */
abstract sealed class Descriptor extends DeviceResource
    permits TensorDescriptor, RnnDataDescriptor, RnnDescriptor, DropoutDescriptor, CtcDescriptor {

  /** A C function that makes a descriptor or destroys one. */
  @FunctionalInterface
  interface Call {
    int apply(MemorySegment argument);
  }

  private final MemorySegment pointer;
  private final String destroyFunction;
  private final Call destroy;

  /**
   * Makes an empty native descriptor.
   *
   * @param name what stands behind {@code cudnnCreate} and {@code cudnnDestroy} in C
   */
  Descriptor(Device device, String name, Call create, Call destroy) {
    Objects.requireNonNull(device, "device");
    device.checkAccess();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(NativeTypes.C_POINTER);
      CudnnException.check(create.apply(out), "cudnnCreate" + name, "");
      pointer = MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
    }
    this.destroyFunction = "cudnnDestroy" + name;
    this.destroy = destroy;
    super(device);
  }

  /**
   * The native descriptor.
   *
   * @throws IllegalStateException if this is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public final MemorySegment pointer() {
    checkOpen();
    return pointer;
  }

  @Override
  protected void release() {
    CudnnException.check(destroy.apply(pointer), destroyFunction, "");
  }
}
