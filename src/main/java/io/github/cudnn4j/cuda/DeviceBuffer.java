package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.HostDevice;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.io.HalfFloat;
import io.github.cudnn4j.library.DeviceKind;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Memory of a device that holds elements of one type. It is not host memory: it is read and written
 * by work on the device, and by the copies here.
 *
 * <p>A buffer that was allocated is an owner. A slice and a wrapped address are borrowed: closing
 * them frees nothing. A slice cannot be used after its buffer is closed, and is read-only with it.
 *
 * <p>Copies from and to arrays wait; all others are queued. Belongs to the device's thread.
 */
public final class DeviceBuffer implements AutoCloseable {
  private final Block block;
  private final boolean whole;
  private final ElementType type;
  private final long elements;
  private final MemorySegment pointer;

  private DeviceBuffer(Block block, boolean whole, ElementType type, long elements, long address) {
    this.block = block;
    this.whole = whole;
    this.type = type;
    this.elements = elements;
    this.pointer = MemorySegment.ofAddress(address);
  }

  /** The memory that a buffer and its slices share. */
  private static final class Block extends DeviceResource {
    private final MemorySegment owned;

    /** Whose memory it is, null if nobody's here. */
    private final @Nullable PinnedBuffer lender;

    private boolean readOnly;

    /** Takes memory over, to be freed at the end; NULL if it is someone else's. */
    Block(Device device, MemorySegment owned) {
      super(device);
      this.owned = owned;
      this.lender = null;
    }

    /** Borrows memory of the host. */
    Block(PinnedBuffer lender) {
      super(lender.device());
      this.owned = MemorySegment.NULL;
      this.lender = lender;
    }

    void check() {
      checkOpen();
      if (lender != null) {
        lender.pointer(0);
      }
      recordUse();
    }

    @Override
    protected void release() {
      if (owned.address() != 0) {
        CudaException.checkCudart(Cudart.cudaFree(owned), "cudaFree");
      }
    }
  }

  /**
   * Allocates memory, aligned to 256 bytes. Its contents are undefined.
   *
   * @param elements from 0; without elements the address is 0
   * @throws IllegalArgumentException if {@code elements} is negative or too large to count in bytes
   * @throws IllegalStateException if the device is closed or this thread captures
   * @throws DeviceOutOfMemoryException if there is not enough memory
   */
  public static DeviceBuffer allocate(Device device, ElementType type, long elements) {
    var bytes = Arguments.bytes(type, elements);
    device.checkAccess();
    Recording.refuse("allocating memory");
    var address = 0L;
    if (bytes > 0) {
      var out = device.scratch();
      var status = Cudart.cudaMalloc(out, bytes);
      if (status != 0) {
        throw CudaException.ofAllocation(status, "cudaMalloc", bytes);
      }
      address = out.get(NativeTypes.C_POINTER, 0).address();
    }
    var block = new Block(device, MemorySegment.ofAddress(address));
    return new DeviceBuffer(block, true, type, elements, address);
  }

  /**
   * Borrows memory of the device that another library owns. It must stay allocated for as long as
   * the buffer is used.
   *
   * @param address the device address of the first element, a multiple of the element size
   * @throws IllegalArgumentException if the address is 0 or not aligned, or {@code elements} is
   *     negative or too large to count in bytes
   * @throws IllegalStateException if the device is closed
   */
  public static DeviceBuffer wrap(Device device, ElementType type, long address, long elements) {
    Arguments.bytes(type, elements);
    if (address == 0 || address % type.bytes() != 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "address 0x%x, must not be 0 and be a multiple of %d",
              address,
              type.bytes()));
    }
    return new DeviceBuffer(new Block(device, MemorySegment.NULL), true, type, elements, address);
  }

  /**
   * Borrows {@linkplain PinnedBuffer#register registered} memory of the host, which the device
   * reads and writes where it is: no copy is made, but on a GPU every access goes to the host.
   * Until the work that uses it is done, the host must not.
   *
   * @param memory cannot be used through this once it is closed
   * @throws IllegalArgumentException if the memory was {@linkplain PinnedBuffer#allocate allocated}
   * @throws IllegalStateException if the memory is closed
   * @throws CudaException if the device has no address for it
   */
  public static DeviceBuffer wrap(PinnedBuffer memory) {
    if (!memory.isRegistered()) {
      throw new IllegalArgumentException(
          "the pinned buffer was allocated, only a registered one can be wrapped");
    }
    var out = memory.device().scratch();
    CudaException.checkCudart(
        Cudart.cudaHostGetDevicePointer(out, memory.pointer(0), 0), "cudaHostGetDevicePointer");
    long address = out.get(NativeTypes.C_POINTER, 0).address();
    return new DeviceBuffer(new Block(memory), true, memory.type(), memory.elements(), address);
  }

  /**
   * Borrows a part.
   *
   * @param offset the first element
   * @param elements how many, from 0
   * @throws IllegalArgumentException if the part is not inside this buffer
   */
  public DeviceBuffer slice(long offset, long elements) {
    Arguments.range(offset, elements, this.elements, "slice");
    return new DeviceBuffer(
        block, false, type, elements, pointer.address() + offset * type.bytes());
  }

  /** Returns the device. */
  public Device device() {
    return block.device();
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

  /** Returns the device address of the first element; 0 for a buffer without memory. */
  public long address() {
    return pointer.address();
  }

  /**
   * Returns the address for a native call. To be called for every use, because it checks that the
   * memory is still there, and tells a capture that it is used. Always the same object.
   *
   * @throws IllegalStateException if the buffer is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public MemorySegment pointer() {
    block.check();
    return pointer;
  }

  /** As {@link #pointer}, for a native call that writes there. */
  MemorySegment target() {
    var target = pointer();
    if (block.readOnly) {
      throw new IllegalStateException("the buffer is read-only: " + this);
    }
    return target;
  }

  /**
   * Promises that this memory is only read until it is closed, as are weights that serve. Waits for
   * the device.
   *
   * <p>Copies to it are refused from then on, and on the host device every call of a library or
   * kernel that would write to it. What writes there without one, such as another framework that
   * was given the address, breaks the promise. The host device in turn packs the matrices in it
   * once instead of in every call, which takes about as much memory again, twice as much if they
   * are of 16 bits, never more than three times as much; a GPU has no use for that.
   *
   * @throws IllegalStateException if the buffer is closed, is a slice or borrows its memory, or
   *     this thread captures
   * @throws WrongThreadException if the device belongs to another thread
   */
  public void setReadOnly() {
    if (!whole || block.owned.address() != pointer().address()) {
      throw new IllegalStateException(
          "only a buffer that owns its memory can be made read-only, not " + this);
    }
    Recording.refuse("making memory read-only");
    device().synchronize();
    if (elements > 0 && device().kind() == DeviceKind.HOST) {
      HostDevice.cudnn4jHostSetReadOnly(pointer);
    }
    block.readOnly = true;
  }

  /** Tells whether the memory is read-only. */
  public boolean isReadOnly() {
    return block.readOnly;
  }

  /** Queues setting every byte to 0 on the device's stream. */
  public void clear() {
    clear(device().stream());
  }

  /**
   * Queues setting every byte to 0.
   *
   * @throws IllegalStateException if the buffer or the stream is closed, or the buffer is read-only
   * @throws IllegalArgumentException if the stream belongs to another device
   */
  public void clear(Stream stream) {
    Arguments.sameDevice(device(), stream.device(), "stream");
    var target = target();
    if (elements > 0) {
      CudaException.checkCudart(
          Cudart.cudaMemsetAsync(target, 0, bytes(), stream.handle()), "cudaMemsetAsync");
    }
  }

  /**
   * Queues a copy of a whole buffer on the device's stream.
   *
   * @throws IllegalArgumentException as {@link #copyFrom(DeviceBuffer, Stream)}
   */
  public void copyFrom(DeviceBuffer source) {
    Objects.requireNonNull(source, "source");
    copyFrom(source, device().stream());
  }

  /**
   * Queues a copy of a whole buffer of this device.
   *
   * @throws IllegalStateException if a buffer or the stream is closed, or this is read-only
   * @throws IllegalArgumentException if type, elements or device differ, or the two overlap
   */
  public void copyFrom(DeviceBuffer source, Stream stream) {
    Arguments.sameDevice(device(), source.device(), "source");
    Arguments.type(type, source.type, "source");
    Arguments.elements(elements, source.elements, "source");
    if (elements > 0 && Math.abs(address() - source.address()) < bytes()) {
      throw new IllegalArgumentException("source and target of a copy overlap");
    }
    copy(target(), source.pointer(), bytes(), Cudart.cudaMemcpyDeviceToDevice(), stream);
  }

  /** Queues a copy of a whole pinned buffer on the device's stream. */
  public void copyFrom(PinnedBuffer source) {
    Objects.requireNonNull(source, "source");
    copyFrom(source, device().stream());
  }

  /**
   * Queues a copy of a whole pinned buffer, which must not be changed until it is done.
   *
   * @throws IllegalStateException if a buffer or the stream is closed, or this is read-only
   * @throws IllegalArgumentException if type, elements or device differ
   */
  public void copyFrom(PinnedBuffer source, Stream stream) {
    Arguments.elements(elements, source.elements(), "source");
    copyFrom(0, source, 0, elements, stream);
  }

  /**
   * Queues a copy of a part of a pinned buffer, which must not be changed until it is done.
   *
   * @param offset the first element here
   * @param sourceOffset the first element there
   * @param elements how many
   * @throws IllegalStateException if a buffer or the stream is closed, or this is read-only
   * @throws IllegalArgumentException if a part is not inside its buffer, or type or device differ
   */
  public void copyFrom(
      long offset, PinnedBuffer source, long sourceOffset, long elements, Stream stream) {
    check(source, offset, sourceOffset, elements);
    copy(
        offset(target(), offset),
        source.pointer(sourceOffset),
        elements * type.bytes(),
        Cudart.cudaMemcpyHostToDevice(),
        stream);
  }

  /** Queues a copy to a whole pinned buffer on the device's stream. */
  public void copyTo(PinnedBuffer target) {
    Objects.requireNonNull(target, "target");
    copyTo(target, device().stream());
  }

  /**
   * Queues a copy to a whole pinned buffer, which holds the values when it is done.
   *
   * @throws IllegalStateException if a buffer or the stream is closed
   * @throws IllegalArgumentException if type, elements or device differ
   */
  public void copyTo(PinnedBuffer target, Stream stream) {
    Arguments.elements(elements, target.elements(), "target");
    copyTo(0, target, 0, elements, stream);
  }

  /**
   * Queues a copy to a part of a pinned buffer, which holds the values when it is done.
   *
   * @param offset the first element here
   * @param targetOffset the first element there
   * @param elements how many
   * @throws IllegalStateException if a buffer or the stream is closed
   * @throws IllegalArgumentException if a part is not inside its buffer, or type or device differ
   */
  public void copyTo(
      long offset, PinnedBuffer target, long targetOffset, long elements, Stream stream) {
    check(target, offset, targetOffset, elements);
    copy(
        target.pointer(targetOffset),
        offset(pointer(), offset),
        elements * type.bytes(),
        Cudart.cudaMemcpyDeviceToHost(),
        stream);
  }

  private void check(PinnedBuffer host, long offset, long hostOffset, long elements) {
    Arguments.sameDevice(device(), host.device(), "pinned buffer");
    Arguments.type(type, host.type(), "pinned buffer");
    Arguments.range(offset, elements, this.elements, "device buffer");
    Arguments.range(hostOffset, elements, host.elements(), "pinned buffer");
  }

  private MemorySegment offset(MemorySegment start, long offset) {
    return offset == 0 ? start : MemorySegment.ofAddress(start.address() + offset * type.bytes());
  }

  private void copy(
      MemorySegment target, MemorySegment source, long bytes, int kind, Stream stream) {
    Arguments.sameDevice(device(), stream.device(), "stream");
    if (bytes > 0) {
      CudaException.checkCudart(
          Cudart.cudaMemcpyAsync(target, source, bytes, kind, stream.handle()), "cudaMemcpyAsync");
    }
  }

  /**
   * Copies an array here and waits for it. Every number is rounded to the nearest of this buffer's
   * type, see {@link HalfFloat}, or widened to FLOAT64.
   *
   * @throws IllegalStateException if the buffer is closed or read-only, or this thread captures
   * @throws IllegalArgumentException if this is of integers, or not as long as the array
   */
  public void copyFrom(float[] source) {
    Objects.requireNonNull(source, "source");
    copyFrom(checked(ElementType.FLOAT32, FloatArrays.of(type, source)));
  }

  /** As {@link #copyFrom(float[])}; rounded to FLOAT32 first for one of the half types. */
  public void copyFrom(double[] source) {
    Objects.requireNonNull(source, "source");
    copyFrom(checked(ElementType.FLOAT64, FloatArrays.of(type, source)));
  }

  /** As {@link #copyFrom(float[])}, for INT32. */
  public void copyFrom(int[] source) {
    Objects.requireNonNull(source, "source");
    copyFrom(checked(ElementType.INT32, MemorySegment.ofArray(source)));
  }

  /** As {@link #copyFrom(float[])}, for INT64. */
  public void copyFrom(long[] source) {
    Objects.requireNonNull(source, "source");
    copyFrom(checked(ElementType.INT64, MemorySegment.ofArray(source)));
  }

  /** As {@link #copyFrom(float[])}, for UINT8. */
  public void copyFrom(byte[] source) {
    Objects.requireNonNull(source, "source");
    copyFrom(checked(ElementType.UINT8, MemorySegment.ofArray(source)));
  }

  /**
   * Copies host memory here, whatever the type of the elements, and waits for it.
   *
   * @throws IllegalStateException if the buffer is closed or read-only, or this thread captures
   * @throws IllegalArgumentException if the segment does not have {@link #bytes} bytes
   */
  public void copyFrom(MemorySegment source) {
    Objects.requireNonNull(source, "source");
    checkSegment(source);
    target();
    Staging.of(device()).upload(source, address());
  }

  /**
   * Copies the contents to an array, after all work queued on the device's stream, and waits.
   * FLOAT64 is rounded to the nearest, the half types are widened.
   *
   * @throws IllegalStateException if the buffer is closed or this thread captures
   * @throws IllegalArgumentException if this is of integers, or not as long as the array
   */
  public void copyTo(float[] target) {
    Objects.requireNonNull(target, "target");
    FloatArrays.fill(type, target, values -> copyTo(checked(ElementType.FLOAT32, values)));
  }

  /** As {@link #copyTo(float[])}, widened to FLOAT64. */
  public void copyTo(double[] target) {
    Objects.requireNonNull(target, "target");
    FloatArrays.fill(type, target, values -> copyTo(checked(ElementType.FLOAT64, values)));
  }

  /** As {@link #copyTo(float[])}, for INT32. */
  public void copyTo(int[] target) {
    Objects.requireNonNull(target, "target");
    copyTo(checked(ElementType.INT32, MemorySegment.ofArray(target)));
  }

  /** As {@link #copyTo(float[])}, for INT64. */
  public void copyTo(long[] target) {
    Objects.requireNonNull(target, "target");
    copyTo(checked(ElementType.INT64, MemorySegment.ofArray(target)));
  }

  /** As {@link #copyTo(float[])}, for UINT8. */
  public void copyTo(byte[] target) {
    Objects.requireNonNull(target, "target");
    copyTo(checked(ElementType.UINT8, MemorySegment.ofArray(target)));
  }

  /**
   * Copies the contents to host memory, after all work queued on the device's stream, and waits.
   *
   * @throws IllegalStateException if the buffer is closed or this thread captures
   * @throws IllegalArgumentException if the segment does not have {@link #bytes} bytes, or cannot
   *     be written
   */
  public void copyTo(MemorySegment target) {
    Objects.requireNonNull(target, "target");
    checkSegment(target);
    if (target.isReadOnly()) {
      throw new IllegalArgumentException("the target is read-only");
    }
    pointer();
    Staging.of(device()).download(address(), target);
  }

  /** As {@link #copyTo(float[])}, into a new array. */
  public float[] toFloats() {
    var result = new float[arrayLength()];
    copyTo(result);
    return result;
  }

  /** As {@link #copyTo(double[])}, into a new array. */
  public double[] toDoubles() {
    var result = new double[arrayLength()];
    copyTo(result);
    return result;
  }

  /** As {@link #copyTo(int[])}, into a new array. */
  public int[] toInts() {
    var result = new int[arrayLength()];
    copyTo(result);
    return result;
  }

  private int arrayLength() {
    Arguments.between(elements, 0, Integer.MAX_VALUE, "elements of a buffer as an array");
    return (int) elements;
  }

  private MemorySegment checked(ElementType arrayType, MemorySegment array) {
    boolean convertible = FloatArrays.convertsTo(type) && FloatArrays.convertsTo(arrayType);
    if (type != arrayType && !convertible) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "the array is of type %s, the buffer of %s", arrayType, type));
    }
    Arguments.elements(elements, array.byteSize() / type.bytes(), "array");
    return array;
  }

  private void checkSegment(MemorySegment segment) {
    if (segment.byteSize() != bytes()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "the segment has %d bytes, must be %d", segment.byteSize(), bytes()));
    }
  }

  /** Frees the memory of an allocated buffer; see {@link DeviceResource#close}. */
  @Override
  public void close() {
    if (whole) {
      block.close();
    }
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%d %s at 0x%x%s",
        elements,
        type,
        address(),
        block.isOpen() ? "" : " (closed)");
  }
}
