package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.library.HostMode;
import io.github.cudnn4j.testing.Segments;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;

/**
 * What the tests of the host device share: they call it as a C program would, through the bindings.
 * Each test starts with nothing alive that it did not make, and leaves nothing behind.
 */
abstract class HostDeviceTest {
  static final MemorySegment NULL = MemorySegment.NULL;

  /** The default stream. */
  static final MemorySegment DEFAULT_STREAM = NULL;

  Arena arena;
  HostControl host;
  private HostMode modeBefore;
  private int threadsBefore;
  private Map<HostCounter, Long> liveBefore;

  @BeforeEach
  void begin() {
    var control = HostControl.ifHost();
    Assumptions.assumeTrue(control.isPresent(), "these tests are about the host device");
    host = control.get();
    modeBefore = host.mode();
    threadsBefore = host.threads();
    liveBefore = host.live();
    arena = Arena.ofConfined();
    Cudart.cudaGetLastError();
  }

  @AfterEach
  void end() {
    if (arena == null) {
      return;
    }
    arena.close();
    host.clearFault();
    host.threads(threadsBefore);
    host.mode(modeBefore);
    assertEquals(liveBefore, host.live(), "objects left alive");
  }

  static void ok(int status) {
    assertEquals(0, status);
  }

  /** A new handle, address or other pointer that a C function writes. */
  MemorySegment made(Maker maker) {
    var target = arena.allocate(NativeTypes.C_POINTER);
    ok(maker.make(target));
    return MemorySegment.ofAddress(target.get(NativeTypes.C_POINTER, 0).address());
  }

  interface Maker {
    int make(MemorySegment target);
  }

  MemorySegment device(long bytes) {
    return made(target -> Cudart.cudaMalloc(target, bytes));
  }

  MemorySegment device(float... values) {
    var block = device(values.length * 4L);
    ok(
        Cudart.cudaMemcpy(
            block, floats(values), values.length * 4L, Cudart.cudaMemcpyHostToDevice()));
    return block;
  }

  MemorySegment device(double... values) {
    var block = device(values.length * 8L);
    var source = arena.allocateFrom(ValueLayout.JAVA_DOUBLE, values);
    ok(Cudart.cudaMemcpy(block, source, values.length * 8L, Cudart.cudaMemcpyHostToDevice()));
    return block;
  }

  MemorySegment floats(float... values) {
    return arena.allocateFrom(ValueLayout.JAVA_FLOAT, values);
  }

  MemorySegment doubles(double... values) {
    return arena.allocateFrom(ValueLayout.JAVA_DOUBLE, values);
  }

  /** The contents of device memory, waited for. */
  float[] read(MemorySegment block, int count) {
    var target = arena.allocate(ValueLayout.JAVA_FLOAT, count);
    ok(Cudart.cudaMemcpy(target, block, count * 4L, Cudart.cudaMemcpyDeviceToHost()));
    return Segments.floats(target);
  }

  double[] readDoubles(MemorySegment block, int count) {
    var target = arena.allocate(ValueLayout.JAVA_DOUBLE, count);
    ok(Cudart.cudaMemcpy(target, block, count * 8L, Cudart.cudaMemcpyDeviceToHost()));
    return Segments.doubles(target);
  }

  MemorySegment pinned(long bytes) {
    return made(target -> Cudart.cudaHostAlloc(target, bytes, Cudart.cudaHostAllocDefault()))
        .reinterpret(bytes);
  }

  MemorySegment stream(int flags) {
    return made(target -> Cudart.cudaStreamCreateWithFlags(target, flags));
  }

  MemorySegment event() {
    return made(target -> Cudart.cudaEventCreateWithFlags(target, Cudart.cudaEventDefault()));
  }

  void free(MemorySegment... blocks) {
    Arrays.stream(blocks).forEach(block -> ok(Cudart.cudaFree(block)));
  }
}
