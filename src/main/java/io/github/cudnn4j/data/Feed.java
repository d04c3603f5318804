package io.github.cudnn4j.data;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cuda.ProfilerRange;
import io.github.cudnn4j.cuda.Stream;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Brings batches to the device, one after the other.
 *
 * <pre>
 *   host: fills a place of the ring, launches       device: fetches from the ring's next place, works
 * </pre>
 *
 * <p>The ring is pinned memory, which the device reads by itself: the work on a batch begins with a
 * kernel that fetches the next place and counts, so that the same captured graph serves all batches
 * of a shape and a step is one launch. Nothing else is called but twice in each half of the ring,
 * which is not written again before the device has fetched it: the host waits if it is a ring
 * ahead.
 *
 * <pre>{@code
 * feed.start(source.epoch(random));
 * for (int shape = feed.next(rate); shape >= 0; shape = feed.next(rate)) {
 *   batches[shape].check(); // it came from feed.batch(tapes[shape], shape)
 *   feed.fetch(shape); // this and the work on that may be one captured graph
 *   tapes[shape].forward();
 *   feed.done();
 * }
 * }</pre>
 *
 * <p>Allocates nothing and waits for nothing else, beyond what the source does. Owner of all of
 * that, and of the epoch; belongs to the device's thread.
 */
public final class Feed implements AutoCloseable {

  private static final ProfilerRange FETCH = ProfilerRange.named("fetch");

  private static final int HALVES = 2;

  /** Enough that the calls for a half do not count, and few enough for a training to stop soon. */
  private static final int MOST_PLACES_IN_HALF = 16;

  private static final long MOST_BYTES_IN_HALF = 1 << 20;

  /** The words that one block fetches, so few that each of its threads has one. */
  private static final int PART = 1024;

  private final Device device;
  private final Stream stream;
  private final BatchLayout layout;
  private final BatchOffsets offsets;
  private final Parts parts = new Parts();
  private final int placesInHalf;
  private final List<HostBatch> places = new ArrayList<>();
  private final Event[] fetched = new Event[HALVES];
  private final DeviceBuffer counters;
  private final DeviceBuffer window;
  private final DeviceBuffer number;
  private final Launch[] fetches;

  /** Of each slot that has lengths: those of the batch under way. */
  private final int[][] lengths;

  private @Nullable Epoch epoch;
  private int next;
  private boolean inStep;
  private boolean closed;
  private long steps;
  private long epochSteps;
  private long epochPlaces;

  private Feed(Device device, Precision precision, BatchLayout layout) {
    this.device = device;
    this.layout = layout;
    stream = device.stream();
    offsets = new BatchOffsets(layout, precision.type());
    lengths = new int[layout.slots().size()][];
    for (int slot = 0; slot < lengths.length; slot++) {
      lengths[slot] = new int[layout.slots().get(slot).hasLengths() ? layout.batch() : 0];
      // What a plan is made for before the first batch comes.
      Arrays.fill(lengths[slot], 1);
    }
    fetches = new Launch[layout.shapes()];
    long bytes = offsets.bytes();
    placesInHalf = Math.clamp(MOST_BYTES_IN_HALF / bytes, 1, MOST_PLACES_IN_HALF);
    int count = HALVES * placesInHalf;
    long words = bytes / Long.BYTES;
    try {
      var ring =
          parts.add(
              PinnedBuffer.allocate(device, ElementType.INT64, Math.multiplyExact(count, words)));
      for (int i = 0; i < count; i++) {
        places.add(new HostBatch(offsets, ring.segment().asSlice(i * bytes, bytes)));
      }
      for (int half = 0; half < HALVES; half++) {
        fetched[half] = parts.add(Event.create(device));
      }
      int blocks = Math.toIntExact(Math.ceilDiv(words, PART));
      counters = parts.add(DeviceBuffer.allocate(device, ElementType.INT32, blocks));
      window = parts.add(DeviceBuffer.allocate(device, ElementType.INT64, words));
      number = view(ElementType.FLOAT64, 0, 1);
      var kernel = device.kernels().get("embedding", "fetch_window");
      for (int shape = 0; shape < fetches.length; shape++) {
        long fetchedWords = offsets.bytes(shape) / Long.BYTES;
        fetches[shape] =
            parts.add(
                kernel.overLongRows(
                    blocks, ring, counters, window, words, fetchedWords, (long) PART, count));
      }
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Makes a ring.
   *
   * @param precision that of the tapes; its type is that of floating-point slots
   */
  public static Feed create(Device device, Precision precision, BatchLayout layout) {
    Objects.requireNonNull(layout, "layout");
    return new Feed(device, precision, layout);
  }

  /** Returns what a batch holds. */
  public BatchLayout layout() {
    return layout;
  }

  /**
   * Returns where the work on a tape finds each batch of a shape.
   *
   * @param tape of this feed's device and precision
   * @throws IndexOutOfBoundsException if there is no such shape
   * @throws IllegalArgumentException if the tape is of another precision's type
   */
  public Batch batch(Tape tape, int shape) {
    Objects.checkIndex(shape, layout.shapes());
    if (tape.type() != offsets.floatType()) {
      throw new IllegalArgumentException(
          "a tape of " + tape.type() + " for batches of " + offsets.floatType());
    }
    return new Batch(this, tape, shape);
  }

  /** Returns where the work finds the number that comes with a batch, one FLOAT64. */
  public DeviceBuffer number() {
    return number;
  }

  /**
   * Begins a pass, which is closed at its end, when another begins or with this.
   *
   * @throws IllegalStateException if this is closed; the pass stays open then
   * @throws IOException if the pass before cannot be closed
   */
  public void start(Epoch pass) throws IOException {
    Objects.requireNonNull(pass, "pass");
    checkOpen();
    endEpoch();
    epoch = pass;
    epochSteps = 0;
    epochPlaces = 0;
  }

  /**
   * Takes the next batch; its work is to be enqueued, then {@link #done} called. If the work fails
   * and that is not called, the next call waits for the device.
   *
   * @param value the number that comes with it, such as a learning rate
   * @return the shape, -1 at the end of the pass
   * @throws IllegalStateException if no pass was started, or the last one is at its end
   * @throws IOException as {@link Epoch#next} does
   */
  public int next(double value) throws IOException {
    if (epoch == null) {
      throw new IllegalStateException("no epoch was started");
    }
    if (!inStep) {
      restart();
    }
    HostBatch place = places.get(next);
    int shape = epoch.next(place);
    if (shape < 0) {
      endEpoch();
      return shape;
    }
    place.number(value);
    for (int slot = 0; slot < lengths.length; slot++) {
      if (lengths[slot].length > 0) {
        place.lengths(slot, lengths[slot]);
      }
    }
    steps = place.steps();
    epochSteps += steps;
    epochPlaces += layout.steps(shape);
    inStep = false;
    return shape;
  }

  /** Changes the number that comes with the batch that {@link #next} took. */
  public void number(double value) {
    places.get(next).number(value);
  }

  /** Enqueues that the device fetches the batch that {@link #next} took, of this shape. */
  public void fetch(int shape) {
    try (var _ = FETCH.begin()) {
      fetches[shape].run();
    }
  }

  /** Tells that all work on the batch is enqueued. Waits if the device is a ring behind. */
  public void done() {
    int half = next / placesInHalf;
    next = (next + 1) % places.size();
    if (next % placesInHalf == 0) {
      stream.record(fetched[half]);
      fetched[next / placesInHalf].synchronize();
    }
    inStep = true;
  }

  /** Returns how many steps of sequences, or rows without any, the last batch had that count. */
  public long steps() {
    return steps;
  }

  /**
   * Returns the part of the steps that the device was given in this pass, or the last, which is
   * padding: 0 to 1, NaN before the first batch.
   */
  public double padding() {
    return 1 - (double) epochSteps / epochPlaces;
  }

  /** Lets host and device begin with the same place, at first and after a step that failed. */
  private void restart() {
    stream.synchronize();
    counters.clear();
    next = 0;
    inStep = true;
  }

  private void endEpoch() throws IOException {
    Epoch ended = epoch;
    epoch = null;
    if (ended != null) {
      ended.close();
    }
  }

  /** Returns the elements of a slot. */
  DeviceBuffer slot(int slot, int shape) {
    return view(offsets.type(slot), offsets.slot(slot, shape), layout.elements(slot, shape));
  }

  /** Returns the batch that {@link #next} took. */
  HostBatch taken() {
    return places.get(next);
  }

  /** Returns which rows count, {@code [B]} INT32. */
  DeviceBuffer counted() {
    return view(ElementType.INT32, offsets.counted(), layout.batch());
  }

  /** Returns the lengths of a slot, {@code [B]} INT32. */
  DeviceBuffer lengths(int slot, int shape) {
    return view(ElementType.INT32, offsets.lengths(slot, shape), layout.batch());
  }

  /** Returns the host's copy of the lengths of a slot, kept equal by {@link #next}. */
  int[] hostLengths(int slot) {
    return lengths[slot];
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the feed is closed");
    }
  }

  private DeviceBuffer view(ElementType type, long offset, long elements) {
    checkOpen();
    return parts.add(DeviceBuffer.wrap(device, type, window.address() + offset, elements));
  }

  /**
   * Frees everything.
   *
   * @throws UncheckedIOException if the pass cannot be closed
   */
  @Override
  public void close() {
    closed = true;
    try (parts) {
      endEpoch();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
