package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.testing.Refusals.refusesNow;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceShape;
import io.github.cudnn4j.testing.Closeness;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Memory that was promised to stay as it is, does. */
class ReadOnlyMemoryTest {
  private static final float[] VALUES = {1, -2, 3.5f, 4};
  private static final float[] OTHERS = {5, 6, 7, 8};

  private Device device;
  private DeviceBuffer buffer;
  private DeviceBuffer other;

  @BeforeEach
  void open() {
    device = Device.open();
    buffer = buffer(VALUES);
    other = buffer(OTHERS);
    buffer.setReadOnly();
  }

  @AfterEach
  void close() {
    assertArrayEquals(VALUES, buffer.toFloats());
    buffer.close();
    other.close();
    device.close();
  }

  private DeviceBuffer buffer(float... values) {
    var made = DeviceBuffer.allocate(device, ElementType.FLOAT32, values.length);
    made.copyFrom(values);
    return made;
  }

  @Test
  void copiesToItAreRefused() {
    var message = "the buffer is read-only: " + buffer;
    var slice = buffer.slice(1, 2);
    try (var arena = Arena.ofConfined();
        var pinned = PinnedBuffer.allocate(device, ElementType.FLOAT32, 4)) {
      refusesNow(message, buffer::clear);
      refusesNow(message, () -> buffer.copyFrom(OTHERS));
      refusesNow(message, () -> buffer.copyFrom(other));
      refusesNow(message, () -> buffer.copyFrom(pinned));
      refusesNow(message, () -> buffer.copyFrom(1, pinned, 2, 1, device.stream()));
      refusesNow(message, () -> buffer.copyFrom(arena.allocate(16)));
      refusesNow("the buffer is read-only: " + slice, slice::clear);
      assertTrue(slice.isReadOnly());
      buffer.copyTo(pinned);
      other.copyFrom(buffer);
      device.synchronize();
      assertEquals(-2, pinned.segment().getAtIndex(ValueLayout.JAVA_FLOAT, 1));
      assertArrayEquals(VALUES, other.toFloats());
      assertFalse(other.isReadOnly());
    }
  }

  @Test
  void workThatIsQueuedIsDoneBefore() {
    try (var late = buffer(VALUES)) {
      late.copyFrom(other);
      late.setReadOnly();
      late.setReadOnly();
      assertArrayEquals(OTHERS, late.toFloats());
    }
  }

  /** An exception of C++ would end the JVM. */
  @Test
  void theHostDeviceNeedsNoMemoryForIt() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    var host = HostControl.get();
    device.synchronize();
    host.fail("memory", 1, 1, true);
    try {
      other.setReadOnly();
    } finally {
      host.clearFault();
    }
    assertTrue(other.isReadOnly());
  }

  @Test
  void onlyAnOwnerPromises() {
    var slice = other.slice(0, 4);
    var wrapped = DeviceBuffer.wrap(device, ElementType.FLOAT32, other.address(), 4);
    for (var borrowed : new DeviceBuffer[] {slice, wrapped}) {
      refusesNow(
          "only a buffer that owns its memory can be made read-only, not " + borrowed,
          borrowed::setReadOnly);
    }
    wrapped.close();
    try (var none = DeviceBuffer.allocate(device, ElementType.FLOAT32, 0)) {
      none.setReadOnly();
      assertTrue(none.isReadOnly());
    }
    var closed = buffer(VALUES);
    closed.close();
    assertThrows(IllegalStateException.class, closed::setReadOnly);
    other.copyFrom(VALUES);
  }

  /** The promise ends with the buffer, whatever gets its place. */
  @Test
  void memoryThatTakesItsPlaceCanBeWritten() {
    for (int times = 0; times < 10; times++) {
      try (var next = buffer(OTHERS)) {
        assertFalse(next.isReadOnly());
        next.clear();
        assertArrayEquals(new float[4], next.toFloats());
        next.setReadOnly();
      }
    }
  }

  @Test
  void whatWritesThereIsRefused() {
    var message = "the buffer is read-only: " + buffer;
    var part = buffer.slice(0, 1);
    var vector = buffer.slice(0, 2);
    try (var blas = Blas.create(device.stream());
        var fill = device.kernels().get("fill", "fill_f32").overElements(4, buffer, 1f, 4L);
        var group = Communicator.join(device, Communicator.Id.create(device), 0, 1)) {
      refusesNow(message, fill::run);
      refusesNow(message, () -> blas.axpy(1, other, buffer));
      refusesNow(message, () -> blas.scal(2, buffer));
      refusesNow("the buffer is read-only: " + part, () -> blas.nrm2(other, part));
      refusesNow("the buffer is read-only: " + part, () -> blas.asum(other, part));
      refusesNow("the buffer is read-only: " + part, () -> blas.dot(other, other, part));
      refusesNow(message, () -> square(blas, other, buffer));
      refusesNow(
          "the buffer is read-only: " + vector,
          () -> blas.gemv(false, 2, 2, 1, other, other.slice(0, 2), 0, vector));
      refusesNow(message, () -> group.allReduce(Reduction.SUM, other, buffer));
      refusesNow(message, () -> group.broadcast(0, buffer));
    }
  }

  /** One that Java does not know to be read-only: the memory behind an address. */
  @Test
  void theHostDeviceRefusesWhateverWrites() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    var apply = device.kernels().get("vector", "apply_f32");
    var scatter = device.kernels().get("sequence", "scatter_rows_4");
    try (var blas = Blas.create(device.stream());
        var no = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1);
        var behind = DeviceBuffer.wrap(device, ElementType.FLOAT32, buffer.address(), 4);
        var fill = device.kernels().get("fill", "fill_f32").overElements(4, behind, 1f, 4L);
        var write = apply.overElements(4, 0, other, behind, no, 4L);
        var read = apply.overElements(4, 0, buffer, other, no, 4L);
        var places = DeviceBuffer.allocate(device, ElementType.INT32, 2);
        var move = scatter.overRows(2, places, other, behind, 2, 2);
        var group = Communicator.join(device, Communicator.Id.create(device), 0, 1);
        var rnn = Rnn.create(device, RnnConfig.tanh(2, 2));
        var plan = rnn.inferencePlan(SequenceShape.of(2, 1))) {
      no.clear();
      places.copyFrom(new int[] {1, 0});
      var fault = assertThrows(CudaException.class, fill::run);
      assertTrue(fault.getMessage().endsWith("write to read-only memory"), fault::getMessage);
      assertThrows(CudaException.class, write::run);
      assertThrows(CudaException.class, move::run);
      assertThrows(CudaException.class, () -> blas.axpy(1, other, behind));
      assertThrows(CudaException.class, () -> blas.scal(2, behind));
      assertThrows(CudaException.class, () -> blas.nrm2(other, behind.slice(0, 1)));
      assertThrows(CudaException.class, () -> square(blas, other, behind));
      assertThrows(CudaException.class, () -> group.allReduce(Reduction.SUM, other, behind));
      var refusal =
          assertThrows(CudnnException.class, () -> plan.infer(other, behind, RnnStates.NONE));
      assertTrue(refusal.getMessage().contains("y is in a read-only block"), refusal::getMessage);

      read.run();
      blas.axpy(1, buffer, other);
      blas.nrm2(buffer, other.slice(0, 1));
      square(blas, buffer, other);
      group.allReduce(Reduction.SUM, buffer, other);
      plan.infer(buffer, other, RnnStates.NONE);
      device.synchronize();
    }
  }

  /**
   * The last two have rows that do not follow each other, and a matrix that is not packed whole.
   */
  @ParameterizedTest
  @CsvSource({
    "1, 40, 40, false, 40",
    "1, 700, 600, true, 600",
    "24, 70, 90, true, 90",
    "25, 33, 513, false, 33",
    "130, 50, 50, true, 50",
    "130, 50, 50, false, 50",
    "7, 30, 20, true, 24",
    "7, 30, 20, false, 36",
  })
  void productsComputeTheSame(int m, int n, int k, boolean transposed, int ld) {
    int size = (transposed ? n : k) * ld;
    try (var blas = Blas.create(device.stream());
        var a = random(1, Math.max(m * k, n));
        var b = random(2, size);
        var c = random(3, m * n)) {
      float[] before = c.toFloats();
      for (double[] factors : new double[][] {{1, 0}, {1, 1}, {1, 0.5}, {2, 0}}) {
        for (boolean transA : new boolean[] {false, true}) {
          var runs = new double[3][];
          for (int run = 0; run < runs.length; run++) {
            try (var right = DeviceBuffer.allocate(device, ElementType.FLOAT32, size)) {
              right.copyFrom(b);
              c.copyFrom(before);
              if (run > 0) {
                right.setReadOnly();
              }
              if (run > 1) {
                // The same matrix, transposed; and one that begins at the same place.
                try (var other = random(4, Math.max(k, n))) {
                  int dense = transposed ? k : n;
                  blas.gemm(false, !transposed, 1, k, n, 1, a, n, right, ld, 0, other, k);
                  blas.gemm(false, transposed, 1, n, k, 1, a, k, right, dense, 0, other, n);
                }
              }
              for (int times = 0; times < 2; times++) {
                blas.gemm(
                    transA,
                    transposed,
                    m,
                    n,
                    k,
                    factors[0],
                    a,
                    transA ? m : k,
                    right,
                    ld,
                    factors[1],
                    c,
                    n);
              }
              runs[run] = c.toDoubles();
            }
          }
          Closeness.within(1e-4).check("the first", runs[0], runs[1]);
          Closeness.within(1e-4).check("after another", runs[0], runs[2]);
        }
      }
    }
  }

  private DeviceBuffer random(int seed, int elements) {
    var made = DeviceBuffer.allocate(device, ElementType.FLOAT32, elements);
    made.copyFrom(new SplittableRandom(seed).doubles(elements, -1, 1).toArray());
    return made;
  }

  /** What is written behind its back is seen where there was no room for a matrix. */
  @Test
  void theHostDeviceKeepsNoMoreThanThreeTimesAsMuch() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    try (var blas = Blas.create(device.stream());
        var matrix = random(1, 64 * 64)) {
      matrix.setReadOnly();
      double[] before = products(blas, matrix);
      zeroBehindItsBack(matrix);
      double[] after = products(blas, matrix);
      for (int i = 0; i < before.length; i++) {
        assertNotEquals(0, before[i]);
        assertEquals(i < 3 ? before[i] : 0, after[i], "product " + i);
      }
    }
  }

  /** However small a matrix is, the memory that is packed for it is not. */
  @Test
  void theHostDeviceKeepsNoMoreOfManySmallMatrices() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    int smallest = 256;
    try (var blas = Blas.create(device.stream());
        var numbers = random(1, 1024);
        var one = buffer(1);
        var product = buffer(0)) {
      numbers.setReadOnly();
      int kept = 0;
      for (boolean written : new boolean[] {false, true}) {
        for (int i = 0; i < 100; i++) {
          blas.gemm(false, false, 1, 1, 1, 1, one, numbers.slice(i, 1), 0, product);
          boolean zero = product.toFloats()[0] == 0;
          kept += written && !zero ? 1 : 0;
        }
        zeroBehindItsBack(numbers);
      }
      assertEquals(3 * numbers.bytes() / smallest, kept);
    }
  }

  private static void zeroBehindItsBack(DeviceBuffer buffer) {
    var memory = MemorySegment.ofAddress(buffer.address()).reinterpret(buffer.bytes());
    for (int i = 0; i < buffer.elements(); i++) {
      memory.setAtIndex(ValueLayout.JAVA_FLOAT, i, 0);
    }
  }

  /** One element of each product with a matrix [64, 64], [64, 63], ..., which begin together. */
  private double[] products(Blas blas, DeviceBuffer matrix) {
    var products = new double[5];
    try (var row = random(2, 64);
        var product = random(3, 64)) {
      for (int i = 0; i < products.length; i++) {
        blas.gemm(false, false, 1, 64 - i, 64, 1, row, matrix, 0, product);
        products[i] = product.toDoubles()[0];
      }
    }
    return products;
  }

  private static void square(Blas blas, DeviceBuffer in, DeviceBuffer out) {
    blas.gemm(false, false, 2, 2, 2, 1, in, in, 0, out);
  }

  @Test
  void theHostDeviceRefusesAGraphFromBefore() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    try (var late = buffer(VALUES);
        var clearing = device.stream().capture(late::clear);
        var copying = device.stream().capture(() -> other.copyFrom(late))) {
      late.setReadOnly();
      assertThrows(
          CudaException.class,
          () -> {
            clearing.launch();
            device.synchronize();
          });
      copying.launch();
      assertArrayEquals(VALUES, late.toFloats());
      assertArrayEquals(VALUES, other.toFloats());
    }
  }
}
