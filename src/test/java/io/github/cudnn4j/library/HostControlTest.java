package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The host device counts, fails and changes its ways as it is told. */
class HostControlTest {
  private HostControl host;

  @BeforeEach
  void needsTheHostDevice() {
    assumeTrue(HostControl.ifHost().isPresent(), "this process uses CUDA");
    host = HostControl.get();
  }

  @AfterEach
  void clearFault() {
    if (host != null) {
      host.clearFault();
    }
  }

  @Test
  void countsWhatIsAliveAndCalled() {
    try (var arena = Arena.ofConfined()) {
      var blocks = host.live(HostCounter.DEVICE_BLOCKS);
      var bytes = host.live(HostCounter.DEVICE_BYTES);
      var calls = host.calls("cudaMalloc");
      var out = arena.allocate(NativeTypes.C_POINTER);
      assertEquals(0, Cudart.cudaMalloc(out, 1000));
      assertEquals(blocks + 1, host.live(HostCounter.DEVICE_BLOCKS));
      assertEquals(bytes + 1000, host.live().get(HostCounter.DEVICE_BYTES));
      assertEquals(calls + 1, host.calls("cudaMalloc"));
      assertEquals(0, Cudart.cudaFree(out.get(NativeTypes.C_POINTER, 0)));
      assertEquals(blocks, host.live(HostCounter.DEVICE_BLOCKS));
    }
  }

  @Test
  void failsTheCallItIsToldTo() {
    host.fail("cudaSetDevice", 2, 7, false);
    assertEquals(0, Cudart.cudaSetDevice(0));
    assertEquals(7, Cudart.cudaSetDevice(0));
    assertEquals(0, Cudart.cudaSetDevice(0));
    host.fail("cudaSetDevice", 1, 7, true);
    assertEquals(7, Cudart.cudaSetDevice(0));
    assertEquals(7, Cudart.cudaSetDevice(0));
    host.clearFault();
    assertEquals(0, Cudart.cudaSetDevice(0));
  }

  @Test
  void refusesWhatIsOutOfRange() {
    var k = assertThrows(IllegalArgumentException.class, () -> host.fail(null, 0, 1, false));
    assertEquals("k = 0, must be at least 1", k.getMessage());
    var name = assertThrows(IllegalArgumentException.class, () -> host.calls("cudaNothing"));
    assertEquals("the host device has no function cudaNothing", name.getMessage());
    assertThrows(IllegalArgumentException.class, () -> host.fail("cudaNothing", 1, 1, false));
    var threads = assertThrows(IllegalArgumentException.class, () -> host.threads(0));
    assertEquals(
        "threads = 0, must be at least 1 and no more than the machine can start",
        threads.getMessage());
  }

  @Test
  void changesModeAndThreads() {
    var mode = host.mode();
    var threads = host.threads();
    host.mode(HostMode.LAZY);
    assertEquals(HostMode.LAZY, host.mode());
    host.mode(HostMode.EAGER);
    assertEquals(HostMode.EAGER, host.mode());
    host.threads(1);
    assertEquals(1, host.threads());
    host.threads(threads);
    host.mode(mode);
  }

  @Test
  void tellsWhatItDoesNotHave() {
    var libraries = NativeLibraries.load();
    libraries.require("cudnnRNNForward");
    if (!libraries.has("cudnnCTCLoss")) {
      var e =
          assertThrows(
              UnsupportedOperationException.class, () -> libraries.require("cudnnCTCLoss"));
      assertEquals("device host (CPU) has no function cudnnCTCLoss", e.getMessage());
    }
  }
}
