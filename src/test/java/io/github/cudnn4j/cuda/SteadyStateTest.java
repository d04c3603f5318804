package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** What a training step does every time allocates nothing on the Java heap. */
class SteadyStateTest {
  private static final int STEPS = 2_000;
  private static final int ROUNDS = 50;

  @Test
  void queuedWorkAllocatesNothing() {
    try (var device = Device.open();
        var x = DeviceBuffer.allocate(device, FLOAT32, 16);
        var y = DeviceBuffer.allocate(device, FLOAT32, 16);
        var norm = DeviceBuffer.allocate(device, FLOAT32, 1);
        var pinned = PinnedBuffer.allocate(device, FLOAT32, 16);
        var event = Event.create(device);
        var fill = device.kernels().get("fill", "fill_f32").overElements(16, x, 1f, 16L)) {
      var blas = device.blas();
      var stream = device.stream();
      blas.scal(2, x);
      blas.nrm2(x, norm);
      blas.axpy(1, x, y);
      try (var graph = stream.capture(() -> blas.axpy(1, x, y))) {
        Runnable step =
            () -> {
              y.clear();
              y.copyFrom(pinned);
              fill.set(1, 2f).run();
              y.copyFrom(x);
              blas.gemm(false, true, 4, 4, 4, 1, x, x, 0, y);
              blas.axpy(1, x, y);
              blas.nrm2(y, norm);
              y.copyTo(pinned);
              stream.record(event);
              graph.launch();
              event.synchronize();
            };
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var allocated = -1L;
        // The interpreter allocates where compiled code does not: wait for the compiler.
        for (var round = 0; round < ROUNDS && allocated != 0; round++) {
          var before = threads.getCurrentThreadAllocatedBytes();
          for (var i = 0; i < STEPS; i++) {
            step.run();
          }
          allocated = threads.getCurrentThreadAllocatedBytes() - before;
        }
        assertEquals(0, allocated, "bytes in " + STEPS + " steps");
      }
    }
  }
}
