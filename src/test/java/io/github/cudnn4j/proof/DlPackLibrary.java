package io.github.cudnn4j.proof;

import io.github.cudnn4j.library.DeviceKind;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import org.bytedeco.javacpp.BytePointer;

/** Another library with one tensor {@code [2, 3]}, its structure written byte by byte. */
final class DlPackLibrary implements AutoCloseable {
  final BytePointer memory = new BytePointer(80);
  private final Arena arena = Arena.ofConfined();
  final MemorySegment structure;
  final MemorySegment shape = arena.allocateFrom(ValueLayout.JAVA_LONG, 2, 3);
  final MemorySegment strides = arena.allocateFrom(ValueLayout.JAVA_LONG, 3, 1);
  int deleted;

  DlPackLibrary(DeviceKind kind, MemorySegment data) {
    this(kind, data, 0, 56);
  }

  /** Of version 1.2, with flags that do not matter. */
  static DlPackLibrary versioned(DeviceKind kind, MemorySegment data) {
    DlPackLibrary library = new DlPackLibrary(kind, data, 32, 16);
    MemorySegment head = DeviceFloats.segment(library.memory);
    head.set(ValueLayout.JAVA_INT, 0, 1);
    head.set(ValueLayout.JAVA_INT, 4, 2);
    head.set(ValueLayout.JAVA_LONG, 24, 6);
    return library;
  }

  private DlPackLibrary(DeviceKind kind, MemorySegment data, long tensorAt, long deleterAt) {
    var zeros = new byte[80];
    MemorySegment.copy(
        zeros, 0, DeviceFloats.segment(memory), ValueLayout.JAVA_BYTE, 0, zeros.length);
    structure = DeviceFloats.segment(memory).asSlice(tensorAt);
    set(ValueLayout.JAVA_INT, 8, kind == DeviceKind.HOST ? 1 : 2);
    set(ValueLayout.JAVA_INT, 16, 2);
    set(ValueLayout.JAVA_BYTE, 20, (byte) 2);
    set(ValueLayout.JAVA_BYTE, 21, (byte) 32);
    structure.set(ValueLayout.JAVA_SHORT, 22, (short) 1);
    structure.set(ValueLayout.ADDRESS, 0, data);
    structure.set(ValueLayout.ADDRESS, 24, shape);
    structure.set(ValueLayout.ADDRESS, 32, strides);
    DeviceFloats.segment(memory).set(ValueLayout.ADDRESS, deleterAt, deleter());
  }

  private MemorySegment deleter() {
    try {
      MethodType type = MethodType.methodType(void.class, MemorySegment.class);
      return Linker.nativeLinker()
          .upcallStub(
              MethodHandles.lookup().bind(this, "delete", type),
              FunctionDescriptor.ofVoid(ValueLayout.ADDRESS),
              arena);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  void delete(MemorySegment tensor) {
    deleted += tensor.address() == address() ? 1 : 100;
  }

  long address() {
    return memory.address();
  }

  void set(ValueLayout.OfInt layout, long offset, int value) {
    structure.set(layout, offset, value);
  }

  void set(ValueLayout.OfByte layout, long offset, byte value) {
    structure.set(layout, offset, value);
  }

  void byteOffset(long bytes) {
    structure.set(ValueLayout.JAVA_LONG, 40, bytes);
  }

  @Override
  public void close() {
    arena.close();
    memory.close();
  }
}
