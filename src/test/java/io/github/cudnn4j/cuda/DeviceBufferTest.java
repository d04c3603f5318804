package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.BFLOAT16;
import static io.github.cudnn4j.cuda.ElementType.FLOAT16;
import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static io.github.cudnn4j.cuda.ElementType.FLOAT64;
import static io.github.cudnn4j.cuda.ElementType.INT32;
import static io.github.cudnn4j.cuda.ElementType.INT64;
import static io.github.cudnn4j.cuda.ElementType.UINT8;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.library.HostControl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Device memory: copies, slices, and what is refused. */
class DeviceBufferTest {
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
  void arraysGoThereAndBack() {
    var random = new Random(1);
    // Larger than the pieces in which arrays are copied, and no multiple of them.
    var n = 700_001;
    var floats = new float[n];
    var doubles = new double[n];
    var ints = random.ints(n).toArray();
    var longs = random.longs(n).toArray();
    var bytes = new byte[n];
    random.nextBytes(bytes);
    for (var i = 0; i < n; i++) {
      floats[i] = random.nextFloat();
      doubles[i] = random.nextDouble();
    }
    try (var f = DeviceBuffer.allocate(device, FLOAT32, n);
        var d = DeviceBuffer.allocate(device, FLOAT64, n);
        var i = DeviceBuffer.allocate(device, INT32, n);
        var l = DeviceBuffer.allocate(device, INT64, n);
        var b = DeviceBuffer.allocate(device, UINT8, n)) {
      f.copyFrom(floats);
      d.copyFrom(doubles);
      i.copyFrom(ints);
      l.copyFrom(longs);
      b.copyFrom(bytes);
      assertArrayEquals(floats, f.toFloats());
      assertArrayEquals(doubles, d.toDoubles());
      assertArrayEquals(ints, i.toInts());
      var longsBack = new long[n];
      l.copyTo(longsBack);
      assertArrayEquals(longs, longsBack);
      var bytesBack = new byte[n];
      b.copyTo(bytesBack);
      assertArrayEquals(bytes, bytesBack);
      assertEquals(4L * n, f.bytes());
      assertEquals(n, f.elements());
      assertEquals(0, f.address() % 256);
    }
  }

  @Test
  void floatsAreRoundedToHalfTypes() {
    var floats = new float[] {1, -0.1f, 2049, 65520, 0x1p-25f, Float.NaN, -0f};
    try (var half = DeviceBuffer.allocate(device, FLOAT16, 7);
        var brain = DeviceBuffer.allocate(device, BFLOAT16, 7)) {
      half.copyFrom(floats);
      brain.copyFrom(floats);
      var infinity = Float.POSITIVE_INFINITY;
      assertArrayEquals(
          new float[] {1, -0.099975586f, 2048, infinity, 0, Float.NaN, -0f}, half.toFloats());
      assertArrayEquals(
          new float[] {1, -0x1.9Ap-4f, 2048, 65536, 0x1p-25f, Float.NaN, -0f}, brain.toFloats());
      var bits = new short[7];
      half.copyTo(MemorySegment.ofArray(bits));
      assertEquals((short) 0x3C00, bits[0]);
      brain.copyTo(MemorySegment.ofArray(bits));
      assertEquals((short) 0x3F80, bits[0]);
      refuses("the array has 2 elements, must be 7", () -> half.copyFrom(new float[2]));
      refuses("the array has 8 elements, must be 7", () -> brain.copyTo(new float[8]));
      assertArrayEquals(
          new double[] {1, -0.099975586f, 2048, infinity, 0, Float.NaN, -0f}, half.toDoubles());
    }
  }

  /** Rounded to the type of the buffer, or widened. */
  @Test
  void doublesAndFloatsAreOfAnyFloatingPointType() {
    double[] numbers = {1.0 / 3, 2049, -1e300};
    try (var doubles = DeviceBuffer.allocate(device, ElementType.FLOAT64, 3);
        var floats = DeviceBuffer.allocate(device, FLOAT32, 3);
        var half = DeviceBuffer.allocate(device, ElementType.FLOAT16, 3);
        var brain = DeviceBuffer.allocate(device, ElementType.BFLOAT16, 3)) {
      doubles.copyFrom(numbers);
      floats.copyFrom(numbers);
      half.copyFrom(numbers);
      brain.copyFrom(numbers);
      double infinity = Double.POSITIVE_INFINITY;
      assertArrayEquals(numbers, doubles.toDoubles());
      assertArrayEquals(new float[] {1f / 3, 2049, (float) -infinity}, doubles.toFloats());
      assertArrayEquals(new double[] {1f / 3, 2049, -infinity}, floats.toDoubles());
      assertArrayEquals(new double[] {0x1.554p-2, 2048, -infinity}, half.toDoubles());
      assertArrayEquals(new double[] {0x1.56p-2, 2048, -infinity}, brain.toDoubles());
      doubles.copyFrom(new float[] {0.1f, 2, 3});
      assertArrayEquals(new double[] {0.1f, 2, 3}, doubles.toDoubles());
      refuses("the array has 2 elements, must be 3", () -> doubles.copyFrom(new float[2]));
      refuses("the array has 4 elements, must be 3", () -> half.copyTo(new double[4]));
    }
  }

  @Test
  void segmentsGoThereAndBack() {
    try (var arena = Arena.ofConfined();
        var buffer = DeviceBuffer.allocate(device, FLOAT16, 3)) {
      var source = arena.allocateFrom(ValueLayout.JAVA_SHORT, new short[] {1, 2, 3});
      buffer.copyFrom(source);
      var target = new short[3];
      buffer.copyTo(MemorySegment.ofArray(target));
      assertArrayEquals(new short[] {1, 2, 3}, target);
      refuses("the segment has 4 bytes, must be 6", () -> buffer.copyFrom(source.asSlice(0, 4)));
      refuses(
          "the target is read-only",
          () -> buffer.copyTo(MemorySegment.ofArray(target).asReadOnly()));
    }
  }

  @Test
  void slicesTouchNothingElse() {
    try (var buffer = DeviceBuffer.allocate(device, INT32, 8)) {
      buffer.copyFrom(new int[] {0, 1, 2, 3, 4, 5, 6, 7});
      var slice = buffer.slice(2, 5).slice(1, 3);
      assertEquals(buffer.address() + 12, slice.address());
      slice.copyFrom(new int[] {30, 40, 50});
      slice.slice(1, 1).clear();
      assertArrayEquals(new int[] {0, 1, 2, 30, 0, 50, 6, 7}, buffer.toInts());
      slice.close();
      assertArrayEquals(new int[] {30, 0, 50}, slice.toInts());
      assertEquals(0, buffer.slice(8, 0).elements());
    }
  }

  @Test
  void slicesStayInside() {
    try (var buffer = DeviceBuffer.allocate(device, INT32, 8)) {
      refuses("slice: offset 5 and length 4 do not fit into 8 elements", () -> buffer.slice(5, 4));
      refuses(
          "slice: offset -1 and length 4 do not fit into 8 elements", () -> buffer.slice(-1, 4));
      refuses(
          "slice: offset 1 and length -4 do not fit into 8 elements", () -> buffer.slice(1, -4));
      refuses(
          "slice: offset 1 and length 9223372036854775807 do not fit into 8 elements",
          () -> buffer.slice(1, Long.MAX_VALUE));
      refuses(
          "slice: offset 9223372036854775807 and length 1 do not fit into 8 elements",
          () -> buffer.slice(Long.MAX_VALUE, 1));
    }
  }

  @Test
  void sizesAreChecked() {
    refuses(
        "elements = -1, must be from 0 to 2305843009213693951",
        () -> DeviceBuffer.allocate(device, FLOAT32, -1));
    refuses(
        "elements = 2305843009213693952, must be from 0 to 2305843009213693951",
        () -> DeviceBuffer.allocate(device, FLOAT32, 1L << 61));
    try (var buffer = DeviceBuffer.allocate(device, FLOAT32, 3)) {
      refuses("the array has 4 elements, must be 3", () -> buffer.copyFrom(new float[4]));
      refuses("the array has 2 elements, must be 3", () -> buffer.copyTo(new float[2]));
      refuses("the array is of type INT32, the buffer of FLOAT32", buffer::toInts);
    }
    try (var integers = DeviceBuffer.allocate(device, ElementType.INT32, 3)) {
      refuses(
          "the array is of type FLOAT64, the buffer of INT32",
          () -> integers.copyFrom(new double[3]));
      refuses("the array is of type FLOAT32, the buffer of INT32", integers::toFloats);
    }
  }

  @Test
  void nothingCanBeAllocated() {
    try (var empty = DeviceBuffer.allocate(device, FLOAT32, 0)) {
      assertEquals(0, empty.address());
      empty.clear();
      empty.copyFrom(new float[0]);
      assertEquals(0, empty.toFloats().length);
      try (var other = DeviceBuffer.allocate(device, FLOAT32, 0)) {
        empty.copyFrom(other);
      }
    }
  }

  @Test
  void addressesOfOthersCanBeWrapped() {
    try (var buffer = DeviceBuffer.allocate(device, FLOAT32, 4)) {
      buffer.copyFrom(new float[] {1, 2, 3, 4});
      var wrapped = DeviceBuffer.wrap(device, FLOAT32, buffer.address() + 4, 2);
      assertArrayEquals(new float[] {2, 3}, wrapped.toFloats());
      wrapped.close();
      assertThrows(IllegalStateException.class, wrapped::toFloats);
      assertArrayEquals(new float[] {1, 2, 3, 4}, buffer.toFloats());
      refuses(
          "address 0x0, must not be 0 and be a multiple of 4",
          () -> DeviceBuffer.wrap(device, FLOAT32, 0, 1));
      refuses(
          "address 0x6, must not be 0 and be a multiple of 4",
          () -> DeviceBuffer.wrap(device, FLOAT32, 6, 1));
    }
  }

  @Test
  void buffersAreCopiedOnTheDevice() {
    try (var a = DeviceBuffer.allocate(device, INT32, 4);
        var b = DeviceBuffer.allocate(device, INT32, 4);
        var stream = Stream.create(device)) {
      a.copyFrom(new int[] {1, 2, 3, 4});
      b.copyFrom(a);
      assertArrayEquals(new int[] {1, 2, 3, 4}, b.toInts());
      b.clear();
      device.synchronize();
      b.slice(0, 2).copyFrom(a.slice(2, 2), stream);
      stream.synchronize();
      assertArrayEquals(new int[] {3, 4, 0, 0}, b.toInts());
      refuses("source and target of a copy overlap", () -> a.slice(0, 2).copyFrom(a.slice(1, 2)));
      refuses("the source has 3 elements, must be 4", () -> a.copyFrom(b.slice(0, 3)));
      try (var f = DeviceBuffer.allocate(device, FLOAT32, 4);
          var other = Device.open();
          var c = DeviceBuffer.allocate(other, INT32, 4)) {
        refuses("the source has type FLOAT32, must be INT32", () -> a.copyFrom(f));
        refuses("the source belongs to another device", () -> a.copyFrom(c));
        refuses("the stream belongs to another device", () -> a.copyFrom(b, other.stream()));
        refuses("the stream belongs to another device", () -> a.clear(other.stream()));
      }
    }
  }

  @Test
  void nothingWorksAfterClose() {
    var buffer = DeviceBuffer.allocate(device, FLOAT32, 2);
    var slice = buffer.slice(0, 1);
    assertSame(buffer.pointer(), buffer.pointer());
    buffer.close();
    buffer.close();
    for (Executable use :
        List.<Executable>of(
            buffer::pointer,
            buffer::clear,
            buffer::toFloats,
            () -> buffer.copyFrom(new float[2]),
            slice::pointer,
            slice::clear)) {
      assertEquals(
          "DeviceBuffer is closed", assertThrows(IllegalStateException.class, use).getMessage());
    }
  }

  @Test
  void tooMuchIsToldWithWhatThereIs() {
    var bytes = 1L << 50;
    var e =
        assertThrows(
            DeviceOutOfMemoryException.class, () -> DeviceBuffer.allocate(device, UINT8, bytes));
    assertEquals(bytes, e.requestedBytes());
    assertTrue(e.freeBytes() > 0);
    assertEquals("cudaMalloc", e.function());
    assertEquals("cudaErrorMemoryAllocation", e.codeName());
    assertTrue(
        e.getMessage()
            .startsWith(
                "cudaMalloc returned 2 cudaErrorMemoryAllocation: 1,125,899,906,842,624 bytes"
                    + " asked, "),
        e::getMessage);
    try (var small = DeviceBuffer.allocate(device, UINT8, 1)) {
      small.clear();
    }
  }

  @Test
  void errorsNameFunctionAndCode() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    try (var buffer = DeviceBuffer.allocate(device, FLOAT32, 2)) {
      HostControl.get().fail("cudaMemsetAsync", 1, Cudart.cudaErrorIllegalAddress(), false);
      var e = assertThrows(CudaException.class, buffer::clear);
      HostControl.get().clearFault();
      assertEquals(Cudart.cudaErrorIllegalAddress(), e.code());
      assertEquals("cudaMemsetAsync", e.function());
      assertEquals("cudaErrorIllegalAddress", e.codeName());
    }
  }

  @Test
  void whatIsMissingIsNamed() {
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 1)) {
      missing("source", () -> buffer.copyFrom((float[]) null));
      missing("source", () -> buffer.copyFrom((double[]) null));
      missing("source", () -> buffer.copyFrom((int[]) null));
      missing("source", () -> buffer.copyFrom((long[]) null));
      missing("source", () -> buffer.copyFrom((byte[]) null));
      missing("source", () -> buffer.copyFrom((MemorySegment) null));
      missing("target", () -> buffer.copyTo((float[]) null));
      missing("target", () -> buffer.copyTo((double[]) null));
      missing("target", () -> buffer.copyTo((int[]) null));
      missing("target", () -> buffer.copyTo((long[]) null));
      missing("target", () -> buffer.copyTo((byte[]) null));
      missing("target", () -> buffer.copyTo((MemorySegment) null));
    }
  }

  private static void missing(String name, Executable action) {
    assertEquals(name, assertThrows(NullPointerException.class, action).getMessage());
  }
}
