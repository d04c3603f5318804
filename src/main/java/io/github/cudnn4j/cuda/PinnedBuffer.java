package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

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
 * An owner, of registered memory only while it is registered.
 */
public final class PinnedBuffer extends DeviceResource {
  private final ElementType type;
  private final long elements;
  private final MemorySegment address;
  private final Arena arena;

  /** Memory of someone else, held so that it stays while it is used; null if allocated here. */
  private final @Nullable MemorySegment registered;

  private final MemorySegment segment;
  private boolean queued;

  private PinnedBuffer(
      Device device,
      ElementType type,
      long elements,
      MemorySegment address,
      @Nullable MemorySegment registered) {
    this.registered = registered;
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
      throw CudaException.ofAllocation(status, "cudaHostAlloc", bytes);
    }
    return new PinnedBuffer(
        device,
        type,
        elements,
        MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address()),
        null);
  }

  /**
   * Makes pinned memory of memory that another library or an arena has allocated, which is theirs
   * again when this is closed. Until then they must not free it.
   *
   * @param memory native, to be written too, at an address that is a multiple of the element size,
   *     and a whole number of elements; none of it may be pinned already
   * @throws IllegalArgumentException if the memory is not as stated
   * @throws IllegalStateException if the device or the memory is closed or this thread captures
   * @throws CudaException if the memory is pinned already or cannot be
   */
  public static PinnedBuffer register(Device device, ElementType type, MemorySegment memory) {
    if (!memory.isNative() || memory.address() % type.bytes() != 0) {
      throw new IllegalArgumentException(
          memory + " must be native memory at a multiple of " + type.bytes());
    }
    if (memory.byteSize() == 0 || memory.byteSize() % type.bytes() != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the memory has %d bytes, must have a multiple of %d and more than 0",
              memory.byteSize(),
              type.bytes()));
    }
    if (memory.isReadOnly()) {
      throw new IllegalArgumentException("the memory is read-only, which a device does not heed");
    }
    if (!memory.scope().isAlive()) {
      throw new IllegalStateException("the memory is closed");
    }
    device.checkAccess();
    Recording.refuse("registering memory");
    MemorySegment address = MemorySegment.ofAddress(memory.address());
    CudaException.checkCudart(
        Cudart.cudaHostRegister(address, memory.byteSize(), Cudart.cudaHostRegisterDefault()),
        "cudaHostRegister");
    return new PinnedBuffer(device, type, memory.byteSize() / type.bytes(), address, memory);
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
    checkMemory();
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

  /** Whether the memory is someone else's. */
  boolean isRegistered() {
    return registered != null;
  }

  /** Returns the address of an element for work that is queued. */
  MemorySegment pointer(long offset) {
    checkOpen();
    checkMemory();
    queued = true;
    recordUse();
    return offset == 0
        ? address
        : MemorySegment.ofAddress(address.address() + offset * type.bytes());
  }

  private void checkMemory() {
    if (registered != null && !registered.scope().isAlive()) {
      throw new IllegalStateException("the memory is closed");
    }
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
      if (registered != null) {
        CudaException.checkCudart(Cudart.cudaHostUnregister(address), "cudaHostUnregister");
      } else {
        CudaException.checkCudart(Cudart.cudaFreeHost(address), "cudaFreeHost");
      }
    }
  }
}
