package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static io.github.cudnn4j.cuda.ElementType.INT32;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.testing.LeakCheck;
import io.github.cudnn4j.testing.Segments;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandles;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Host memory that copies are queued from and to. */
@Tag(LeakCheck.LEAVES_TO_DEVICE)
class PinnedBufferTest {
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  private PinnedBuffer pinned(int... values) {
    var buffer = PinnedBuffer.allocate(device, INT32, values.length);
    for (var i = 0; i < values.length; i++) {
      buffer.segment().setAtIndex(JAVA_INT, i, values[i]);
    }
    return buffer;
  }

  @Test
  void copiesAreQueued() {
    try (var source = pinned(1, 2, 3);
        var target = pinned(0, 0, 0);
        var buffer = DeviceBuffer.allocate(device, INT32, 3)) {
      buffer.copyFrom(source);
      buffer.copyTo(target);
      device.stream().synchronize();
      assertArrayEquals(new int[] {1, 2, 3}, Segments.ints(target.segment()));
      assertEquals(12, target.bytes());
      assertEquals(3, target.elements());
    }
  }

  private static int compare(MemorySegment a, MemorySegment b) {
    whileHeld.run();
    return 0;
  }

  private static Runnable whileHeld = () -> {};

  /** Calls back while a native function has the memory. */
  private static void hold(MemorySegment memory, Runnable action) throws Throwable {
    var linker = Linker.nativeLinker();
    var type = FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS);
    var compare =
        MethodHandles.lookup().findStatic(PinnedBufferTest.class, "compare", type.toMethodType());
    var sort =
        linker.downcallHandle(
            linker.defaultLookup().find("qsort").orElseThrow(),
            FunctionDescriptor.ofVoid(ADDRESS, JAVA_LONG, JAVA_LONG, ADDRESS));
    whileHeld = action;
    try (var arena = Arena.ofConfined()) {
      sort.invoke(memory, 2L, 4L, linker.upcallStub(compare, type, arena));
    }
  }

  private void refusesToClose(AutoCloseable resource) {
    var e = assertThrows(IllegalStateException.class, resource::close);
    assertEquals("the memory of a PinnedBuffer is in use", e.getMessage());
  }

  @Test
  void memoryInUseIsNotClosed() throws Throwable {
    var buffer = pinned(1, 2);
    hold(
        buffer.segment(),
        () -> {
          refusesToClose(buffer);
          assertTrue(buffer.isOpen());
        });
    assertArrayEquals(new int[] {1, 2}, Segments.ints(buffer.segment()));
    buffer.close();
    assertFalse(buffer.isOpen());
  }

  @Test
  void aDeviceClosesEverythingButMemoryInUse() throws Throwable {
    var buffer = pinned(1, 2);
    var memory = MemorySegment.ofAddress(buffer.segment().address());
    var other = DeviceBuffer.allocate(device, INT32, 2);
    hold(buffer.segment(), () -> refusesToClose(device));
    assertFalse(device.isOpen());
    assertFalse(buffer.isOpen());
    assertEquals("2 INT32 at 0x%x (closed)".formatted(other.address()), other.toString());
    // On a GPU it went away with the context.
    Cudart.cudaFreeHost(memory);
    CudaException.forgetLastError();
  }

  @Test
  void partsCanBeCopied() {
    try (var source = pinned(1, 2, 3);
        var target = pinned(-1, -1, -1);
        var stream = Stream.create(device);
        var buffer = DeviceBuffer.allocate(device, INT32, 5)) {
      buffer.clear(stream);
      buffer.copyFrom(2, source, 1, 2, stream);
      buffer.copyTo(3, target, 0, 1, stream);
      stream.synchronize();
      assertArrayEquals(new int[] {3, -1, -1}, Segments.ints(target.segment()));
      assertArrayEquals(new int[] {0, 0, 2, 3, 0}, buffer.toInts());
      var e =
          assertThrows(
              IllegalArgumentException.class, () -> buffer.copyFrom(0, source, 2, 2, stream));
      assertEquals(
          "pinned buffer: offset 2 and length 2 do not fit into 3 elements", e.getMessage());
      e =
          assertThrows(
              IllegalArgumentException.class, () -> buffer.copyTo(4, target, 0, 2, stream));
      assertEquals(
          "device buffer: offset 4 and length 2 do not fit into 5 elements", e.getMessage());
    }
  }

  @Test
  void closingWaitsForQueuedCopies() {
    try (var buffer = DeviceBuffer.allocate(device, INT32, 3)) {
      try (var source = pinned(1, 2, 3)) {
        buffer.copyFrom(source);
      }
      assertArrayEquals(new int[] {1, 2, 3}, buffer.toInts());
    }
  }

  @Test
  void theSegmentDiesWithIt() {
    var buffer = pinned(1);
    var segment = buffer.segment();
    buffer.close();
    buffer.close();
    assertThrows(IllegalStateException.class, () -> segment.get(JAVA_INT, 0));
    assertEquals(
        "PinnedBuffer is closed",
        assertThrows(IllegalStateException.class, buffer::segment).getMessage());
  }

  @Test
  void misfitsAreRefused() {
    try (var source = pinned(1, 2);
        var buffer = DeviceBuffer.allocate(device, FLOAT32, 2)) {
      var e = assertThrows(IllegalArgumentException.class, () -> buffer.copyFrom(source));
      assertEquals("the pinned buffer has type INT32, must be FLOAT32", e.getMessage());
      e = assertThrows(IllegalArgumentException.class, () -> buffer.slice(0, 1).copyTo(source));
      assertEquals("the target has 2 elements, must be 1", e.getMessage());
      e =
          assertThrows(
              IllegalArgumentException.class, () -> PinnedBuffer.allocate(device, INT32, 0));
      assertEquals("elements = 0, must be from 1 to 2305843009213693951", e.getMessage());
    }
  }

  @Test
  void onlyRegisteredMemoryIsWrapped() {
    try (var source = pinned(1, 2)) {
      var e = assertThrows(IllegalArgumentException.class, () -> DeviceBuffer.wrap(source));
      assertEquals(
          "the pinned buffer was allocated, only a registered one can be wrapped", e.getMessage());
    }
  }

  @Test
  void registeredMemoryThatIsClosedIsNotTouched() {
    var arena = Arena.ofConfined();
    try (var pinned =
            PinnedBuffer.register(device, ElementType.FLOAT32, arena.allocate(4096, 4096));
        var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 1024)) {
      arena.close();
      assertThrows(IllegalStateException.class, pinned::segment);
      assertThrows(IllegalStateException.class, () -> buffer.copyFrom(pinned));
    }
  }

  @Test
  void memoryThatIsReadOnlyOrRegisteredIsRefusedInWords() {
    try (var arena = Arena.ofShared()) {
      var memory = arena.allocate(4096, 4096);
      var e =
          assertThrows(
              IllegalArgumentException.class,
              () -> PinnedBuffer.register(device, ElementType.FLOAT32, memory.asReadOnly()));
      assertEquals("the memory is read-only, which a device does not heed", e.getMessage());
      try (var _ = PinnedBuffer.register(device, ElementType.FLOAT32, memory)) {
        var again =
            assertThrows(
                CudaException.class,
                () -> PinnedBuffer.register(device, ElementType.FLOAT32, memory));
        assertTrue(
            again.getMessage().contains("cudaErrorHostMemoryAlreadyRegistered"),
            again.getMessage());
      }
    }
  }
}
