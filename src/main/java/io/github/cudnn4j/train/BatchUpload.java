package io.github.cudnn4j.train;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.Stream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Brings windows of tokens to the device through two pinned buffers in turn: while the device still
 * reads one, the host fills the other. It waits only if the device is two windows behind.
 */
final class BatchUpload implements AutoCloseable {

  private static final int SLOTS = 2;

  private record Slot(PinnedBuffer inputs, PinnedBuffer labels, PinnedBuffer rate, Event copied) {}

  private final Stream stream;
  private final List<Slot> slots = new ArrayList<>();
  private final Parts parts = new Parts();
  private int next;
  private double uploadedRate = Double.NaN;

  private BatchUpload(Device device, int tokens) {
    stream = device.stream();
    try {
      for (int i = 0; i < SLOTS; i++) {
        slots.add(
            new Slot(
                parts.add(PinnedBuffer.allocate(device, ElementType.INT32, tokens)),
                parts.add(PinnedBuffer.allocate(device, ElementType.INT32, tokens)),
                parts.add(PinnedBuffer.allocate(device, ElementType.FLOAT64, 1)),
                parts.add(Event.create(device))));
      }
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  static BatchUpload create(Device device, SequentialBatches batches) {
    return new BatchUpload(device, Math.multiplyExact(batches.time(), batches.batch()));
  }

  /**
   * Enqueues the copy of one window, and of the learning rate if it differs from the last one.
   *
   * @param state receives the learning rate; null if there is none
   */
  void window(
      SequentialBatches batches,
      int offset,
      int index,
      DeviceBuffer inputs,
      DeviceBuffer labels,
      double rate,
      @Nullable DeviceBuffer state) {
    Slot slot = slots.get(next);
    slot.copied.synchronize();
    batches.window(offset, index, slot.inputs.segment(), slot.labels.segment());
    inputs.copyFrom(slot.inputs);
    labels.copyFrom(slot.labels);
    if (state != null && rate != uploadedRate) {
      slot.rate.segment().setAtIndex(JAVA_DOUBLE, 0, rate);
      state.copyFrom(StepState.LEARNING_RATE, slot.rate, 0, 1, stream);
      uploadedRate = rate;
    }
    stream.record(slot.copied);
    next = (next + 1) % SLOTS;
  }

  @Override
  public void close() {
    parts.close();
  }
}
