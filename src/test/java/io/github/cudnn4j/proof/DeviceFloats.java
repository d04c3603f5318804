package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;

/** Device memory in the hands of JavaCPP, as its presets of CUDA give it to their users. */
final class DeviceFloats extends FloatPointer {
  DeviceFloats(long elements) {
    super((Pointer) null);
    try (var arena = Arena.ofConfined()) {
      var out = arena.allocate(NativeTypes.C_POINTER);
      assertEquals(0, Cudart.cudaMalloc(out, elements * Float.BYTES));
      address = out.get(NativeTypes.C_POINTER, 0).address();
    }
    capacity(elements);
  }

  MemorySegment segment() {
    return MemorySegment.ofAddress(address);
  }

  @Override
  public void close() {
    assertEquals(0, Cudart.cudaFree(segment()));
  }

  /** Returns the memory of a pointer to the host. */
  static MemorySegment segment(Pointer host) {
    return MemorySegment.ofAddress(host.address()).reinterpret(host.capacity() * host.sizeof());
  }
}
