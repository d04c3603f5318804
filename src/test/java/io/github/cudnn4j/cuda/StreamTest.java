package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static io.github.cudnn4j.cuda.ElementType.INT32;
import static io.github.cudnn4j.testing.Refusals.refusesNow;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.testing.LeakCheck;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Streams, events, and captured work. */
@Tag(LeakCheck.LEAVES_TO_DEVICE)
class StreamTest {
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void aStreamWaitsForAnother() {
    try (var producer = Stream.create(device);
        var consumer = Stream.create(device);
        var ready = Event.create(device);
        var a = DeviceBuffer.allocate(device, INT32, 1000);
        var b = DeviceBuffer.allocate(device, INT32, 1000)) {
      var fill = device.kernels().get("fill", "fill_i32").overElements(1000, a, 7, 1000L);
      fill.run(producer);
      producer.record(ready);
      consumer.waitFor(ready);
      b.copyFrom(a, consumer);
      consumer.synchronize();
      assertTrue(consumer.isDone());
      assertEquals(7, b.toInts()[999]);
      fill.close();
    }
  }

  @Test
  void eventsMeasureTime() {
    try (var start = Event.create(device);
        var end = Event.create(device);
        var buffer = DeviceBuffer.allocate(device, INT32, 1 << 20)) {
      assertTrue(start.isDone());
      start.record();
      buffer.clear();
      end.record();
      end.synchronize();
      assertTrue(end.isDone());
      var millis = end.millisSince(start);
      assertTrue(millis >= 0 && millis < 60_000, () -> "millis = " + millis);
    }
  }

  @Test
  void nothingWorksAfterClose() {
    var stream = Stream.create(device);
    var event = Event.create(device);
    stream.close();
    stream.close();
    refusesNow("Stream is closed", stream::synchronize);
    refusesNow("Stream is closed", stream::isDone);
    refusesNow("Stream is closed", stream::handle);
    refusesNow("Stream is closed", () -> stream.record(event));
    refusesNow("Stream is closed", () -> stream.capture(() -> {}));
    event.close();
    event.close();
    refusesNow("Event is closed", event::record);
    refusesNow("Event is closed", event::synchronize);
    refusesNow("Event is closed", () -> device.stream().waitFor(event));
  }

  @Test
  void capturedWorkIsReplayed() {
    try (var x = DeviceBuffer.allocate(device, FLOAT32, 4);
        var y = DeviceBuffer.allocate(device, FLOAT32, 4);
        var norm = DeviceBuffer.allocate(device, FLOAT32, 1)) {
      var stream = device.stream();
      // What is used for the first time may load code, which a capture does not allow on a GPU.
      device.blas().axpy(0, x, y);
      device.blas().nrm2(x, norm);
      x.copyFrom(new float[] {1, 2, 3, 4});
      y.clear();
      try (var graph =
          stream.capture(
              () -> {
                assertTrue(stream.isCapturing());
                device.blas().axpy(1, x, y);
                device.blas().nrm2(y, norm);
              })) {
        assertFalse(stream.isCapturing());
        stream.synchronize();
        assertArrayEquals(new float[4], y.toFloats());
        graph.launch();
        graph.launch();
        assertArrayEquals(new float[] {2, 4, 6, 8}, y.toFloats());
        assertEquals(Math.sqrt(120), norm.toFloats()[0], 1e-5);
        x.copyFrom(new float[] {-2, -4, -6, -8});
        try (var other = Stream.create(device)) {
          graph.launch(other);
          other.synchronize();
        }
        assertArrayEquals(new float[4], y.toFloats());
      }
    }
  }

  @Test
  void aGraphOutlivesNoMemory() {
    var buffer = DeviceBuffer.allocate(device, INT32, 4);
    var pinned = PinnedBuffer.allocate(device, INT32, 4);
    var one = device.stream().capture(() -> buffer.slice(1, 2).clear());
    var two = device.stream().capture(() -> buffer.copyTo(pinned));
    pinned.close();
    one.launch();
    refusesNow("memory that the captured work uses is closed", two::launch);
    buffer.close();
    refusesNow("memory that the captured work uses is closed", one::launch);
    one.close();
    one.close();
    refusesNow("CapturedGraph is closed", one::launch);
    two.close();
  }

  /** Also where the inner graph is closed, and smaller memory is at the same place. */
  @Test
  void aGraphInAGraphOutlivesNoMemory() {
    var stream = device.stream();
    var buffer = DeviceBuffer.allocate(device, FLOAT32, 100_000);
    var fill = device.kernels().get("fill", "fill_f32").overElements(100_000, buffer, 2f, 100_000L);
    var inner = stream.capture(fill::run);
    var outer = stream.capture(inner::launch);
    var outermost = stream.capture(outer::launch);
    outermost.launch();
    assertEquals(2, buffer.toFloats()[99_999]);
    inner.close();
    buffer.close();
    for (var i = 0; i < 100; i++) {
      DeviceBuffer.allocate(device, FLOAT32, 1000);
    }
    refusesNow("memory that the captured work uses is closed", outer::launch);
    refusesNow("memory that the captured work uses is closed", outermost::launch);
  }

  @Test
  void whatWaitsCannotBeCaptured() {
    try (var buffer = DeviceBuffer.allocate(device, INT32, 1)) {
      var stream = device.stream();
      refusesNow(
          "waiting for the stream cannot be captured", () -> stream.capture(stream::synchronize));
      refusesNow("a copy that waits cannot be captured", () -> stream.capture(buffer::toInts));
      refusesNow("closing a resource cannot be captured", () -> stream.capture(buffer::close));
      refusesNow(
          "allocating memory cannot be captured",
          () -> stream.capture(() -> DeviceBuffer.allocate(device, INT32, 1)));
      refusesNow(
          "a capture is under way on this thread",
          () -> stream.capture(() -> stream.capture(() -> {})));
      refusesNow(
          "a capture is under way on this thread",
          () -> stream.capture(() -> device.handOver(new Thread())));
      assertFalse(stream.isCapturing());
      buffer.copyFrom(new int[] {5});
      assertArrayEquals(new int[] {5}, buffer.toInts());
    }
  }

  @Test
  void aCaptureConcernsEveryDeviceOfItsThread() {
    try (var other = Device.open();
        var theirs = DeviceBuffer.allocate(other, INT32, 4);
        var theirEvent = Event.create(other);
        var ours = DeviceBuffer.allocate(device, INT32, 4)) {
      ours.copyFrom(new int[] {1, 2, 3, 4});
      theirs.copyFrom(new int[] {5, 6, 7, 8});
      var stream = device.stream();
      try (var graph =
          stream.capture(
              () -> {
                refusesNow("closing a resource cannot be captured", theirs::close);
                refusesNow("closing a device cannot be captured", other::close);
                refusesNow("opening a device cannot be captured", Device::open);
                refusesNow("making the device's Blas cannot be captured", other::blas);
                refusesNow(
                    "allocating memory cannot be captured",
                    () -> DeviceBuffer.allocate(other, INT32, 1));
                refusesNow(
                    "allocating memory cannot be captured",
                    () -> PinnedBuffer.allocate(other, INT32, 1));
                refusesNow("a copy that waits cannot be captured", theirs::toInts);
                refusesNow("waiting for the stream cannot be captured", other::synchronize);
                refusesNow(
                    "asking for the state of the stream cannot be captured",
                    () -> other.stream().isDone());
                refusesNow("waiting for an event cannot be captured", theirEvent::synchronize);
                refusesNow(
                    "asking for the state of an event cannot be captured", theirEvent::isDone);
                refusesNow(
                    "a capture is under way on this thread",
                    () -> other.stream().capture(() -> {}));
                theirs.clear();
                ours.clear();
              })) {
        assertArrayEquals(new int[4], theirs.toInts());
        assertArrayEquals(new int[] {1, 2, 3, 4}, ours.toInts());
        graph.launch();
        assertArrayEquals(new int[4], ours.toInts());
      }
    }
  }

  @Test
  void theDevicesOwnStreamIsClosedWithTheDevice() {
    Stream own;
    try (var other = Device.open()) {
      own = other.stream();
      refusesNow("the device's own stream is closed with the device", own::close);
      assertTrue(own.isOpen());
      own.synchronize();
    }
    assertFalse(own.isOpen());
    own.close();
  }

  @Test
  void aCaptureOfAnotherDeviceTakesNoWork() {
    try (var other = Device.open();
        var theirs = DeviceBuffer.allocate(other, INT32, 4);
        var ours = DeviceBuffer.allocate(device, INT32, 4);
        var event = Event.create(other);
        var borrowed = Stream.wrap(other, device.stream().handle().address())) {
      theirs.copyFrom(new int[] {1, 2, 3, 4});
      ours.copyFrom(new int[] {1, 2, 3, 4});
      var refusal = "the stream is captured by another device";
      var graph =
          device.stream()
              .capture(
                  () -> {
                    refusesNow(refusal, () -> theirs.clear(borrowed));
                    refusesNow(refusal, () -> borrowed.waitFor(event));
                    refusesNow(refusal, () -> borrowed.record(event));
                  });
      graph.launch();
      graph.close();
      borrowed.capture(() -> refusesNow(refusal, ours::clear)).close();
      assertArrayEquals(new int[] {1, 2, 3, 4}, ours.toInts());
      theirs.clear(borrowed);
      borrowed.synchronize();
      assertArrayEquals(new int[4], theirs.toInts());
    }
  }
}
