package io.github.cudnn4j.cuda;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.library.DeviceKind;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A tensor that another library hands over through DLPack without a copy; and the way to hand a
 * buffer to another library.
 *
 * <p>The C structure is {@code DLManagedTensor}, in Python inside a capsule named {@code dltensor},
 * or, since DLPack 1.0, {@code DLManagedTensorVersioned} inside one named {@code
 * dltensor_versioned}. The memory is that of the device: of the same CUDA device, or, for the host
 * device, of the CPU; such memory that the host device does not know is registered with it, see
 * {@link PinnedBuffer#register}, until the tensor is closed. Whoever hands over says on which
 * stream the contents will be ready; see {@link Stream#wrap}.
 *
 * <p>Belongs to the device's thread. An owner: closing it waits for the device, then tells the
 * other library that its memory is no longer used.
 *
 * @see <a href="https://dmlc.github.io/dlpack/latest/c_api.html">DLPack's C API</a>
 */
public final class DlPackTensor extends DeviceResource {
  private static final int CPU = 1;
  private static final int CUDA = 2;

  private static final int INT = 0;
  private static final int UINT = 1;
  private static final int FLOAT = 2;
  private static final int BFLOAT = 4;

  private static final AddressLayout POINTER = ValueLayout.ADDRESS;
  private static final StructLayout TENSOR =
      MemoryLayout.structLayout(
          POINTER.withName("data"),
          ValueLayout.JAVA_INT.withName("device_type"),
          ValueLayout.JAVA_INT.withName("device_id"),
          ValueLayout.JAVA_INT.withName("ndim"),
          ValueLayout.JAVA_BYTE.withName("code"),
          ValueLayout.JAVA_BYTE.withName("bits"),
          ValueLayout.JAVA_SHORT.withName("lanes"),
          POINTER.withName("shape"),
          POINTER.withName("strides"),
          ValueLayout.JAVA_LONG.withName("byte_offset"));

  /** What a tensor is handed over in. */
  private enum Form {
    MANAGED(
        MemoryLayout.structLayout(
            TENSOR.withName("dl_tensor"),
            POINTER.withName("manager_ctx"),
            POINTER.withName("deleter"))),
    VERSIONED(
        MemoryLayout.structLayout(
            ValueLayout.JAVA_INT.withName("major"),
            ValueLayout.JAVA_INT.withName("minor"),
            POINTER.withName("manager_ctx"),
            POINTER.withName("deleter"),
            ValueLayout.JAVA_LONG.withName("flags"),
            TENSOR.withName("dl_tensor")));

    private final StructLayout layout;

    Form(StructLayout layout) {
      this.layout = layout;
    }

    long at(String field) {
      return layout.byteOffset(groupElement(field));
    }

    MemorySegment tensor(MemorySegment managed) {
      return managed.asSlice(at("dl_tensor"), TENSOR);
    }
  }

  private static final int MAJOR = 1;

  /** As many as NumPy and PyTorch have. */
  private static final int MOST_DIMENSIONS = 64;

  private static final long READ_ONLY = 1;

  private static final MethodHandle DELETER =
      Linker.nativeLinker().downcallHandle(FunctionDescriptor.ofVoid(POINTER));

  /** What was handed to other libraries, by the address of the structure. */
  private static final Map<Long, Arena> EXPORTED = new ConcurrentHashMap<>();

  private final Form form;
  private final MemorySegment managed;
  private final long[] shape;
  private final DeviceBuffer buffer;

  /** Keeps memory of the CPU registered; null if nothing was to be. */
  private final @Nullable PinnedBuffer registration;

  private DlPackTensor(
      Form form,
      MemorySegment managed,
      long[] shape,
      DeviceBuffer buffer,
      @Nullable PinnedBuffer registration) {
    super(buffer.device());
    this.form = form;
    this.managed = managed;
    this.shape = shape;
    this.buffer = buffer;
    this.registration = registration;
  }

  /**
   * Takes a tensor over.
   *
   * @param address of the {@code DLManagedTensor}. Its elements lie row by row without gaps, and it
   *     stays the other library's if it is refused.
   * @throws IllegalArgumentException if the address is 0, the tensor is on another device, has
   *     gaps, more than 64 dimensions or no pointer where it needs one, or is of a type that {@link
   *     ElementType} does not have
   * @throws IllegalStateException if the device is closed
   */
  public static DlPackTensor of(Device device, long address) {
    return of(device, Form.MANAGED, managed(Form.MANAGED, address));
  }

  /**
   * Takes a tensor over, as {@link #of} does.
   *
   * @param address of the {@code DLManagedTensorVersioned}, of major version 1
   * @throws IllegalArgumentException also if the tensor may only be read, or is of another version
   */
  public static DlPackTensor ofVersioned(Device device, long address) {
    var managed = managed(Form.VERSIONED, address);
    int major = managed.get(ValueLayout.JAVA_INT, Form.VERSIONED.at("major"));
    if (major != MAJOR) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the DLPack tensor is of version %d.%d, must be of %d",
              major,
              managed.get(ValueLayout.JAVA_INT, Form.VERSIONED.at("minor")),
              MAJOR));
    }
    if ((managed.get(ValueLayout.JAVA_LONG, Form.VERSIONED.at("flags")) & READ_ONLY) != 0) {
      throw new IllegalArgumentException(
          "the DLPack tensor may only be read, and a buffer may be written: hand over a copy");
    }
    return of(device, Form.VERSIONED, managed);
  }

  private static MemorySegment managed(Form form, long address) {
    if (address == 0) {
      throw new IllegalArgumentException("the address of the DLPack tensor is 0");
    }
    return MemorySegment.ofAddress(address).reinterpret(form.layout.byteSize());
  }

  private static DlPackTensor of(Device device, Form form, MemorySegment managed) {
    var tensor = form.tensor(managed);
    checkDevice(device, integer(tensor, "device_type"), integer(tensor, "device_id"));
    var type = type(tensor);
    var dimensions = integer(tensor, "ndim");
    Arguments.between(dimensions, 0, MOST_DIMENSIONS, "the DLPack tensor's dimensions");
    var shape = dimensions == 0 ? new long[0] : longs(required(tensor, "shape"), dimensions);
    var elements = elements(shape);
    if (elements > 0) {
      checkStrides(shape, pointer(tensor, "strides"));
      required(tensor, "data");
    }
    var data =
        pointer(tensor, "data").address() + tensor.get(ValueLayout.JAVA_LONG, at("byte_offset"));
    var buffer =
        elements == 0
            ? DeviceBuffer.allocate(device, type, 0)
            : DeviceBuffer.wrap(device, type, data, elements);
    return new DlPackTensor(form, managed, shape, buffer, register(buffer));
  }

  /** Makes memory of the CPU known to the host device, unless it is. */
  private static @Nullable PinnedBuffer register(DeviceBuffer buffer) {
    if (buffer.device().kind() != DeviceKind.HOST || buffer.elements() == 0) {
      return null;
    }
    try {
      var memory = MemorySegment.ofAddress(buffer.address()).reinterpret(buffer.bytes());
      return PinnedBuffer.register(buffer.device(), buffer.type(), memory);
    } catch (CudaException e) {
      if (e.code() == Cudart.cudaErrorHostMemoryAlreadyRegistered()) {
        return null;
      }
      buffer.close();
      throw e;
    }
  }

  /**
   * Hands a buffer to another library, which calls the structure's deleter when it does not use the
   * memory any longer. The buffer stays the caller's, who keeps it open until then.
   *
   * @param shape whose product is the number of elements
   * @return the address of a {@code DLManagedTensor}
   * @throws IllegalArgumentException if the shape has another number of elements
   * @throws IllegalStateException if the buffer is closed or read-only, which this structure cannot
   *     tell
   */
  public static long export(DeviceBuffer buffer, long... shape) {
    if (buffer.isReadOnly()) {
      throw new IllegalStateException("only exportVersioned can tell that the buffer is read-only");
    }
    return export(Form.MANAGED, buffer, shape).address();
  }

  /**
   * Hands a buffer to another library, as {@link #export} does; of a read-only one it says so.
   *
   * @return the address of a {@code DLManagedTensorVersioned} of version 1.0
   */
  public static long exportVersioned(DeviceBuffer buffer, long... shape) {
    var managed = export(Form.VERSIONED, buffer, shape);
    managed.set(ValueLayout.JAVA_INT, Form.VERSIONED.at("major"), MAJOR);
    if (buffer.isReadOnly()) {
      managed.set(ValueLayout.JAVA_LONG, Form.VERSIONED.at("flags"), READ_ONLY);
    }
    return managed.address();
  }

  private static MemorySegment export(Form form, DeviceBuffer buffer, long... shape) {
    Arguments.elements(elements(shape), buffer.elements(), "buffer");
    var pointer = buffer.pointer();
    var arena = Arena.ofShared();
    var managed = arena.allocate(form.layout);
    var tensor = form.tensor(managed);
    tensor.set(POINTER, at("data"), pointer);
    tensor.set(ValueLayout.JAVA_INT, at("device_type"), deviceType(buffer.device()));
    tensor.set(ValueLayout.JAVA_INT, at("device_id"), deviceId(buffer.device()));
    tensor.set(ValueLayout.JAVA_INT, at("ndim"), shape.length);
    tensor.set(ValueLayout.JAVA_BYTE, at("code"), (byte) code(buffer.type()));
    tensor.set(ValueLayout.JAVA_BYTE, at("bits"), (byte) (8 * buffer.type().bytes()));
    tensor.set(ValueLayout.JAVA_SHORT, at("lanes"), (short) 1);
    tensor.set(POINTER, at("shape"), arena.allocateFrom(ValueLayout.JAVA_LONG, shape));
    tensor.set(POINTER, at("strides"), arena.allocateFrom(ValueLayout.JAVA_LONG, rowMajor(shape)));
    managed.set(POINTER, form.at("deleter"), Release.STUB);
    EXPORTED.put(managed.address(), arena);
    return managed;
  }

  /** The deleter of what is exported: one function for all, which lives as long as the process. */
  private static final class Release {
    static final MemorySegment STUB = stub();

    private static MemorySegment stub() {
      try {
        var method =
            MethodHandles.lookup()
                .findStatic(
                    Release.class,
                    "release",
                    MethodType.methodType(void.class, MemorySegment.class));
        return Linker.nativeLinker()
            .upcallStub(method, FunctionDescriptor.ofVoid(POINTER), Arena.global());
      } catch (ReflectiveOperationException e) {
        throw new AssertionError(e);
      }
    }

    /** Called by other libraries, from any thread; must not throw. */
    static void release(MemorySegment managed) {
      var arena = EXPORTED.remove(managed.address());
      if (arena != null) {
        arena.close();
      }
    }
  }

  /** Returns the elements, which this keeps; usable until this is closed. */
  public DeviceBuffer buffer() {
    return buffer;
  }

  /** Returns the size of each dimension; none for a single number. */
  public long[] shape() {
    return shape.clone();
  }

  @Override
  protected void release() {
    buffer.close();
    device().synchronize();
    if (registration != null) {
      registration.close();
    }
    var deleter = managed.get(POINTER, form.at("deleter"));
    if (deleter.address() != 0) {
      try {
        DELETER.invokeExact(deleter, managed);
      } catch (Throwable e) {
        throw new AssertionError("a deleter returns nothing and throws nothing", e);
      }
    }
  }

  private static int deviceType(Device device) {
    return device.kind() == DeviceKind.HOST ? CPU : CUDA;
  }

  /** The memory of all host devices is that of the one CPU. */
  private static int deviceId(Device device) {
    return device.kind() == DeviceKind.HOST ? 0 : device.ordinal();
  }

  private static void checkDevice(Device device, int type, int id) {
    if (type != deviceType(device) || id != deviceId(device)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the DLPack tensor is on device %d of type %d, must be on device %d of type %d",
              id,
              type,
              deviceId(device),
              deviceType(device)));
    }
  }

  private static ElementType type(MemorySegment tensor) {
    var code = tensor.get(ValueLayout.JAVA_BYTE, at("code"));
    var bits = Byte.toUnsignedInt(tensor.get(ValueLayout.JAVA_BYTE, at("bits")));
    var lanes = tensor.get(ValueLayout.JAVA_SHORT, at("lanes"));
    for (var type : ElementType.values()) {
      if (code == code(type) && bits == 8 * type.bytes() && lanes == 1) {
        return type;
      }
    }
    throw new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "the DLPack tensor has elements of type code %d, %d bits and %d lanes, must be one of"
                + " %s",
            code,
            bits,
            lanes,
            Arrays.toString(ElementType.values())));
  }

  private static int code(ElementType type) {
    return switch (type) {
      case FLOAT16, FLOAT32, FLOAT64 -> FLOAT;
      case BFLOAT16 -> BFLOAT;
      case INT32, INT64 -> INT;
      case UINT8 -> UINT;
    };
  }

  private static void checkStrides(long[] shape, MemorySegment pointer) {
    if (pointer.address() == 0) {
      return;
    }
    var strides = longs(pointer, shape.length);
    var expected = rowMajor(shape);
    for (int i = 0; i < shape.length; i++) {
      if (shape[i] > 1 && strides[i] != expected[i]) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "the DLPack tensor of shape %s has strides %s, must have %s: rows without gaps",
                Arrays.toString(shape),
                Arrays.toString(strides),
                Arrays.toString(expected)));
      }
    }
  }

  private static long[] rowMajor(long[] shape) {
    var strides = new long[shape.length];
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    return strides;
  }

  private static long elements(long[] shape) {
    long elements = 1;
    for (var size : shape) {
      Arguments.between(size, 0, Long.MAX_VALUE / Math.max(elements, 1), "a dimension's size");
      elements *= size;
    }
    return elements;
  }

  private static long[] longs(MemorySegment pointer, int count) {
    var numbers = new long[count];
    var all = pointer.reinterpret(count * (long) Long.BYTES);
    MemorySegment.copy(all, ValueLayout.JAVA_LONG, 0, numbers, 0, count);
    return numbers;
  }

  private static int integer(MemorySegment tensor, String field) {
    return tensor.get(ValueLayout.JAVA_INT, at(field));
  }

  private static MemorySegment pointer(MemorySegment tensor, String field) {
    return tensor.get(POINTER, at(field));
  }

  /** Where a pointer leads that is NULL, no exception tells of. */
  private static MemorySegment required(MemorySegment tensor, String field) {
    var pointer = pointer(tensor, field);
    if (pointer.address() == 0) {
      throw new IllegalArgumentException("the DLPack tensor's pointer " + field + " is NULL");
    }
    return pointer;
  }

  private static long at(String field) {
    return TENSOR.byteOffset(groupElement(field));
  }

  @Override
  public String toString() {
    return Arrays.toString(shape) + " " + buffer;
  }
}
