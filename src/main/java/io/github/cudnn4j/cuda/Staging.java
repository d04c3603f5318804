package io.github.cudnn4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.cudnn4j.bindings.Cudart;
import java.lang.foreign.MemorySegment;

/**
 * Copies between memory that the device cannot reach by itself, such as Java arrays, and the
 * device, piece by piece through one pinned buffer.
 */
final class Staging extends DeviceResource {
  private static final long PIECE_BYTES = 1 << 20;

  private final PinnedBuffer pinned;

  private Staging(PinnedBuffer pinned) {
    super(pinned.device());
    this.pinned = pinned;
  }

  static Staging of(Device device) {
    Recording.refuse("a copy that waits");
    return device.resource(Staging.class, Staging::create);
  }

  private static Staging create(Device device) {
    return new Staging(PinnedBuffer.allocate(device, ElementType.UINT8, PIECE_BYTES));
  }

  void upload(MemorySegment source, long address) {
    for (long at = 0; at < source.byteSize(); at += PIECE_BYTES) {
      var bytes = Math.min(PIECE_BYTES, source.byteSize() - at);
      move(source, at, pinned.segment(), 0, bytes);
      copy(
          MemorySegment.ofAddress(address + at),
          pinned.pointer(0),
          bytes,
          Cudart.cudaMemcpyHostToDevice());
    }
  }

  void download(long address, MemorySegment target) {
    for (long at = 0; at < target.byteSize(); at += PIECE_BYTES) {
      var bytes = Math.min(PIECE_BYTES, target.byteSize() - at);
      copy(
          pinned.pointer(0),
          MemorySegment.ofAddress(address + at),
          bytes,
          Cudart.cudaMemcpyDeviceToHost());
      move(pinned.segment(), 0, target, at, bytes);
    }
  }

  /** Of the JDK's copies the one with layouts, which is right for less than 64 bytes, too. */
  private static void move(
      MemorySegment source, long from, MemorySegment target, long to, long bytes) {
    MemorySegment.copy(source, JAVA_BYTE, from, target, JAVA_BYTE, to, bytes);
  }

  private void copy(MemorySegment target, MemorySegment source, long bytes, int kind) {
    var stream = device().stream();
    CudaException.checkCudart(
        Cudart.cudaMemcpyAsync(target, source, bytes, kind, stream.handle()), "cudaMemcpyAsync");
    stream.synchronize();
  }

  @Override
  protected void release() {
    pinned.close();
  }
}
