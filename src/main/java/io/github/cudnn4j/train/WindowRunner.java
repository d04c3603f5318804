package io.github.cudnn4j.train;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.Stream;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs the same work on one window of tokens after the other.
 *
 * <pre>
 *   host memory  ---- upload stream ---->  slot 0, slot 1  ---- device's stream ---->  window, work
 * </pre>
 *
 * <p>A window travels in one copy: inputs, labels and a number such as the learning rate. There are
 * two slots on each side, so that the next window is on its way while the device works on this one;
 * the host waits only if the device is two windows behind. The work reads a fixed place, to which
 * its slot is copied first: that copy is small, stays on the device and is part of the captured
 * work, of which there is one graph for each slot. So a step is one launch, and the tape knows
 * nothing of slots.
 *
 * <p>Owner of all of that; belongs to the device's thread.
 */
final class WindowRunner implements AutoCloseable {

  private static final int SLOTS = 2;

  /** The number takes the place of two tokens, behind them: their sizes make it aligned. */
  private static final int NUMBER = Double.BYTES / Integer.BYTES;

  private static final class Slot {
    final PinnedBuffer host;
    final MemorySegment labels;
    final DeviceBuffer staged;
    final Event uploaded;
    final Event done;
    @Nullable CapturedGraph graph;

    Slot(Device device, int tokens, Parts parts) {
      long size = 2L * tokens + NUMBER;
      host = parts.add(PinnedBuffer.allocate(device, ElementType.INT32, size));
      labels = host.segment().asSlice((long) tokens * Integer.BYTES);
      staged = parts.add(DeviceBuffer.allocate(device, ElementType.INT32, size));
      uploaded = parts.add(Event.create(device));
      done = parts.add(Event.create(device));
    }
  }

  private final SequentialBatches batches;
  private final boolean capture;
  private final Stream stream;
  private final Stream upload;
  private final List<Slot> slots = new ArrayList<>();
  private final Parts parts = new Parts();
  private final long numberOffset;
  private final DeviceBuffer window;
  private final DeviceBuffer inputs;
  private final DeviceBuffer labels;
  private final DeviceBuffer number;
  private int next;
  private boolean warm;

  private WindowRunner(Device device, SequentialBatches batches, boolean capture) {
    this.batches = batches;
    this.capture = capture;
    stream = device.stream();
    int tokens = Math.multiplyExact(batches.time(), batches.batch());
    numberOffset = 2L * tokens * Integer.BYTES;
    try {
      upload = parts.add(Stream.create(device));
      for (int i = 0; i < SLOTS; i++) {
        slots.add(new Slot(device, tokens, parts));
      }
      window = parts.add(DeviceBuffer.allocate(device, ElementType.INT32, 2L * tokens + NUMBER));
      inputs = window.slice(0, tokens);
      labels = window.slice(tokens, tokens);
      number =
          parts.add(
              DeviceBuffer.wrap(device, ElementType.FLOAT64, window.address() + numberOffset, 1));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Prepares for a text.
   *
   * @param capture whether to capture the work as graphs and replay them
   */
  static WindowRunner create(Device device, SequentialBatches batches, boolean capture) {
    return new WindowRunner(device, batches, capture);
  }

  /** Returns where the work finds the inputs, {@code [T, B]} INT32. */
  DeviceBuffer inputs() {
    return inputs;
  }

  /** Returns where the work finds the labels, {@code [T, B]} INT32. */
  DeviceBuffer labels() {
    return labels;
  }

  /** Returns where the work finds the number that comes with the window, one FLOAT64. */
  DeviceBuffer number() {
    return number;
  }

  /** For tests: the stream that windows travel on. */
  Stream upload() {
    return upload;
  }

  /**
   * Enqueues the work on one window. The first time it runs as it is, so that everything is loaded
   * and allocated; from then on it is replayed.
   *
   * @param work always the same; it may enqueue whatever a graph can hold
   */
  void run(int offset, int index, double value, Runnable work) {
    Slot slot = slots.get(next);
    next = (next + 1) % SLOTS;
    // Then the slot's memory is free on the device too, so that the upload has to wait for nothing.
    slot.done.synchronize();
    batches.window(offset, index, slot.host.segment(), slot.labels);
    slot.host.segment().set(JAVA_DOUBLE, numberOffset, value);
    slot.staged.copyFrom(slot.host, upload);
    upload.record(slot.uploaded);
    stream.waitFor(slot.uploaded);
    if (!capture || !warm) {
      enqueue(slot, work);
      warm = true;
    } else {
      if (slot.graph == null) {
        slot.graph = parts.add(stream.capture(() -> enqueue(slot, work)));
      }
      slot.graph.launch();
    }
    stream.record(slot.done);
  }

  private void enqueue(Slot slot, Runnable work) {
    window.copyFrom(slot.staged);
    work.run();
  }

  @Override
  public void close() {
    parts.close();
  }
}
