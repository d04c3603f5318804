package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * The host device's threads under stress. A loop that lost a wake-up would never end, one that ran
 * an index twice or not at all would leave another sum.
 */
class ThreadPoolTest {
  @Test
  void loopsEndWhateverTheThreadsDo() throws IOException, InterruptedException {
    assumeTrue(HostControl.ifHost().isPresent(), "these threads are the host device's");
    var process = JavaProcess.run(Stress.class, JavaProcess.sameProperties(), Map.of());
    assertEquals(0, process.status(), process::errors);
  }

  /** In a process of its own, which can be ended when a loop cannot. */
  static final class Stress {
    private static final int CALLERS = 3;
    private static final int LOOPS = 3000;

    /** Enough for a loop of four indices. */
    private static final int COUNT = 1 << 16;

    private static final long LIMIT_MILLIS = TimeUnit.MINUTES.toMillis(3);

    public static void main(String[] arguments) throws InterruptedException {
      endIfStuck();
      var host = HostControl.ifHost().orElseThrow();
      var failures = new AtomicInteger();
      var callers = new Thread[CALLERS];
      for (int i = 0; i < CALLERS; i++) {
        var random = new Random(i);
        callers[i] = new Thread(() -> failures.addAndGet(addOften(random)));
        callers[i].start();
      }
      // More threads than the processor has cores, and at times none but the caller's.
      var random = new Random(42);
      while (Arrays.stream(callers).anyMatch(Thread::isAlive)) {
        host.threads(random.nextInt(4) == 0 ? 1 : random.nextInt(2, 17));
        Thread.sleep(random.nextInt(10));
      }
      System.exit(failures.get());
    }

    private static void endIfStuck() {
      var watch =
          new Thread(
              () -> {
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LIMIT_MILLIS));
                System.err.println("a loop does not end");
                Runtime.getRuntime().halt(1);
              });
      watch.setDaemon(true);
      watch.start();
    }

    /** Adds 1 to all numbers, waiting each time, and at times so long that the threads sleep. */
    private static int addOften(Random random) {
      try (var arena = Arena.ofConfined()) {
        var out = arena.allocate(ValueLayout.ADDRESS);
        int failures = Cublas.cublasCreate_v2(out);
        var blas = out.get(ValueLayout.ADDRESS, 0);
        var one = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1);
        long bytes = (long) COUNT * Float.BYTES;
        var x = arena.allocate(bytes, Float.BYTES);
        for (int i = 0; i < COUNT; i++) {
          x.setAtIndex(ValueLayout.JAVA_FLOAT, i, 1);
        }
        var ones = copy(out, x, bytes);
        var sums = copy(out, x, bytes);
        for (int i = 0; i < LOOPS && failures == 0; i++) {
          failures |= Cublas.cublasSaxpy_v2(blas, COUNT, one, ones, 1, sums, 1);
          failures |= Cudart.cudaDeviceSynchronize();
          if (random.nextInt(8) == 0) {
            LockSupport.parkNanos(random.nextInt(400_000));
          }
        }
        failures |= Cudart.cudaMemcpy(x, sums, bytes, Cudart.cudaMemcpyDeviceToHost());
        for (int i = 0; i < COUNT && failures == 0; i++) {
          float sum = x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
          if (sum != LOOPS + 1) {
            System.err.println("element " + i + " is " + sum + ", not " + (LOOPS + 1));
            failures = 1;
          }
        }
        return failures;
      }
    }

    private static MemorySegment copy(MemorySegment out, MemorySegment from, long bytes) {
      Cudart.cudaMalloc(out, bytes);
      var block = out.get(ValueLayout.ADDRESS, 0);
      Cudart.cudaMemcpy(block, from, bytes, Cudart.cudaMemcpyHostToDevice());
      return block;
    }
  }
}
