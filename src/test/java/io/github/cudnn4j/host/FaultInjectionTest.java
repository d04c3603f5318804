package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.HostDevice;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.HostControl;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** The host device counts calls, and makes the call fail that a test asks for. */
class FaultInjectionTest extends HostDeviceTest {
  private static final int OUT_OF_MEMORY = Cudart.cudaErrorMemoryAllocation();

  private int malloc(MemorySegment target) {
    return Cudart.cudaMalloc(target, 16);
  }

  @Test
  void countsCallsByName() {
    long before = host.calls("cudaMalloc");
    long all = host.calls();
    free(device(16));
    assertEquals(before + 1, host.calls("cudaMalloc"));
    assertEquals(all + 2, host.calls());
    assertEquals(-1, HostDevice.cudnn4jHostCalls(arena.allocateFrom("cudaMolloc")));
    assertEquals(-1, HostDevice.cudnn4jHostCalls(arena.allocateFrom("cudnn4jHostLive")));
  }

  @Test
  void onlyTheKthCallFailsAndDoesNothing() {
    var target = arena.allocate(NativeTypes.C_POINTER);
    host.fail("cudaMalloc", 2, OUT_OF_MEMORY, false);
    var first = device(16);
    assertEquals(OUT_OF_MEMORY, malloc(target));
    assertEquals(0, target.get(NativeTypes.C_POINTER, 0).address());
    assertEquals(OUT_OF_MEMORY, Cudart.cudaGetLastError());
    var third = device(16);
    free(first, third);
  }

  @Test
  void stickyFaultLastsUntilItIsCleared() {
    var target = arena.allocate(NativeTypes.C_POINTER);
    host.fail("cudaMalloc", 1, OUT_OF_MEMORY, true);
    for (int i = 0; i < 3; i++) {
      assertEquals(OUT_OF_MEMORY, malloc(target));
    }
    host.clearFault();
    free(device(16));
  }

  @Test
  void anyFunctionCanBeMadeToFail() {
    var block = device(16);
    host.fail(null, 3, 13, false);
    ok(Cudart.cudaMemset(block, 0, 16));
    ok(Cudart.cudaDeviceSynchronize());
    assertEquals(13, Cublas.cublasCreate_v2(arena.allocate(NativeTypes.C_POINTER)));
    free(block);
  }

  @Test
  void badRequestsChangeNothing() {
    var name = arena.allocateFrom("cudaMalloc");
    assertEquals(1, HostDevice.cudnn4jHostFail(name, -1, OUT_OF_MEMORY, 0));
    assertEquals(1, HostDevice.cudnn4jHostFail(name, 1, 0, 0));
    assertEquals(1, HostDevice.cudnn4jHostFail(arena.allocateFrom("nothing"), 1, 2, 0));
    // A function that returns no status cannot return a wrong one.
    assertEquals(1, HostDevice.cudnn4jHostFail(arena.allocateFrom("cudaGetErrorName"), 1, 2, 0));
    assertEquals(1, HostDevice.cudnn4jHostSetMode(2));
    assertEquals(1, HostDevice.cudnn4jHostSetThreads(0));
    assertEquals(-1, HostDevice.cudnn4jHostLive(HostDevice.CUDNN4J_HOST_KIND_COUNT()));
    free(device(16));
  }

  @Test
  void everyThreadCounts() throws InterruptedException {
    long before = host.calls("cudaGetDevice");
    var threads = new Thread[4];
    for (int i = 0; i < threads.length; i++) {
      threads[i] = new Thread(FaultInjectionTest::callOften);
      threads[i].start();
    }
    for (var thread : threads) {
      thread.join();
    }
    assertEquals(before + 4000, HostControl.get().calls("cudaGetDevice"));
  }

  private static void callOften() {
    try (var arena = Arena.ofConfined()) {
      var device = arena.allocate(NativeTypes.C_INT);
      for (int i = 0; i < 1000; i++) {
        ok(Cudart.cudaGetDevice(device));
      }
    }
  }
}
