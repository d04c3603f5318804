package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static io.github.cudnn4j.cuda.ElementType.INT32;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.testing.Segments;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Host memory that copies are queued from and to. */
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
}
