package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.HostDevice;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.library.HostMode;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Device memory is known: fresh blocks hold NaN, and wrong uses are error codes. */
class DeviceMemoryTest extends HostDeviceTest {
  private static final int TO_DEVICE = Cudart.cudaMemcpyHostToDevice();
  private static final int TO_HOST = Cudart.cudaMemcpyDeviceToHost();
  private static final int WITHIN_DEVICE = Cudart.cudaMemcpyDeviceToDevice();
  private static final int INVALID_VALUE = Cudart.cudaErrorInvalidValue();

  @Test
  void freshMemoryIsNaN() {
    var block = device(1000 * 4);
    for (float value : read(block, 1000)) {
      assertTrue(Float.isNaN(value));
    }
    free(block);
  }

  @Test
  void copiesThereAndBack() {
    var first = device(1, 2, 3);
    var second = device(3 * 4);
    ok(Cudart.cudaMemcpy(second, first, 12, Cudart.cudaMemcpyDefault()));
    assertArrayEquals(new float[] {1, 2, 3}, read(second, 3));
    free(first, second);
  }

  @ParameterizedTest
  @CsvSource({"0, 20, 16", "4, 16, 16", "16, 4, 16", "1000000, 4, 16"})
  void copyPastTheEndIsRefused(long offset, long bytes, long size) {
    var block = device(size);
    var inside = MemorySegment.ofAddress(block.address() + offset);
    var memory = arena.allocate(bytes);
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(inside, memory, bytes, TO_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(memory, inside, bytes, TO_HOST));
    assertEquals(INVALID_VALUE, Cudart.cudaMemset(inside, 0, bytes));
    free(block);
  }

  @Test
  void wrongDirectionIsRefused() {
    var block = device(16);
    var other = device(16);
    var memory = arena.allocate(16);
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(block, memory, 16, TO_HOST));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(memory, block, 16, TO_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(block, memory, 16, WITHIN_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(block, other, 16, TO_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(NULL, block, 16, TO_HOST));
    assertEquals(Cudart.cudaErrorInvalidMemcpyDirection(), Cudart.cudaMemcpy(block, memory, 16, 5));
    free(block, other);
  }

  @Test
  void readOnlyMemoryIsNotWritten() {
    var block = device(1, 2, 3);
    var other = device(4, 5, 6);
    var middle = MemorySegment.ofAddress(block.address() + 4);
    assertEquals(0, HostDevice.cudnn4jHostSetReadOnly(middle));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(block, arena.allocate(12), 12, TO_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(block, other, 12, WITHIN_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaMemset(middle, 0, 4));
    ok(Cudart.cudaMemcpy(other, block, 12, WITHIN_DEVICE));
    assertArrayEquals(new float[] {1, 2, 3}, read(other, 3));
    free(block, other);
    assertEquals(1, HostDevice.cudnn4jHostSetReadOnly(block));
    assertEquals(1, HostDevice.cudnn4jHostSetReadOnly(arena.allocate(4)));
    assertEquals(1, HostDevice.cudnn4jHostSetReadOnly(NULL));
    var pinned = made(out -> Cudart.cudaHostAlloc(out, 4, 0));
    assertEquals(1, HostDevice.cudnn4jHostSetReadOnly(pinned));
    ok(Cudart.cudaFreeHost(pinned));
  }

  @Test
  void secondFreeAndForeignAddressesAreRefused() {
    var block = device(64);
    var middle = MemorySegment.ofAddress(block.address() + 16);
    assertEquals(INVALID_VALUE, Cudart.cudaFree(middle));
    assertEquals(INVALID_VALUE, Cudart.cudaFreeHost(block));
    assertEquals(INVALID_VALUE, Cudart.cudaFree(arena.allocate(16)));
    ok(Cudart.cudaFree(block));
    assertEquals(INVALID_VALUE, Cudart.cudaFree(block));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(arena.allocate(16), block, 16, TO_HOST));
    ok(Cudart.cudaFree(NULL));
  }

  @Test
  void freedInStreamOrder() {
    var stream = stream(Cudart.cudaStreamNonBlocking());
    var block = made(target -> Cudart.cudaMallocAsync(target, 32, stream));
    ok(Cudart.cudaMemsetAsync(block, 0, 32, stream));
    ok(Cudart.cudaFreeAsync(block, stream));
    assertEquals(INVALID_VALUE, Cudart.cudaFreeAsync(block, stream));
    assertEquals(INVALID_VALUE, Cudart.cudaMemsetAsync(block, 0, 32, stream));
    ok(Cudart.cudaStreamSynchronize(stream));
    ok(Cudart.cudaStreamDestroy(stream));
  }

  @Test
  void freedInStreamOrderWhereThereIsNoMemory() {
    host.mode(HostMode.LAZY);
    var stream = stream(Cudart.cudaStreamNonBlocking());
    var block = made(target -> Cudart.cudaMallocAsync(target, 32, stream));
    var kept = device(32);
    ok(Cudart.cudaMemsetAsync(block, 0, 32, stream));
    ok(Cudart.cudaMemcpyAsync(kept, block, 32, WITHIN_DEVICE, stream));
    host.fail("memory", 1, 1, true);
    ok(Cudart.cudaFreeAsync(block, stream));
    host.clearFault();
    assertArrayEquals(new float[8], read(kept, 8));
    free(kept);
    ok(Cudart.cudaStreamDestroy(stream));
  }

  @Test
  void nothingIsAllocatedForZeroBytes() {
    var target = arena.allocate(NativeTypes.C_POINTER);
    ok(Cudart.cudaMalloc(target, 0));
    assertEquals(0, target.get(NativeTypes.C_POINTER, 0).address());
    ok(Cudart.cudaMemcpy(NULL, NULL, 0, TO_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaMalloc(NULL, 16));
  }

  @Test
  void moreThanTheMachineHasIsOutOfMemory() {
    var free = arena.allocate(NativeTypes.C_LONG);
    var total = arena.allocate(NativeTypes.C_LONG);
    ok(Cudart.cudaMemGetInfo(free, total));
    long bytes = total.get(NativeTypes.C_LONG, 0);
    assertTrue(free.get(NativeTypes.C_LONG, 0) <= bytes);
    var target = arena.allocate(NativeTypes.C_POINTER);
    assertEquals(Cudart.cudaErrorMemoryAllocation(), Cudart.cudaMalloc(target, bytes));
    assertEquals(Cudart.cudaErrorMemoryAllocation(), Cudart.cudaMalloc(target, Long.MAX_VALUE));
    assertEquals(0, target.get(NativeTypes.C_POINTER, 0).address());
    assertEquals(Cudart.cudaErrorMemoryAllocation(), Cudart.cudaPeekAtLastError());
    assertEquals(Cudart.cudaErrorMemoryAllocation(), Cudart.cudaGetLastError());
    assertEquals(Cudart.cudaSuccess(), Cudart.cudaGetLastError());
  }

  @Test
  void countsBlocksAndBytes() {
    long blocks = host.live(HostCounter.DEVICE_BLOCKS);
    long bytes = host.live(HostCounter.DEVICE_BYTES);
    long pinnedBytes = host.live(HostCounter.PINNED_BYTES);
    var block = device(100);
    var memory = pinned(300);
    assertEquals(blocks + 1, host.live(HostCounter.DEVICE_BLOCKS));
    assertEquals(bytes + 100, host.live(HostCounter.DEVICE_BYTES));
    assertEquals(pinnedBytes + 300, host.live(HostCounter.PINNED_BYTES));
    free(block);
    ok(Cudart.cudaFreeHost(memory));
    assertEquals(blocks, host.live(HostCounter.DEVICE_BLOCKS));
    assertEquals(bytes, host.live(HostCounter.DEVICE_BYTES));
  }

  @Test
  void pinnedMemoryIsHostMemory() {
    var memory = pinned(16);
    memory.set(ValueLayout.JAVA_FLOAT, 0, 7);
    var block = device(16);
    ok(Cudart.cudaMemcpy(block, memory, 16, TO_DEVICE));
    assertEquals(7, read(block, 1)[0]);
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(block, memory, 20, TO_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaMemcpy(memory, block, 16, WITHIN_DEVICE));
    assertEquals(INVALID_VALUE, Cudart.cudaFree(memory));
    free(block);
    ok(Cudart.cudaFreeHost(memory));
  }
}
