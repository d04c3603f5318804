package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.HostMode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** In lazy mode work is done only when something waits for it, in the order that CUDA promises. */
class LazyStreamTest extends HostDeviceTest {
  private static final int NOT_READY = Cudart.cudaErrorNotReady();
  private static final int ONES = 0x3F;

  /** What a float is whose bytes are all 0x3F. */
  private static final float FILLED = Float.intBitsToFloat(0x3F3F3F3F);

  private MemorySegment block;
  private MemorySegment memory;

  @BeforeEach
  void makeLazy() {
    host.mode(HostMode.LAZY);
    block = device(4);
    memory = pinned(4);
    memory.set(ValueLayout.JAVA_FLOAT, 0, -1);
  }

  private void drop(MemorySegment... streams) {
    for (var stream : streams) {
      ok(Cudart.cudaStreamDestroy(stream));
    }
    free(block);
    ok(Cudart.cudaFreeHost(memory));
  }

  private void fill(MemorySegment stream) {
    ok(Cudart.cudaMemsetAsync(block, ONES, 4, stream));
  }

  private void fetch(MemorySegment stream) {
    ok(Cudart.cudaMemcpyAsync(memory, block, 4, Cudart.cudaMemcpyDeviceToHost(), stream));
  }

  private float fetched() {
    return memory.get(ValueLayout.JAVA_FLOAT, 0);
  }

  @Test
  void missingSynchronizationShows() {
    var stream = stream(Cudart.cudaStreamNonBlocking());
    fill(stream);
    fetch(stream);
    assertEquals(NOT_READY, Cudart.cudaStreamQuery(stream));
    assertEquals(-1, fetched());
    ok(Cudart.cudaStreamSynchronize(stream));
    assertEquals(FILLED, fetched());
    ok(Cudart.cudaStreamQuery(stream));
    drop(stream);
  }

  @Test
  void stagingBufferReusedTooEarlyShows() {
    var stream = stream(Cudart.cudaStreamNonBlocking());
    var target = device(4);
    memory.set(ValueLayout.JAVA_FLOAT, 0, 1);
    ok(Cudart.cudaMemcpyAsync(target, memory, 4, Cudart.cudaMemcpyHostToDevice(), stream));
    memory.set(ValueLayout.JAVA_FLOAT, 0, 2);
    ok(Cudart.cudaStreamSynchronize(stream));
    assertEquals(2, read(target, 1)[0]);
    free(target);
    drop(stream);
  }

  @Test
  void pageableMemoryIsTakenAtTheCall() {
    var stream = stream(Cudart.cudaStreamNonBlocking());
    var source = floats(5);
    ok(Cudart.cudaMemcpyAsync(block, source, 4, Cudart.cudaMemcpyHostToDevice(), stream));
    source.set(ValueLayout.JAVA_FLOAT, 0, 6);
    assertEquals(NOT_READY, Cudart.cudaStreamQuery(stream));
    var target = arena.allocate(4, 4);
    ok(Cudart.cudaMemcpyAsync(target, block, 4, Cudart.cudaMemcpyDeviceToHost(), stream));
    assertEquals(5, target.get(ValueLayout.JAVA_FLOAT, 0));
    ok(Cudart.cudaStreamQuery(stream));
    drop(stream);
  }

  @Test
  void eventOrdersTwoStreams() {
    var writer = stream(Cudart.cudaStreamNonBlocking());
    var reader = stream(Cudart.cudaStreamNonBlocking());
    var event = event();
    fill(writer);
    ok(Cudart.cudaEventRecord(event, writer));
    ok(Cudart.cudaStreamWaitEvent(reader, event, 0));
    fetch(reader);
    assertEquals(NOT_READY, Cudart.cudaEventQuery(event));
    ok(Cudart.cudaStreamSynchronize(reader));
    assertEquals(FILLED, fetched());
    ok(Cudart.cudaEventQuery(event));
    ok(Cudart.cudaEventDestroy(event));
    drop(writer, reader);
  }

  /** Each for the one before it, in a chain that is longer than a thread's stack is deep. */
  @Test
  void manyStreamsWaitForEachOther() {
    var streams = new MemorySegment[10_000];
    var event = event();
    for (int i = 0; i < streams.length; i++) {
      streams[i] = stream(Cudart.cudaStreamNonBlocking());
      if (i == 0) {
        fill(streams[i]);
      } else {
        ok(Cudart.cudaStreamWaitEvent(streams[i], event, 0));
      }
      ok(Cudart.cudaEventRecord(event, streams[i]));
    }
    fetch(streams[streams.length - 1]);
    ok(Cudart.cudaStreamSynchronize(streams[streams.length - 1]));
    assertEquals(FILLED, fetched());
    ok(Cudart.cudaEventDestroy(event));
    drop(streams);
  }

  @Test
  void withoutTheEventTheOtherStreamsWorkIsMissing() {
    var writer = stream(Cudart.cudaStreamNonBlocking());
    var reader = stream(Cudart.cudaStreamNonBlocking());
    fill(writer);
    fetch(reader);
    ok(Cudart.cudaStreamSynchronize(reader));
    assertTrue(Float.isNaN(fetched()));
    ok(Cudart.cudaDeviceSynchronize());
    drop(writer, reader);
  }

  @Test
  void eventMarksOnlyWhatCameBeforeIt() {
    var writer = stream(Cudart.cudaStreamNonBlocking());
    var event = event();
    fill(writer);
    ok(Cudart.cudaEventRecord(event, writer));
    ok(Cudart.cudaMemsetAsync(block, 0, 4, writer));
    ok(Cudart.cudaEventSynchronize(event));
    assertEquals(NOT_READY, Cudart.cudaStreamQuery(writer));
    assertArrayEquals(new float[] {FILLED}, read(block, 1));
    ok(Cudart.cudaStreamSynchronize(writer));
    assertArrayEquals(new float[] {0}, read(block, 1));
    ok(Cudart.cudaEventDestroy(event));
    drop(writer);
  }

  @Test
  void defaultStreamWaitsForBlockingStreamsAndTheyForIt() {
    var blocking = stream(Cudart.cudaStreamDefault());
    fill(blocking);
    fetch(DEFAULT_STREAM);
    ok(Cudart.cudaMemsetAsync(block, 0, 4, blocking));
    ok(Cudart.cudaStreamSynchronize(blocking));
    assertEquals(FILLED, fetched());
    assertArrayEquals(new float[] {0}, read(block, 1));
    drop(blocking);
  }

  @Test
  void defaultStreamDoesNotWaitForNonBlockingStreams() {
    var free = stream(Cudart.cudaStreamNonBlocking());
    fill(free);
    assertTrue(Float.isNaN(read(block, 1)[0]));
    ok(Cudart.cudaStreamSynchronize(free));
    assertEquals(FILLED, read(block, 1)[0]);
    drop(free);
  }

  @Test
  void memsetOfDeviceMemoryDoesNotWait() {
    var free = stream(Cudart.cudaStreamNonBlocking());
    ok(Cudart.cudaMemset(block, ONES, 4));
    fetch(free);
    ok(Cudart.cudaStreamSynchronize(free));
    assertTrue(Float.isNaN(fetched()));
    drop(free);
  }

  @Test
  void freeingWaitsForAllWork() {
    var stream = stream(Cudart.cudaStreamNonBlocking());
    fill(stream);
    fetch(stream);
    free(device(4));
    assertEquals(FILLED, fetched());
    drop(stream);
  }

  @Test
  void changingTheModeFinishesTheWork() {
    var stream = stream(Cudart.cudaStreamNonBlocking());
    fill(stream);
    fetch(stream);
    host.mode(HostMode.EAGER);
    assertEquals(FILLED, fetched());
    drop(stream);
  }

  @Test
  void eventsMeasureTheTimeBetweenThem() throws InterruptedException {
    var stream = stream(Cudart.cudaStreamNonBlocking());
    var start = event();
    var end = event();
    var time = arena.allocate(NativeTypes.C_FLOAT);
    assertEquals(
        Cudart.cudaErrorInvalidResourceHandle(), Cudart.cudaEventElapsedTime(time, start, end));
    ok(Cudart.cudaEventRecord(start, stream));
    ok(Cudart.cudaEventRecord(end, stream));
    assertEquals(NOT_READY, Cudart.cudaEventElapsedTime(time, start, end));
    ok(Cudart.cudaEventSynchronize(start));
    long before = System.nanoTime();
    Thread.sleep(20);
    ok(Cudart.cudaEventSynchronize(end));
    float most = (System.nanoTime() - before) / 1e6f + 20;
    ok(Cudart.cudaEventElapsedTime(time, start, end));
    float measured = time.get(NativeTypes.C_FLOAT, 0);
    assertTrue(measured >= 19 && measured <= most, () -> measured + " ms");
    ok(Cudart.cudaEventDestroy(start));
    ok(Cudart.cudaEventDestroy(end));
    drop(stream);
  }

  @Test
  void deadHandlesAreRefused() {
    var stream = stream(Cudart.cudaStreamNonBlocking());
    var event = event();
    ok(Cudart.cudaStreamDestroy(stream));
    ok(Cudart.cudaEventDestroy(event));
    int dead = Cudart.cudaErrorInvalidResourceHandle();
    assertEquals(dead, Cudart.cudaStreamDestroy(stream));
    assertEquals(dead, Cudart.cudaStreamSynchronize(stream));
    assertEquals(dead, Cudart.cudaMemsetAsync(block, 0, 4, stream));
    assertEquals(dead, Cudart.cudaEventDestroy(event));
    assertEquals(dead, Cudart.cudaEventRecord(event, DEFAULT_STREAM));
    drop();
  }
}
