package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.testing.LeakCheck;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.LongFunction;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * In everything that this library is for, every native call fails, once or it and all that follow,
 * as SQLite does it: the exception is one of ours, everything that stays alive is what a destroy
 * call named in it was to destroy, and afterwards the same work gives the same result.
 *
 * <p>Some of the calls; {@code -Dcudnn4j.proof.calls=all} lets each of them fail.
 */
@Tag(LeakCheck.LEAVES_OBJECTS)
class EveryCallFailsTest {
  /** How many calls of a scenario fail in the short form. */
  private static final int SOME = 3;

  private static final boolean ALL = "all".equals(System.getProperty("cudnn4j.proof.calls"));

  private static final Map<String, HostCounter> DESTROYED =
      Map.ofEntries(
          Map.entry("cudaFree", HostCounter.DEVICE_BLOCKS),
          Map.entry("cudaFreeHost", HostCounter.PINNED_BLOCKS),
          Map.entry("cudaStreamDestroy", HostCounter.STREAMS),
          Map.entry("cudaEventDestroy", HostCounter.EVENTS),
          Map.entry("cudaGraphDestroy", HostCounter.GRAPHS),
          Map.entry("cudaGraphExecDestroy", HostCounter.GRAPH_EXECS),
          Map.entry("cuModuleUnload", HostCounter.MODULES),
          Map.entry("cublasDestroy_v2", HostCounter.CUBLAS_HANDLES),
          Map.entry("cudnnDestroy", HostCounter.CUDNN_HANDLES),
          Map.entry("nvrtcDestroyProgram", HostCounter.NVRTC_PROGRAMS));

  /** Says each time that a captured step goes on without its graph. */
  private static final Logger LOG = Logger.getLogger("io.github.cudnn4j");

  @TempDir private static Path folder;

  private final HostControl host = HostControl.get();

  @BeforeAll
  static void prepare() throws IOException {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    LOG.setLevel(Level.OFF);
    Scenario.prepare(folder);
  }

  @AfterAll
  static void beHeardAgain() {
    LOG.setLevel(null);
  }

  /** What fails, and on which device. */
  private enum Way {
    /** One call from the opening of the device to its closing. */
    ONCE,
    /** One call and all that follow, until the device is closed. */
    FOR_GOOD,
    /** One call on a device that has done the same before, and goes on. */
    IN_BETWEEN
  }

  private static Stream<Arguments> scenarios() {
    return Scenario.all().stream()
        .flatMap(each -> Arrays.stream(Way.values()).map(way -> Arguments.of(each, way)));
  }

  @ParameterizedTest(name = "{0}, {1}")
  @MethodSource("scenarios")
  void failsCleanly(Scenario scenario, Way way) throws Exception {
    if (way != Way.IN_BETWEEN) {
      failCalls(scenario, k -> run(scenario, k, way == Way.FOR_GOOD));
      return;
    }
    try (var device = Device.open()) {
      scenario.run(device, folder);
      failCalls(scenario, k -> run(scenario, k, device));
    }
  }

  private void failCalls(Scenario scenario, LongFunction<Outcome> run) {
    var before = host.calls();
    var expected = run.apply(0);
    assertNull(expected.failure());
    var calls = host.calls() - before;
    var failed = 0;
    var wrong = new ArrayList<AssertionError>();
    for (var k = 1L; k <= calls; k += ALL ? 1 : calls / SOME + 1) {
      var alive = counted();
      var outcome = run.apply(k);
      failed += outcome.failure() == null ? 0 : 1;
      try {
        check(outcome, expected, alive);
      } catch (AssertionError e) {
        wrong.add(new AssertionError(scenario + ", call " + k + ": " + outcome, e));
      }
    }
    if (!wrong.isEmpty()) {
      wrong.stream().skip(1).limit(9).forEach(wrong.getFirst()::addSuppressed);
      throw wrong.getFirst();
    }
    assertTrue(failed > 0, "no call of " + scenario + " failed");
    assertEquals(expected, run.apply(0));
    if (ALL) {
      System.out.println(scenario + ": " + failed + " of " + calls + " calls failed");
    }
  }

  private void check(Outcome outcome, Outcome expected, Map<HostCounter, Long> alive) {
    var failure = outcome.failure();
    if (failure == null) {
      assertEquals(expected.result(), outcome.result());
    } else {
      check(failure, alive, Collections.newSetFromMap(new IdentityHashMap<>()));
    }
    var found = counted();
    if (!alive.equals(found)) {
      throw new AssertionError("alive: " + found + ", must be " + alive, failure);
    }
  }

  /** Checks a failure with its causes, and counts as alive what it says was not destroyed. */
  private static void check(Throwable failure, Map<HostCounter, Long> alive, Set<Throwable> seen) {
    if (!seen.add(failure)) {
      return;
    }
    var function =
        switch (failure) {
          case CudaException e -> e.function();
          case CudnnException e -> e.function();
          default -> throw new AssertionError("not one of ours", failure);
        };
    var undestroyed =
        function.matches("cudnnDestroy.+")
            ? HostCounter.CUDNN_DESCRIPTORS
            : DESTROYED.get(function);
    if (undestroyed != null) {
      alive.merge(undestroyed, 1L, Long::sum);
    }
    for (var suppressed : failure.getSuppressed()) {
      check(suppressed, alive, seen);
    }
    if (failure.getCause() != null) {
      check(failure.getCause(), alive, seen);
    }
  }

  private record Outcome(@Nullable Object result, @Nullable Throwable failure) {}

  /** Lets the k-th call fail, none for 0; for good until the device is closed, which then works. */
  private Outcome run(Scenario scenario, long k, boolean forGood) {
    if (!forGood) {
      fail(k, false);
    }
    try (var device = Device.open()) {
      if (forGood) {
        fail(k, true);
      }
      try {
        return new Outcome(scenario.run(device, folder), null);
      } finally {
        if (forGood) {
          host.clearFault();
        }
      }
    } catch (Throwable failure) {
      return new Outcome(null, failure);
    } finally {
      host.clearFault();
    }
  }

  private Outcome run(Scenario scenario, long k, Device device) {
    fail(k, false);
    try {
      return new Outcome(scenario.run(device, folder), null);
    } catch (Throwable failure) {
      return new Outcome(null, failure);
    } finally {
      host.clearFault();
    }
  }

  private void fail(long k, boolean forGood) {
    if (k > 0) {
      host.fail(null, k, Cudart.cudaErrorUnknown(), forGood);
    }
  }

  private Map<HostCounter, Long> counted() {
    var counts = new TreeMap<>(host.live());
    // How large the blocks are that could not be freed is not told.
    counts.remove(HostCounter.DEVICE_BYTES);
    counts.remove(HostCounter.PINNED_BYTES);
    return counts;
  }
}
