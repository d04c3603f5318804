package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Host memory that a device can copy from and to while the program goes on, and that a {@link
 * Launch kernel} can read and write.
 *
 * <p>Copies and kernels are queued, so the memory must stay as it is until they are done: until
 * {@link Stream#synchronize}, or an {@link Event} recorded behind them. Closing the buffer waits
 * for the device, so that nothing queued can reach memory that is no longer there. It is refused
 * while a native call, or an input or output operation, uses the segment.
 *
 * <p>Belongs to the device's thread; the {@link #segment} itself may be accessed from any thread.
 * An owner.
 */
public final class PinnedBuffer extends DeviceResource {
  private final ElementType type;
  private final long elements;
  private final MemorySegment address;
  private final Arena arena;
  private final MemorySegment segment;
  private boolean queued;

  private PinnedBuffer(Device device, ElementType type, long elements, MemorySegment address) {
    this.type = type;
    this.elements = elements;
    this.address = address;
    // The arena ends the life of the segment; the memory is not the arena's.
    var arena = Arena.ofShared();
    this.arena = arena;
    this.segment = address.reinterpret(elements * type.bytes(), arena, null);
    super(device);
  }

  /**
   * Allocates pinned memory. Its contents are undefined.
   *
   * @throws IllegalArgumentException if {@code elements} is below 1 or too large to count in bytes
   * @throws IllegalStateException if the device is closed or this thread captures
   * @throws DeviceOutOfMemoryException if there is not enough memory
   */
  public static PinnedBuffer allocate(Device device, ElementType type, long elements) {
    Arguments.between(elements, 1, Long.MAX_VALUE / type.bytes(), "elements");
    var bytes = Arguments.bytes(type, elements);
    device.checkAccess();
    Recording.refuse("allocating memory");
    var out = device.scratch();
    var status = Cudart.cudaHostAlloc(out, bytes, Cudart.cudaHostAllocDefault());
    if (status != 0) {
      throw Status.allocationFailure(status, "cudaHostAlloc", bytes);
    }
    return new PinnedBuffer(
        device,
        type,
        elements,
        MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address()));
  }

  /**
   * Returns the memory, {@link #bytes} long. It dies with this buffer.
   *
   * <p>Of {@link MemorySegment}'s ways to copy into an array use those that take layouts: the
   * others may, compiled by JDK 25, leave out elements of less than 64 bytes.
   *
   * @throws IllegalStateException if this is closed
   */
  public MemorySegment segment() {
    checkOpen();
    return segment;
  }

  /** Returns the type of the elements. */
  public ElementType type() {
    return type;
  }

  /** Returns the number of elements. */
  public long elements() {
    return elements;
  }

  /** Returns the size in bytes. */
  public long bytes() {
    return elements * type.bytes();
  }

  /** Returns the address of an element for work that is queued. */
  MemorySegment pointer(long offset) {
    checkOpen();
    queued = true;
    recordUse();
    return offset == 0
        ? address
        : MemorySegment.ofAddress(address.address() + offset * type.bytes());
  }

  @Override
  void takeBack() {
    try {
      arena.close();
    } catch (IllegalStateException e) {
      throw new IllegalStateException("the memory of a PinnedBuffer is in use", e);
    }
  }

  @Override
  protected void release() {
    try {
      if (queued) {
        device().synchronize();
      }
    } finally {
      Status.cudart(Cudart.cudaFreeHost(address), "cudaFreeHost");
    }
  }
}
