package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.SequenceBatch;
import io.github.cudnn4j.rnn.SequenceShape;
import io.github.cudnn4j.testing.LeakCheck;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * As SQLite tests its memory: every native call of an operation fails once, and each time there is
 * a clean exception, the device can still be used, and nothing is left when it is closed.
 */
@Tag(LeakCheck.LEAVES_OBJECTS)
@Tag(LeakCheck.LEAVES_TO_DEVICE)
class FailureTest {
  private HostControl host;

  @BeforeEach
  void needsTheHostDevice() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    host = HostControl.get();
  }

  @AfterEach
  void clearFault() {
    if (host != null) {
      host.clearFault();
    }
  }

  private void failsCleanlyAtEveryCall(int atLeast, Consumer<Device> operation) {
    var before = host.live();
    var failures = 0;
    for (var k = 1; ; k++) {
      assertTrue(k < 1000, "the operation never succeeds");
      String failed;
      try (var device = Device.open()) {
        host.fail(null, k, Cudart.cudaErrorUnknown(), false);
        try {
          operation.accept(device);
          failed = null;
        } catch (CudaException e) {
          failed = e.function();
          assertEquals(Cudart.cudaErrorUnknown(), e.code());
        } finally {
          host.clearFault();
        }
        operation.accept(device);
      }
      if (failed == null) {
        break;
      }
      failures++;
      // A function that is made to fail does nothing: what it was to destroy stays, of necessity.
      if (failed.matches(".*(Destroy|Free|Unload).*")) {
        before = host.live();
      }
      assertEquals(before, host.live(), "call " + k + ", " + failed);
    }
    assertTrue(failures >= atLeast, failures + " calls failed");
  }

  @Test
  void linearAlgebra() {
    failsCleanlyAtEveryCall(
        6,
        device -> {
          try (var blas = Blas.create(device.stream())) {
            blas.precision(Precision.FP32);
          }
        });
  }

  @Test
  void kernels() {
    failsCleanlyAtEveryCall(8, device -> device.kernels().get("fill", "fill_f32"));
  }

  @Test
  void copies() {
    failsCleanlyAtEveryCall(
        6,
        device -> {
          try (var buffer = DeviceBuffer.allocate(device, ElementType.INT32, 3)) {
            buffer.copyFrom(new int[3]);
            buffer.toInts();
          }
        });
  }

  @Test
  void capture() {
    failsCleanlyAtEveryCall(
        6,
        device -> {
          try (var buffer = DeviceBuffer.allocate(device, ElementType.INT32, 3);
              var graph = device.stream().capture(buffer::clear)) {
            graph.launch();
          }
        });
  }

  /** The work fails, then whatever is to end the capture, until it is the next device's turn. */
  @Test
  void aCaptureThatCannotBeEnded() {
    var before = host.live();
    try (var device = Device.open();
        var buffer = DeviceBuffer.allocate(device, ElementType.INT32, 3)) {
      var stream = device.stream();
      for (Consumer<Device> next :
          List.<Consumer<Device>>of(
              x -> buffer.clear(),
              x -> stream.synchronize(),
              x -> stream.capture(buffer::clear).close(),
              x -> device.handOver(Thread.currentThread()),
              x -> Device.open().close(),
              x -> DeviceBuffer.allocate(x, ElementType.INT32, 3).close(),
              Device::blas)) {
        try (var other = Device.open()) {
          Runnable work =
              () -> {
                host.fail(null, 1, Cudart.cudaErrorUnknown(), true);
                buffer.clear();
              };
          var e = assertThrows(CudaException.class, () -> stream.capture(work));
          assertEquals("cudaMemsetAsync", e.function());
          assertEquals("cudaStreamEndCapture", ((CudaException) e.getSuppressed()[0]).function());
          assertThrows(CudaException.class, () -> next.accept(other));
          assertThrows(CudaException.class, other::close);
          assertTrue(other.isOpen());
          host.clearFault();
          next.accept(other);
        }
      }
      buffer.copyFrom(new int[] {1, 2, 3});
      assertArrayEquals(new int[] {1, 2, 3}, buffer.toInts());
    }
    assertEquals(before, host.live());
  }

  /** Everything that owns something native, with work of it queued, where memory has run out. */
  @Test
  void closingNeedsNoMemory() {
    var before = host.live();
    var device = Device.open();
    var blas = device.blas();
    var stream = Stream.create(device);
    var event = Event.create(device);
    var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 64);
    var pinned = PinnedBuffer.allocate(device, ElementType.FLOAT32, 64);
    var fill = device.kernels().get("fill", "fill_f32").overElements(64, buffer, 1f, 64L);
    var rnn = Rnn.create(device, RnnConfig.lstm(4, 4).layers(2).dropout(0.5, 1));
    var plan = rnn.plan(SequenceShape.of(3, 2));
    var batch = SequenceBatch.create(rnn, RnnDataLayout.SEQ_MAJOR_UNPACKED, 3, 3, 2);
    buffer.clear();
    var graph = device.stream().capture(() -> blas.scal(2, buffer));
    buffer.clear(stream);
    stream.record(event);
    device.stream().waitFor(event);
    fill.run();
    graph.launch();
    buffer.copyTo(pinned);
    host.fail("memory", 1, 1, true);
    for (AutoCloseable each :
        List.of(graph, batch, plan, rnn, pinned, buffer, event, stream, device)) {
      assertDoesNotThrow(each::close);
    }
    host.clearFault();
    assertEquals(before, host.live());
  }

  /** What a product packs its operands into, which is reserved while it runs. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT16"})
  void memoryOfAProduct(ElementType type) {
    var size = 128;
    var ones = new float[size * size];
    Arrays.fill(ones, 1);
    try (var device = Device.open();
        var a = DeviceBuffer.allocate(device, type, ones.length);
        var c = DeviceBuffer.allocate(device, type, ones.length)) {
      a.copyFrom(ones);
      Runnable product = () -> device.blas().gemm(true, false, size, size, size, 1, a, a, 0, c);
      product.run();
      var expected = c.toFloats();
      try (var graph = device.stream().capture(product)) {
        for (Runnable way : List.of(product, graph::launch)) {
          var failures = 0;
          while (runsOutOfMemory(failures + 1, way, c)) {
            way.run();
            assertArrayEquals(expected, c.toFloats());
            failures++;
          }
          assertTrue(failures >= 2, failures + " reservations failed");
        }
      }
    }
  }

  private boolean runsOutOfMemory(int k, Runnable work, DeviceBuffer result) {
    host.fail("memory", k, 1, false);
    try {
      work.run();
      result.toFloats();
      return false;
    } catch (CudaException e) {
      // The call's own library tells it, or later the runtime.
      var own = e.function().startsWith("cublas");
      assertEquals(
          own ? Cublas.CUBLAS_STATUS_ALLOC_FAILED() : Cudart.cudaErrorMemoryAllocation(), e.code());
      return true;
    } finally {
      host.clearFault();
    }
  }

  @Test
  void closingReportsWhatFails() {
    var before = host.live();
    var device = Device.open();
    device.blas();
    host.fail("cuDevicePrimaryCtxRelease_v2", 1, Cudart.cudaErrorUnknown(), false);
    var e = assertThrows(CudaException.class, device::close);
    host.clearFault();
    assertEquals("cuDevicePrimaryCtxRelease_v2", e.function());
    device.close();
    assertEquals(before, host.live());
  }
}
