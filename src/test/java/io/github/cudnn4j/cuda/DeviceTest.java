package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.CudaDriver;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.NativeLibraries;
import io.github.cudnn4j.testing.LeakCheck;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Opening, owning and closing a device. */
@Tag(LeakCheck.LEAVES_TO_DEVICE)
class DeviceTest {
  /** Runs on another thread and hands the exception back. */
  private static Throwable onOtherThread(String name, Runnable action) throws InterruptedException {
    var thrown = new AtomicReference<Throwable>();
    var thread =
        Thread.ofPlatform()
            .name(name)
            .start(
                () -> {
                  try {
                    action.run();
                  } catch (Throwable e) {
                    thrown.set(e);
                  }
                });
    thread.join();
    return thrown.get();
  }

  @Test
  void saysWhatItIs() {
    try (var device = Device.open()) {
      assertEquals(NativeLibraries.load().kind(), device.kind());
      assertFalse(device.name().isBlank());
      assertTrue(device.multiprocessors() > 0);
      assertTrue(device.computeCapability() >= 50);
      assertTrue(device.memory().free() > 0);
      assertTrue(device.memory().total() >= device.memory().free());
      assertTrue(device.isOpen());
      device.synchronize();
    }
  }

  @Test
  void opensEachOfThoseThereAre() {
    var choice = DeviceChoice.configured();
    var count = Device.count(choice);
    for (var ordinal = 0; ordinal < count; ordinal++) {
      try (var device = Device.open(choice, ordinal);
          var x = DeviceBuffer.allocate(device, ElementType.FLOAT32, 2)) {
        assertEquals(ordinal, device.ordinal());
        x.copyFrom(new float[] {1, 2});
        device.blas().scal(2, x);
        assertArrayEquals(new float[] {2, 4}, x.toFloats());
      }
    }
    for (var ordinal : List.of(-1, count)) {
      var e =
          assertThrows(IllegalArgumentException.class, () -> Device.open(choice, ordinal).close());
      assertEquals(
          "ordinal of a device = "
              + ordinal
              + ", must be from 0 to "
              + (ordinal < 0 ? 0 : count - 1),
          e.getMessage());
    }
  }

  @Test
  void closesOnceAndRefusesAfterwards() {
    var device = Device.open();
    var stream = device.stream();
    device.close();
    device.close();
    assertFalse(device.isOpen());
    for (Runnable use :
        List.<Runnable>of(
            device::stream,
            device::blas,
            device::kernels,
            device::memory,
            device::synchronize,
            device::checkAccess,
            () -> device.handOver(Thread.currentThread()),
            () -> DeviceBuffer.allocate(device, ElementType.FLOAT32, 1),
            () -> PinnedBuffer.allocate(device, ElementType.FLOAT32, 1),
            () -> Event.create(device),
            () -> Stream.create(device))) {
      var e = assertThrows(IllegalStateException.class, use::run);
      assertEquals("Device is closed", e.getMessage());
    }
    var e = assertThrows(IllegalStateException.class, stream::synchronize);
    assertEquals("Stream is closed", e.getMessage());
  }

  @Test
  void closesWhatIsLeftOpenNewestFirst() {
    var closed = new ArrayList<String>();
    var device = Device.open();
    class Resource extends DeviceResource {
      private final String name;

      Resource(String name) {
        super(device);
        this.name = name;
      }

      @Override
      protected void release() {
        closed.add(name);
      }
    }
    var first = new Resource("first");
    var second = new Resource("second");
    var third = new Resource("third");
    var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 10);
    second.close();
    device.close();
    assertEquals(List.of("second", "third", "first"), closed);
    assertFalse(first.isOpen() || third.isOpen());
    first.close();
    buffer.close();
    assertThrows(IllegalStateException.class, buffer::pointer);
  }

  @Test
  void closesAllEvenIfClosingFails() {
    var device = Device.open();
    class Failing extends DeviceResource {
      private final String name;

      Failing(String name) {
        super(device);
        this.name = name;
      }

      @Override
      protected void release() {
        throw new IllegalStateException(name);
      }
    }
    var one = new Failing("one");
    var two = new Failing("two");
    var e = assertThrows(IllegalStateException.class, device::close);
    assertEquals("two", e.getMessage());
    assertEquals("one", e.getSuppressed()[0].getMessage());
    assertFalse(device.isOpen() || one.isOpen() || two.isOpen());
  }

  @Test
  void hasOneResourceOfAType() {
    try (var device = Device.open();
        var other = Device.open()) {
      assertSame(device.blas(), device.blas());
      assertNotSame(device.blas(), other.blas());
      device.blas().close();
      assertTrue(device.blas().isOpen());
    }
  }

  @Test
  void belongsToItsThread() throws InterruptedException {
    try (var device = Device.open();
        var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 1)) {
      var owner = Thread.currentThread();
      var intruder = new AtomicReference<Thread>();
      for (Runnable use :
          List.<Runnable>of(
              device::synchronize, device::close, buffer::pointer, buffer::clear, buffer::close)) {
        var e =
            onOtherThread(
                "intruder",
                () -> {
                  intruder.set(Thread.currentThread());
                  use.run();
                });
        assertSame(WrongThreadException.class, e.getClass(), () -> "got " + e);
        assertEquals(
            "the device belongs to thread #%d '%s' and is used by thread #%d 'intruder', which gets"
                    .formatted(owner.threadId(), owner.getName(), intruder.get().threadId())
                + " it by handOver, or when the other has ended",
            e.getMessage());
      }
      assertTrue(device.isOpen());
      buffer.clear();
    }
  }

  @Test
  void canBeHandedOver() throws InterruptedException {
    var device = Device.open();
    var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, 3);
    var next =
        Thread.ofPlatform()
            .name("next")
            .unstarted(
                () -> {
                  var fill = device.kernels().get("fill", "fill_f32");
                  fill.overElements(3, buffer, 2f, 3L).run();
                  assertEquals(2, buffer.toFloats()[2]);
                  device.close();
                });
    var failure = new AtomicReference<Throwable>();
    next.setUncaughtExceptionHandler((thread, e) -> failure.set(e));
    device.handOver(next);
    var e = assertThrows(WrongThreadException.class, device::synchronize);
    var owned = "the device belongs to thread #" + next.threadId() + " 'next'";
    assertTrue(e.getMessage().startsWith(owned), e::getMessage);
    next.start();
    next.join();
    assertEquals(null, failure.get());
    assertFalse(device.isOpen());
    device.close();
  }

  @Test
  void goesToTheNextThreadWhenItsOwnHasEnded() throws InterruptedException {
    var device = Device.open();
    var buffer = DeviceBuffer.allocate(device, ElementType.INT32, 3);
    var idle = Thread.ofPlatform().name("idle").unstarted(() -> {});
    device.handOver(idle);
    assertThrows(WrongThreadException.class, buffer::close);
    idle.start();
    idle.join();
    // The first of the two that uses it has it until it ends.
    assertNull(onOtherThread("one", () -> buffer.copyFrom(new int[] {1, 2, 3})));
    assertArrayEquals(new int[] {1, 2, 3}, buffer.toInts());
    assertSame(WrongThreadException.class, onOtherThread("two", buffer::toInts).getClass());
    var e = assertThrows(IllegalArgumentException.class, () -> device.handOver(idle));
    assertEquals("thread 'idle' has ended", e.getMessage());
    device.close();
  }

  @Test
  void isClosedWhenTheThreadThatOpenedItHasEnded() throws InterruptedException {
    var opened = new AtomicReference<Device>();
    assertNull(onOtherThread("opener", () -> opened.set(Device.open())));
    var device = opened.get();
    var refused = new AtomicReference<Throwable>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                device.close();
              } catch (Throwable e) {
                refused.set(e);
              }
            })
        .join();
    assertSame(IllegalStateException.class, refused.get().getClass());
    device.close();
    assertFalse(device.isOpen());
  }

  /** A wait for the whole GPU would end the capture; closing a device, which has one, waits. */
  @Test
  void othersWaitAndCloseBesideACapture() throws InterruptedException {
    var waited = new CountDownLatch(1);
    var closed = new AtomicBoolean();
    var thrown = new AtomicReference<Throwable>();
    Runnable neighbour =
        () -> {
          try (var other = Device.open()) {
            try (var buffer = DeviceBuffer.allocate(other, ElementType.INT32, 4)) {
              try (var pinned = PinnedBuffer.allocate(other, ElementType.INT32, 4)) {
                buffer.copyFrom(pinned);
              }
              other.synchronize();
            } catch (RuntimeException e) {
              thrown.set(e);
            } finally {
              waited.countDown();
            }
          }
          closed.set(true);
        };
    try (var device = Device.open();
        var buffer = DeviceBuffer.allocate(device, ElementType.INT32, 4)) {
      buffer.copyFrom(new int[] {1, 2, 3, 4});
      var threads = new ArrayList<Thread>();
      try (var graph =
          device.stream()
              .capture(
                  () -> {
                    threads.add(Thread.ofPlatform().start(neighbour));
                    try {
                      assertTrue(waited.await(60, TimeUnit.SECONDS));
                    } catch (InterruptedException e) {
                      throw new AssertionError(e);
                    }
                    assertFalse(closed.get());
                    buffer.clear();
                  })) {
        threads.getFirst().join();
        assertNull(thrown.get());
        graph.launch();
        assertArrayEquals(new int[4], buffer.toInts());
      }
      try (var other = Device.open()) {
        var e =
            assertThrows(IllegalStateException.class, () -> device.stream().capture(other::close));
        assertEquals("closing a device cannot be captured", e.getMessage());
        assertTrue(other.isOpen());
      }
    }
  }

  @Test
  void needsAPlatformThread() throws InterruptedException {
    var thrown = new AtomicReference<Throwable>();
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                Device.open().close();
              } catch (Throwable e) {
                thrown.set(e);
              }
            })
        .join();
    assertSame(IllegalStateException.class, thrown.get().getClass());
    try (var device = Device.open()) {
      var virtual = Thread.ofVirtual().unstarted(() -> {});
      assertThrows(IllegalArgumentException.class, () -> device.handOver(virtual));
    }
  }

  /** As SQLite tests its memory: every call fails once, and nothing is left. */
  @Test
  void openingFailsCleanlyAtEveryCall() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    var host = HostControl.get();
    var before = host.live();
    var failures = 0;
    for (var k = 1; ; k++) {
      assertTrue(k < 1000, "opening never succeeds");
      host.fail(null, k, Cudart.cudaErrorUnknown(), false);
      Device device;
      try {
        device = Device.open();
      } catch (CudaException e) {
        host.clearFault();
        failures++;
        assertEquals(Cudart.cudaErrorUnknown(), e.code());
        assertEquals(CudaDriver.CUDA_ERROR_UNKNOWN(), e.code());
        assertEquals(before, host.live(), "call " + k);
        continue;
      }
      host.clearFault();
      device.close();
      break;
    }
    assertTrue(failures >= 8, failures + " calls failed");
    assertEquals(before, host.live());
  }

  /** From the k-th call on everything fails, closing too: the error is reported, not a crash. */
  @Test
  void openingFailsWhenNothingWorksAnyMore() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    var host = HostControl.get();
    var before = host.live();
    for (var k = 1; k < 8; k++) {
      host.fail(null, k, Cudart.cudaErrorUnknown(), true);
      var e = assertThrows(CudaException.class, Device::open);
      host.clearFault();
      assertEquals(Cudart.cudaErrorUnknown(), e.code());
      assertEquals(before, host.live(), "call " + k);
    }
  }
}
