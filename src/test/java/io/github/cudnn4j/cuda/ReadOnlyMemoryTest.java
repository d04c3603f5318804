package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceShape;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

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

  private static void refuses(String message, Executable action) {
    assertEquals(message, assertThrows(IllegalStateException.class, action).getMessage());
  }

  @Test
  void copiesToItAreRefused() {
    var message = "the buffer is read-only: " + buffer;
    var slice = buffer.slice(1, 2);
    try (var arena = Arena.ofConfined();
        var pinned = PinnedBuffer.allocate(device, ElementType.FLOAT32, 4)) {
      refuses(message, buffer::clear);
      refuses(message, () -> buffer.copyFrom(OTHERS));
      refuses(message, () -> buffer.copyFrom(other));
      refuses(message, () -> buffer.copyFrom(pinned));
      refuses(message, () -> buffer.copyFrom(1, pinned, 2, 1, device.stream()));
      refuses(message, () -> buffer.copyFrom(arena.allocate(16)));
      refuses("the buffer is read-only: " + slice, slice::clear);
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

  @Test
  void onlyAnOwnerPromises() {
    var slice = other.slice(0, 4);
    var wrapped = DeviceBuffer.wrap(device, ElementType.FLOAT32, other.address(), 4);
    for (var borrowed : new DeviceBuffer[] {slice, wrapped}) {
      refuses(
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
  void theHostDeviceRefusesWhateverWrites() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    var apply = device.kernels().get("vector", "apply_f32");
    try (var blas = Blas.create(device.stream());
        var no = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1);
        var fill = device.kernels().get("fill", "fill_f32").overElements(4, buffer, 1f, 4L);
        var write = apply.overElements(4, 0, other, buffer, no, 4L);
        var read = apply.overElements(4, 0, buffer, other, no, 4L);
        var group = Communicator.join(device, Communicator.Id.create(device), 0, 1);
        var rnn = Rnn.create(device, RnnConfig.tanh(2, 2));
        var plan = rnn.inferencePlan(SequenceShape.of(2, 1))) {
      no.clear();
      assertThrows(CudaException.class, fill::run);
      assertThrows(CudaException.class, write::run);
      assertThrows(CudaException.class, () -> blas.axpy(1, other, buffer));
      assertThrows(CudaException.class, () -> blas.scal(2, buffer));
      assertThrows(CudaException.class, () -> blas.nrm2(other, buffer.slice(0, 1)));
      assertThrows(CudaException.class, () -> square(blas, other, buffer));
      assertThrows(CudaException.class, () -> group.allReduce(Reduction.SUM, other, buffer));
      var refusal =
          assertThrows(CudnnException.class, () -> plan.infer(other, buffer, RnnStates.NONE));
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
