package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.library.HostMode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A capture records instead of running, a replay is the run, and misuse is the documented error.
 */
class GraphCaptureTest extends HostDeviceTest {
  private static final int GLOBAL = Cudart.cudaStreamCaptureModeGlobal();
  private static final int INVALIDATED = Cudart.cudaErrorStreamCaptureInvalidated();
  private static final int UNSUPPORTED = Cudart.cudaErrorStreamCaptureUnsupported();
  private static final int WITHIN_DEVICE = Cudart.cudaMemcpyDeviceToDevice();

  private MemorySegment stream;
  private MemorySegment other;
  private MemorySegment source;
  private MemorySegment target;

  @BeforeEach
  void makeStreams() {
    stream = stream(Cudart.cudaStreamNonBlocking());
    other = stream(Cudart.cudaStreamNonBlocking());
    source = device(1, 2, 3, 4);
    target = device(16);
  }

  private void drop() {
    ok(Cudart.cudaStreamDestroy(stream));
    ok(Cudart.cudaStreamDestroy(other));
    free(source, target);
  }

  private void copy(MemorySegment queue) {
    ok(Cudart.cudaMemcpyAsync(target, source, 16, WITHIN_DEVICE, queue));
  }

  private MemorySegment endCapture() {
    var graph = made(out -> Cudart.cudaStreamEndCapture(stream, out));
    var exec = made(out -> Cudart.cudaGraphInstantiate(out, graph, 0));
    ok(Cudart.cudaGraphDestroy(graph));
    return exec;
  }

  private int endCaptureStatus() {
    return Cudart.cudaStreamEndCapture(stream, arena.allocate(NativeTypes.C_POINTER));
  }

  private int status() {
    var status = arena.allocate(NativeTypes.C_INT);
    ok(Cudart.cudaStreamIsCapturing(stream, status));
    return status.get(NativeTypes.C_INT, 0);
  }

  @ParameterizedTest
  @EnumSource(HostMode.class)
  void recordsWithoutRunningAndReplays(HostMode mode) {
    host.mode(mode);
    long graphs = host.live(HostCounter.GRAPH_EXECS);
    assertEquals(Cudart.cudaStreamCaptureStatusNone(), status());
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    assertEquals(Cudart.cudaStreamCaptureStatusActive(), status());
    copy(stream);
    var exec = endCapture();
    assertEquals(graphs + 1, host.live(HostCounter.GRAPH_EXECS));
    assertTrue(Float.isNaN(read(target, 1)[0]));
    ok(Cudart.cudaGraphLaunch(exec, stream));
    if (mode == HostMode.LAZY) {
      assertEquals(Cudart.cudaErrorNotReady(), Cudart.cudaStreamQuery(stream));
      assertTrue(Float.isNaN(read(target, 1)[0]));
    }
    ok(Cudart.cudaStreamSynchronize(stream));
    assertArrayEquals(new float[] {1, 2, 3, 4}, read(target, 4));
    ok(Cudart.cudaGraphExecDestroy(exec));
    drop();
  }

  @ParameterizedTest
  @EnumSource(HostMode.class)
  void replayOfProductsEqualsTheDirectRunBitForBit(HostMode mode) {
    host.mode(mode);
    int size = 96;
    var random = new Random(1);
    var values = new float[size * size];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    var a = device(values);
    var direct = device(values);
    var replayed = device(values);
    var norm = device(0f);
    var handle = made(Cublas::cublasCreate_v2);
    ok(Cublas.cublasSetStream_v2(handle, stream));
    ok(Cublas.cublasSetPointerMode_v2(handle, Cublas.CUBLAS_POINTER_MODE_DEVICE()));
    var half = device(0.5f);
    for (int i = 0; i < 3; i++) {
      step(handle, size, half, a, direct, norm);
    }
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    step(handle, size, half, a, replayed, norm);
    var exec = endCapture();
    for (int i = 0; i < 3; i++) {
      ok(Cudart.cudaGraphLaunch(exec, stream));
    }
    ok(Cudart.cudaStreamSynchronize(stream));
    assertArrayEquals(read(direct, size * size), read(replayed, size * size));
    ok(Cudart.cudaGraphExecDestroy(exec));
    ok(Cublas.cublasDestroy_v2(handle));
    free(a, direct, replayed, norm, half);
    drop();
  }

  /** c = a c / 2 + c / 2, then its norm: some work that depends on what ran before. */
  private static void step(
      MemorySegment handle,
      int n,
      MemorySegment half,
      MemorySegment a,
      MemorySegment c,
      MemorySegment norm) {
    int plain = Cublas.CUBLAS_OP_N();
    ok(Cublas.cublasSgemm_v2(handle, plain, plain, n, n, n, half, a, n, a, n, half, c, n));
    ok(Cublas.cublasSnrm2_v2(handle, n * n, c, 1, norm));
  }

  @Test
  void takesInTheStreamThatWaitsForItsEvent() {
    var fork = event();
    var join = event();
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    ok(Cudart.cudaMemsetAsync(source, 0, 4, stream));
    ok(Cudart.cudaEventRecord(fork, stream));
    ok(Cudart.cudaStreamWaitEvent(other, fork, 0));
    copy(other);
    ok(Cudart.cudaEventRecord(join, other));
    ok(Cudart.cudaStreamWaitEvent(stream, join, 0));
    var exec = endCapture();
    ok(Cudart.cudaStreamSynchronize(other));
    assertTrue(Float.isNaN(read(target, 1)[0]));
    ok(Cudart.cudaGraphLaunch(exec, stream));
    ok(Cudart.cudaStreamSynchronize(stream));
    assertArrayEquals(new float[] {0, 2, 3, 4}, read(target, 4));
    ok(Cudart.cudaGraphExecDestroy(exec));
    ok(Cudart.cudaEventDestroy(fork));
    ok(Cudart.cudaEventDestroy(join));
    drop();
  }

  @Test
  void streamThatIsNotJoinedBackIsAnError() {
    var fork = event();
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    ok(Cudart.cudaEventRecord(fork, stream));
    ok(Cudart.cudaStreamWaitEvent(other, fork, 0));
    copy(other);
    assertEquals(Cudart.cudaErrorStreamCaptureUnjoined(), endCaptureStatus());
    ok(Cudart.cudaStreamSynchronize(other));
    ok(Cudart.cudaEventDestroy(fork));
    drop();
  }

  @Test
  void waitForWorkOutsideOfTheCaptureInvalidatesIt() {
    var outside = event();
    ok(Cudart.cudaEventRecord(outside, other));
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    assertEquals(
        Cudart.cudaErrorStreamCaptureIsolation(), Cudart.cudaStreamWaitEvent(stream, outside, 0));
    assertEquals(INVALIDATED, endCaptureStatus());
    ok(Cudart.cudaEventDestroy(outside));
    drop();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "malloc",
        "free",
        "copy",
        "stream",
        "device",
        "query",
        "own stream",
        "asum",
        "event"
      })
  void callThatWaitsInvalidatesTheCapture(String call) {
    var event = event();
    var handle = made(Cublas::cublasCreate_v2);
    ok(Cublas.cublasSetStream_v2(handle, stream));
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    copy(stream);
    var memory = arena.allocate(16);
    int status =
        switch (call) {
          case "malloc" -> Cudart.cudaMalloc(memory, 16);
          case "free" -> Cudart.cudaFree(target);
          case "copy" -> Cudart.cudaMemcpy(memory, target, 4, Cudart.cudaMemcpyDeviceToHost());
          case "stream" -> Cudart.cudaStreamSynchronize(other);
          case "device" -> Cudart.cudaDeviceSynchronize();
          case "query" -> Cudart.cudaStreamQuery(other);
          case "own stream" -> Cudart.cudaStreamSynchronize(stream);
          case "asum" -> Cublas.cublasSasum_v2(handle, 4, source, 1, memory);
          default -> Cudart.cudaEventSynchronize(event);
        };
    assertEquals(
        call.equals("asum") ? Cublas.CUBLAS_STATUS_EXECUTION_FAILED() : UNSUPPORTED, status);
    assertEquals(Cudart.cudaStreamCaptureStatusInvalidated(), status());
    assertEquals(INVALIDATED, Cudart.cudaMemsetAsync(target, 0, 4, stream));
    assertEquals(INVALIDATED, endCaptureStatus());
    assertEquals(Cudart.cudaStreamCaptureStatusNone(), status());
    ok(Cublas.cublasDestroy_v2(handle));
    ok(Cudart.cudaEventDestroy(event));
    drop();
  }

  @Test
  void relaxedCaptureAllowsAllocation() {
    ok(Cudart.cudaStreamBeginCapture(stream, Cudart.cudaStreamCaptureModeRelaxed()));
    free(device(16));
    copy(stream);
    ok(Cudart.cudaGraphExecDestroy(endCapture()));
    drop();
  }

  @Test
  void otherThreadsAreFreeWhileOneCapturesForItself() throws InterruptedException {
    ok(Cudart.cudaStreamBeginCapture(stream, Cudart.cudaStreamCaptureModeThreadLocal()));
    var statuses = new int[2];
    var thread =
        new Thread(
            () -> {
              statuses[0] = Cudart.cudaStreamSynchronize(other);
              statuses[1] = endCaptureStatusFrom(stream);
            });
    thread.start();
    thread.join();
    assertEquals(0, statuses[0]);
    assertEquals(Cudart.cudaErrorStreamCaptureWrongThread(), statuses[1]);
    ok(Cudart.cudaGraphExecDestroy(endCapture()));
    drop();
  }

  private static int endCaptureStatusFrom(MemorySegment stream) {
    try (var arena = Arena.ofConfined()) {
      return Cudart.cudaStreamEndCapture(stream, arena.allocate(NativeTypes.C_POINTER));
    }
  }

  @Test
  void defaultStreamCannotCaptureAndDisturbsBlockingStreams() {
    assertEquals(UNSUPPORTED, Cudart.cudaStreamBeginCapture(DEFAULT_STREAM, GLOBAL));
    var blocking = stream(Cudart.cudaStreamDefault());
    ok(Cudart.cudaStreamBeginCapture(blocking, Cudart.cudaStreamCaptureModeRelaxed()));
    assertEquals(
        Cudart.cudaErrorStreamCaptureImplicit(),
        Cudart.cudaMemsetAsync(target, 0, 4, DEFAULT_STREAM));
    assertEquals(
        INVALIDATED, Cudart.cudaStreamEndCapture(blocking, arena.allocate(NativeTypes.C_POINTER)));
    ok(Cudart.cudaStreamDestroy(blocking));
    drop();
  }

  @Test
  void capturedEventCannotBeWaitedFor() {
    var event = event();
    ok(Cudart.cudaStreamBeginCapture(stream, Cudart.cudaStreamCaptureModeRelaxed()));
    ok(Cudart.cudaEventRecord(event, stream));
    assertEquals(Cudart.cudaErrorCapturedEvent(), Cudart.cudaEventSynchronize(event));
    assertEquals(INVALIDATED, endCaptureStatus());
    ok(Cudart.cudaEventRecord(event, stream));
    ok(Cudart.cudaEventSynchronize(event));
    ok(Cudart.cudaEventDestroy(event));
    drop();
  }

  @ParameterizedTest
  @EnumSource(HostMode.class)
  void replayOnFreedMemoryIsAnErrorAndNotACrash(HostMode mode) {
    host.mode(mode);
    var block = device(1 << 20);
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    ok(Cudart.cudaMemsetAsync(target, 0, 16, stream));
    ok(Cudart.cudaMemsetAsync(block, 0, 1 << 20, stream));
    var exec = endCapture();
    ok(Cudart.cudaGraphLaunch(exec, stream));
    ok(Cudart.cudaStreamSynchronize(stream));
    ok(Cudart.cudaMemset(target, 0xFF, 16));
    free(block);
    int launched = Cudart.cudaGraphLaunch(exec, stream);
    int waited = Cudart.cudaStreamSynchronize(stream);
    int address = Cudart.cudaErrorIllegalAddress();
    assertArrayEquals(
        mode == HostMode.EAGER ? new int[] {address, 0} : new int[] {0, address},
        new int[] {launched, waited});
    ok(Cudart.cudaStreamSynchronize(stream));
    assertTrue(Float.isNaN(read(target, 1)[0]), "no task of the graph may have run");
    ok(Cudart.cudaGraphExecDestroy(exec));
    drop();
  }

  @Test
  void pinnedMemoryIsReadWhenTheGraphRuns() {
    var memory = pinned(4);
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    ok(Cudart.cudaMemcpyAsync(target, memory, 4, Cudart.cudaMemcpyHostToDevice(), stream));
    var exec = endCapture();
    for (float value : new float[] {3, 4}) {
      memory.set(ValueLayout.JAVA_FLOAT, 0, value);
      ok(Cudart.cudaGraphLaunch(exec, stream));
      ok(Cudart.cudaStreamSynchronize(stream));
      assertEquals(value, read(target, 1)[0]);
    }
    ok(Cudart.cudaGraphExecDestroy(exec));
    ok(Cudart.cudaFreeHost(memory));
    drop();
  }

  @Test
  void deadGraphsAreRefused() {
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    var exec = endCapture();
    ok(Cudart.cudaGraphExecDestroy(exec));
    int dead = Cudart.cudaErrorInvalidValue();
    assertEquals(dead, Cudart.cudaGraphExecDestroy(exec));
    assertEquals(dead, Cudart.cudaGraphLaunch(exec, stream));
    assertEquals(dead, Cudart.cudaGraphDestroy(exec));
    drop();
  }

  @Test
  void streamThatIsDestroyedTakesItsCaptureAlong() {
    var event = event();
    ok(Cudart.cudaStreamBeginCapture(stream, GLOBAL));
    ok(Cudart.cudaEventRecord(event, stream));
    ok(Cudart.cudaStreamWaitEvent(other, event, 0));
    ok(Cudart.cudaStreamDestroy(stream));
    ok(Cudart.cudaDeviceSynchronize());
    ok(Cudart.cudaStreamDestroy(other));
    ok(Cudart.cudaEventDestroy(event));
    free(source, target);
  }
}
