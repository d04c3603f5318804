package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.DeviceKind;
import io.github.cudnn4j.library.NativeLibraries;
import io.github.cudnn4j.testing.Segments;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.ToIntFunction;

/**
 * cuDNN as a C program calls it: a handle on the default stream, descriptors and device memory, all
 * given back on close. Numbers go in and out as double, whatever the element type.
 */
final class RawCudnn implements AutoCloseable {
  static final DeviceKind KIND = NativeLibraries.load().kind();

  final Arena arena = Arena.ofConfined();
  final MemorySegment handle;

  private final Deque<Runnable> cleanup = new ArrayDeque<>();

  RawCudnn() {
    handle = create(Cudnn::cudnnCreate, Cudnn::cudnnDestroy);
  }

  /** Creates an object that is destroyed on close. */
  MemorySegment create(ToIntFunction<MemorySegment> create, ToIntFunction<MemorySegment> destroy) {
    var out = arena.allocate(NativeTypes.C_POINTER);
    succeed(create.applyAsInt(out));
    var object = out.get(NativeTypes.C_POINTER, 0);
    cleanup.push(() -> succeed(destroy.applyAsInt(object)));
    return object;
  }

  MemorySegment tensor() {
    return create(Cudnn::cudnnCreateTensorDescriptor, Cudnn::cudnnDestroyTensorDescriptor);
  }

  /** A packed row-major tensor. */
  MemorySegment tensor(int type, int... extents) {
    var strides = new int[extents.length];
    int stride = 1;
    for (int d = extents.length - 1; d >= 0; d--) {
      strides[d] = stride;
      stride *= extents[d];
    }
    return tensor(type, extents, strides);
  }

  MemorySegment tensor(int type, int[] extents, int[] strides) {
    var tensor = tensor();
    succeed(
        Cudnn.cudnnSetTensorNdDescriptor(
            tensor, type, extents.length, ints(extents), ints(strides)));
    return tensor;
  }

  MemorySegment ints(int... values) {
    return arena.allocateFrom(ValueLayout.JAVA_INT, values);
  }

  /** One number of an element type in host memory. */
  MemorySegment scalar(int type, double value) {
    var scalar = arena.allocate(Double.BYTES, Double.BYTES);
    put(scalar, type, 0, value);
    return scalar;
  }

  /** Device memory, freed on close. */
  MemorySegment allocate(long bytes) {
    var out = arena.allocate(NativeTypes.C_POINTER);
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaMalloc(out, bytes));
    var memory = MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
    cleanup.push(() -> assertEquals(Cudart.cudaSuccess(), Cudart.cudaFree(memory)));
    return memory;
  }

  MemorySegment upload(int type, double... values) {
    var memory = allocate(bytes(type, values.length));
    write(memory, type, values);
    return memory;
  }

  void write(MemorySegment memory, int type, double... values) {
    long bytes = bytes(type, values.length);
    try (var scratch = Arena.ofConfined()) {
      var host = scratch.allocate(bytes, Double.BYTES);
      for (int i = 0; i < values.length; i++) {
        put(host, type, i, values[i]);
      }
      copy(memory, host, bytes, Cudart.cudaMemcpyHostToDevice());
    }
  }

  double[] read(MemorySegment memory, int type, int count) {
    try (var scratch = Arena.ofConfined()) {
      var host = scratch.allocate(bytes(type, count), Double.BYTES);
      copy(host, memory, bytes(type, count), Cudart.cudaMemcpyDeviceToHost());
      var values = new double[count];
      for (int i = 0; i < count; i++) {
        values[i] = get(host, type, i);
      }
      return values;
    }
  }

  private static void put(MemorySegment host, int type, int index, double value) {
    if (isDouble(type)) {
      host.setAtIndex(ValueLayout.JAVA_DOUBLE, index, value);
    } else if (isNarrow(type)) {
      host.setAtIndex(ValueLayout.JAVA_SHORT, index, narrow(type, (float) value));
    } else {
      host.setAtIndex(ValueLayout.JAVA_FLOAT, index, (float) value);
    }
  }

  static double get(MemorySegment host, int type, int index) {
    if (isDouble(type)) {
      return host.getAtIndex(ValueLayout.JAVA_DOUBLE, index);
    }
    return isNarrow(type)
        ? widen(type, host.getAtIndex(ValueLayout.JAVA_SHORT, index))
        : host.getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  /** A number as it is stored in HALF or BFLOAT16: the nearest, the even one of two. */
  static short narrow(int type, float value) {
    if (type == Cudnn.CUDNN_DATA_HALF()) {
      return Float.floatToFloat16(value);
    }
    int bits = Float.floatToRawIntBits(value);
    return (short)
        ((Float.isNaN(value) ? bits | 0x400000 : bits + 0x7FFF + (bits >>> 16 & 1)) >> 16);
  }

  static float widen(int type, short bits) {
    return type == Cudnn.CUDNN_DATA_HALF()
        ? Float.float16ToFloat(bits)
        : Float.intBitsToFloat(bits << 16);
  }

  /** A number as an element type holds it. */
  static double rounded(int type, double value) {
    if (isDouble(type)) {
      return value;
    }
    return isNarrow(type) ? widen(type, narrow(type, (float) value)) : (float) value;
  }

  byte[] readBytes(MemorySegment memory, long count) {
    try (var scratch = Arena.ofConfined()) {
      var host = scratch.allocate(count);
      copy(host, memory, count, Cudart.cudaMemcpyDeviceToHost());
      return Segments.bytes(host);
    }
  }

  private static void copy(MemorySegment to, MemorySegment from, long bytes, int kind) {
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaMemcpy(to, from, bytes, kind));
  }

  /** The size that a query writes. */
  long size(ToIntFunction<MemorySegment> query) {
    var out = arena.allocate(NativeTypes.C_LONG);
    succeed(query.applyAsInt(out));
    return out.get(NativeTypes.C_LONG, 0);
  }

  static long bytes(int type, long elements) {
    return elements * (isDouble(type) ? Double.BYTES : isNarrow(type) ? Short.BYTES : Float.BYTES);
  }

  static boolean isNarrow(int type) {
    return type == Cudnn.CUDNN_DATA_HALF() || type == Cudnn.CUDNN_DATA_BFLOAT16();
  }

  static boolean isDouble(int type) {
    return type == Cudnn.CUDNN_DATA_DOUBLE();
  }

  static boolean onHost() {
    return KIND == DeviceKind.HOST;
  }

  static void succeed(int status) {
    if (status != Cudnn.CUDNN_STATUS_SUCCESS()) {
      throw new AssertionError(name(status) + ": " + lastError());
    }
  }

  /** Codes within a thousand are one kind of failure; cuDNN documents no more than that. */
  static void assertCategory(int expected, int status) {
    if (status / 1000 != expected / 1000) {
      throw new AssertionError(
          "expected " + name(expected) + ", was " + name(status) + ": " + lastError());
    }
  }

  static String name(int status) {
    return Cudnn.cudnnGetErrorString(status).getString(0);
  }

  /** The calling thread's last error text, which reading clears. */
  static String lastError() {
    try (var scratch = Arena.ofConfined()) {
      var text = scratch.allocate(1024);
      Cudnn.cudnnGetLastErrorString(text, text.byteSize());
      return text.getString(0);
    }
  }

  @Override
  public void close() {
    cleanup.forEach(Runnable::run);
    arena.close();
  }
}
