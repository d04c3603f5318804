package io.github.cudnn4j.proof;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DlPackTensor;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.library.DeviceKind;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.bytedeco.javacpp.FloatPointer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Tensors of DLPack, which go from one library to another. */
class DlPackTest {
  private static final float[] VALUES = {1, -2, 3.5f, -4, 5, 6};

  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void aTensorIsTakenOverAndGivenBack() {
    try (var theirs = new DeviceFloats(8);
        var library = new DlPackLibrary(device.kind(), theirs.segment())) {
      library.byteOffset(8);
      try (var tensor = DlPackTensor.of(device, library.address())) {
        assertArrayEquals(new long[] {2, 3}, tensor.shape());
        assertEquals(theirs.address() + 8, tensor.buffer().address());
        tensor.buffer().copyFrom(VALUES);
        device.blas().scal(2, tensor.buffer());
        assertArrayEquals(new float[] {2, -4, 7, -8, 10, 12}, tensor.buffer().toFloats());
        assertEquals(0, library.deleted);
      }
      assertEquals(1, library.deleted);
      var taken = DlPackTensor.of(device, library.address());
      taken.close();
      taken.close();
      assertEquals(2, library.deleted);
      assertThrows(IllegalStateException.class, () -> taken.buffer().toFloats());
    }
  }

  /** On the host device a tensor of the CPU is memory of the device for as long as it is taken. */
  @Test
  void aTensorOfTheCpuIsComputedWithInPlace() {
    assumeTrue(device.kind() == DeviceKind.HOST, "a GPU takes no tensor of the CPU");
    try (var theirs = new FloatPointer(VALUES);
        var library = new DlPackLibrary(device.kind(), DeviceFloats.segment(theirs))) {
      for (int times = 1; times <= 2; times++) {
        try (var tensor = DlPackTensor.of(device, library.address());
            var again = DlPackTensor.of(device, library.address())) {
          device.blas().scal(2, tensor.buffer());
          device.synchronize();
          assertEquals(theirs.address(), again.buffer().address());
          assertEquals(VALUES[5] * (1 << times), theirs.get(5));
        }
        assertEquals(2 * times, library.deleted);
      }
      library.byteOffset(2);
      assertThrows(
          IllegalArgumentException.class, () -> DlPackTensor.of(device, library.address()));
      PinnedBuffer.register(device, ElementType.FLOAT32, DeviceFloats.segment(theirs)).close();
    }
  }

  @Test
  void whatIsNoBufferIsRefused() {
    var host = device.kind() == DeviceKind.HOST;
    var expected = host ? 1 : 2;
    refuses("the address of the DLPack tensor is 0", () -> DlPackTensor.of(device, 0));
    try (var theirs = new DeviceFloats(6)) {
      refused(
          theirs,
          library -> library.set(ValueLayout.JAVA_INT, 8, host ? 2 : 1),
          "the DLPack tensor is on device 0 of type %d, must be on device 0 of type %d"
              .formatted(3 - expected, expected));
      refused(
          theirs,
          library -> library.set(ValueLayout.JAVA_INT, 12, 1),
          "the DLPack tensor is on device 1 of type %d, must be on device 0 of type %d"
              .formatted(expected, expected));
      refused(
          theirs,
          library -> library.set(ValueLayout.JAVA_BYTE, 20, (byte) 5),
          "the DLPack tensor has elements of type code 5, 32 bits and 1 lanes, must be one of"
              + " [FLOAT32, FLOAT64, FLOAT16, BFLOAT16, INT32, INT64, UINT8]");
      refused(
          theirs,
          library -> library.strides.setAtIndex(ValueLayout.JAVA_LONG, 0, 4),
          "the DLPack tensor of shape [2, 3] has strides [4, 1], must have [3, 1]: rows without"
              + " gaps");
      refused(
          theirs,
          library -> library.shape.setAtIndex(ValueLayout.JAVA_LONG, 1, -1),
          "a dimension's size = -1, must be from 0 to " + Long.MAX_VALUE / 2);
      for (int dimensions : new int[] {-1, 65, Integer.MIN_VALUE, Integer.MAX_VALUE}) {
        refused(
            theirs,
            library -> library.set(ValueLayout.JAVA_INT, 16, dimensions),
            "the DLPack tensor's dimensions = " + dimensions + ", must be from 0 to 64");
      }
      // An offset does not make a place of none.
      refused(
          theirs,
          library -> {
            library.structure.set(ValueLayout.ADDRESS, 0, MemorySegment.NULL);
            library.byteOffset(8);
          },
          "the DLPack tensor's pointer data is NULL");
      refused(
          theirs,
          library -> library.structure.set(ValueLayout.ADDRESS, 24, MemorySegment.NULL),
          "the DLPack tensor's pointer shape is NULL");
      refused(
          theirs,
          library -> library.byteOffset(2),
          "address 0x%x, must not be 0 and be a multiple of 4".formatted(theirs.address() + 2));
    }
  }

  private void refused(DeviceFloats theirs, Consumer<DlPackLibrary> change, String message) {
    try (var library = new DlPackLibrary(device.kind(), theirs.segment())) {
      change.accept(library);
      refuses(message, () -> DlPackTensor.of(device, library.address()));
      assertEquals(0, library.deleted);
    }
  }

  @Test
  void aVersionedTensorIsTakenOverUnlessItMayOnlyBeRead() {
    try (var theirs = new DeviceFloats(6);
        var library = DlPackLibrary.versioned(device.kind(), theirs.segment())) {
      MemorySegment head = DeviceFloats.segment(library.memory);
      try (var tensor = DlPackTensor.ofVersioned(device, library.address())) {
        assertArrayEquals(new long[] {2, 3}, tensor.shape());
        tensor.buffer().copyFrom(VALUES);
        assertArrayEquals(VALUES, tensor.buffer().toFloats());
      }
      assertEquals(1, library.deleted);
      head.set(ValueLayout.JAVA_LONG, 24, 1);
      refuses(
          "the DLPack tensor may only be read, and a buffer may be written: hand over a copy",
          () -> DlPackTensor.ofVersioned(device, library.address()));
      head.set(ValueLayout.JAVA_INT, 0, 2);
      refuses(
          "the DLPack tensor is of version 2.2, must be of 1",
          () -> DlPackTensor.ofVersioned(device, library.address()));
      refuses("the address of the DLPack tensor is 0", () -> DlPackTensor.ofVersioned(device, 0));
      assertEquals(1, library.deleted);
    }
  }

  @Test
  void aBufferIsHandedOverAndComesBack() {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 6)) {
      buffer.copyFrom(VALUES);
      for (int times = 0; times < 3; times++) {
        long address = DlPackTensor.export(buffer.slice(2, 4), 2, 1, 2);
        try (var tensor = DlPackTensor.of(device, address)) {
          assertArrayEquals(new long[] {2, 1, 2}, tensor.shape());
          assertArrayEquals(new float[] {3.5f, -4, 5, 6}, tensor.buffer().toFloats());
        }
      }
      long address = DlPackTensor.exportVersioned(buffer.slice(2, 4), 4);
      MemorySegment head = MemorySegment.ofAddress(address).reinterpret(80);
      assertEquals(1, head.get(ValueLayout.JAVA_INT, 0));
      assertEquals(buffer.address() + 8, head.get(ValueLayout.ADDRESS, 32).address());
      try (var tensor = DlPackTensor.ofVersioned(device, address)) {
        assertArrayEquals(new float[] {3.5f, -4, 5, 6}, tensor.buffer().toFloats());
      }
      refuses("the buffer has 6 elements, must be 4", () -> DlPackTensor.export(buffer, 2, 2));
      buffer.setReadOnly();
      long read = DlPackTensor.exportVersioned(buffer, 6);
      assertEquals(
          "the DLPack tensor may only be read, and a buffer may be written: hand over a copy",
          assertThrows(IllegalArgumentException.class, () -> DlPackTensor.ofVersioned(device, read))
              .getMessage());
      assertThrows(IllegalStateException.class, () -> DlPackTensor.export(buffer, 6));
      try (var empty = DeviceBuffer.allocate(device, ElementType.BFLOAT16, 0);
          var tensor = DlPackTensor.of(device, DlPackTensor.export(empty, 3, 0))) {
        assertEquals(ElementType.BFLOAT16, tensor.buffer().type());
        assertEquals(0, tensor.buffer().elements());
      }
    }
  }

  /** The other library frees when and where it likes, and not twice what is gone. */
  @Test
  void whatIsHandedOverIsDeletedOnceByAnyThread() throws Exception {
    long address;
    MemorySegment deleter;
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 6)) {
      address = DlPackTensor.export(buffer, 2, 3);
      deleter = MemorySegment.ofAddress(address).reinterpret(64).get(ValueLayout.ADDRESS, 56);
    }
    MethodHandle delete =
        Linker.nativeLinker()
            .downcallHandle(deleter, FunctionDescriptor.ofVoid(ValueLayout.ADDRESS));
    try (var threads = Executors.newFixedThreadPool(1)) {
      for (int times = 0; times < 2; times++) {
        threads
            .submit(
                () -> {
                  try {
                    delete.invokeExact(MemorySegment.ofAddress(address));
                  } catch (Throwable e) {
                    throw new AssertionError(e);
                  }
                })
            .get();
      }
    }
  }
}
