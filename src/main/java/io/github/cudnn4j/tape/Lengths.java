package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.PinnedBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How many steps of each sequence of a batch count, and the operations for which that matters.
 *
 * <p>The lengths are numbers in device memory, read at each {@link Tape#forward} and {@link
 * Tape#backward}: other lengths need neither another tape nor another graph. One below 0 counts as
 * 0, one above T as T. Steps that do not count are not read; what an operation gives for them is 0,
 * and so is their gradient.
 *
 * <p>The same numbers are kept on the host, where a recurrent network takes them from at each
 * forward; they must be in [1, T] then.
 */
public final class Lengths {

  private static final String FILE = "time";

  /** How many times the host may have set lengths that the device has not read yet. */
  private static final int MOST_AHEAD = 8;

  private final Tape tape;
  private final DeviceBuffer lengths;
  private final int[] numbers;

  /** What is on its way to the device; none if the numbers are someone else's. */
  private final List<Transfer> transfers = new ArrayList<>();

  private int next;

  private record Transfer(PinnedBuffer numbers, Event done) {}

  /** Makes lengths of 0 that {@link #set} changes. */
  Lengths(Tape tape, int batch) {
    this.tape = tape;
    this.lengths = tape.indices(batch).buffer();
    this.numbers = new int[batch];
    for (int i = 0; i < MOST_AHEAD; i++) {
      Device device = tape.device();
      transfers.add(
          new Transfer(
              tape.own(PinnedBuffer.allocate(device, ElementType.INT32, batch)),
              tape.own(Event.create(device))));
    }
  }

  /** Describes numbers that someone else keeps the same in both places. */
  Lengths(Tape tape, DeviceBuffer lengths, int[] numbers) {
    if (lengths.type() != ElementType.INT32 || lengths.elements() != numbers.length) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d %s elements for %d lengths, needed are as many INT32",
              lengths.elements(),
              lengths.type(),
              numbers.length));
    }
    this.tape = tape;
    this.lengths = lengths;
    this.numbers = numbers;
  }

  /**
   * Sets the lengths for what is enqueued from here on. Allocates nothing, and waits only if the
   * device has yet to read those of 8 calls before.
   *
   * @param lengths B of them, from 0; copied
   * @throws IllegalArgumentException if their number is not B, or one is negative
   * @throws IllegalStateException if the numbers are kept by someone else, the tape is closed, or
   *     this thread captures
   */
  public void set(int... lengths) {
    if (transfers.isEmpty()) {
      throw new IllegalStateException("these lengths are set by whoever keeps them");
    }
    if (lengths.length != numbers.length) {
      throw new IllegalArgumentException(
          lengths.length + " lengths for " + numbers.length + " sequences");
    }
    for (int row = 0; row < lengths.length; row++) {
      if (lengths[row] < 0) {
        throw new IllegalArgumentException(
            "lengths[" + row + "] is " + lengths[row] + ", must be 0 or more");
      }
    }
    Transfer transfer = transfers.get(next);
    transfer.done.synchronize();
    MemorySegment.copy(
        lengths, 0, transfer.numbers.segment(), ValueLayout.JAVA_INT, 0, lengths.length);
    this.lengths.copyFrom(transfer.numbers);
    next = (next + 1) % MOST_AHEAD;
    transfer.done.record();
    System.arraycopy(lengths, 0, numbers, 0, lengths.length);
  }

  /** Returns the lengths on the device, {@code [B]} INT32, to be written by {@link #set} alone. */
  public DeviceBuffer buffer() {
    return lengths;
  }

  /** Returns the tape whose operations alone can take these. */
  Tape tape() {
    return tape;
  }

  /** Returns the lengths on the host. */
  int[] numbers() {
    return numbers;
  }

  /** Returns the number of sequences, B. */
  public int batch() {
    return numbers.length;
  }

  /**
   * Records the number of each step, from 0, and -1 of steps that do not count: for a loss over
   * those that do, or for an embedding of positions.
   *
   * @param time T
   * @return {@code [T, B]}
   * @throws IllegalArgumentException if {@code time} is not positive
   */
  public Indices steps(int time) {
    Indices steps = tape.indices(time, batch());
    tape.play(
        new Launches(
            List.of(
                tape.own(
                    tape.kernel(FILE, "time_steps")
                        .overElements(steps.elements(), lengths, steps.buffer(), time, batch()))),
            List.of()));
    return steps;
  }

  /**
   * Records zeros in place of the steps that do not count.
   *
   * @param x {@code [T, B, C]}
   * @return {@code [T, B, C]}
   * @throws IllegalArgumentException if the shape does not fit
   */
  public Tensor mask(Tensor x) {
    return inTime("mask_time", x);
  }

  /**
   * Records each sequence with its last step first.
   *
   * @param x {@code [T, B, C]}
   * @return {@code [T, B, C]}
   * @throws IllegalArgumentException if the shape does not fit
   */
  public Tensor reverse(Tensor x) {
    return inTime("reverse_time", x);
  }

  /** Records a kernel that is its own derivative. */
  private Tensor inTime(String kernel, Tensor x) {
    check(x);
    return tape.record(
        x.shape(),
        (in, y) ->
            Launches.of(
                launch(kernel, x, x.value(), y.value()),
                in.get(0),
                y,
                (dy, dx) -> launch(kernel, x, dy, dx)),
        x);
  }

  private Launch launch(String kernel, Tensor shape, DeviceBuffer from, DeviceBuffer to) {
    int time = shape.dim(0);
    return tape.own(
        tape.kernel(FILE, kernel, tape.type())
            .overRows(shape.rows(), lengths, from, to, time, batch(), shape.columns()));
  }

  /**
   * Records the last step of each sequence.
   *
   * @param x {@code [T, B, C]}
   * @return {@code [B, C]}, zeros of a sequence without steps
   * @throws IllegalArgumentException if the shape does not fit
   */
  public Tensor last(Tensor x) {
    check(x);
    int time = x.dim(0);
    int columns = x.columns();
    return tape.record(
        new int[] {batch(), columns},
        (in, y) ->
            Launches.of(
                tape.own(
                    tape.kernel(FILE, "last_step", tape.type())
                        .overRows(batch(), lengths, x.value(), y.value(), time, batch(), columns)),
                in.get(0),
                y,
                (dy, dx) -> launch("last_step_gradient", x, dy, dx)),
        x);
  }

  /**
   * Records the sum of the steps of each sequence.
   *
   * @param x {@code [T, B, C]}
   * @return {@code [B, C]}
   * @throws IllegalArgumentException if the shape does not fit
   */
  public Tensor sum(Tensor x) {
    return sum(x, 0);
  }

  /** As {@link #sum}, divided by the length; zeros of a sequence without steps. */
  public Tensor mean(Tensor x) {
    return sum(x, 1);
  }

  private Tensor sum(Tensor x, int averaged) {
    check(x);
    int time = x.dim(0);
    int columns = x.columns();
    return tape.record(
        new int[] {batch(), columns},
        (in, y) ->
            Launches.of(
                tape.own(
                    tape.kernel(FILE, "sum_time", tape.type())
                        .overRows(
                            batch(), lengths, x.value(), y.value(), averaged, time, batch(),
                            columns)),
                in.get(0),
                y,
                (dy, dx) ->
                    tape.own(
                        tape.kernel(FILE, "sum_time_gradient", tape.type())
                            .overRows(
                                x.rows(), lengths, dy, dx, averaged, time, batch(), columns))),
        x);
  }

  /**
   * Records the softmax over the last extent, of the columns below the length, as the weights of
   * attention over the steps of a sequence; zeros of a sequence without steps.
   *
   * @param x {@code [B, ..., T]}
   * @return the shape of {@code x}
   * @throws IllegalArgumentException if the shape does not fit
   */
  public Tensor softmax(Tensor x) {
    if (x.rank() < 2 || x.dim(0) != batch()) {
      throw new IllegalArgumentException(
          x + " for the lengths of " + batch() + " sequences, needed is [B, ..., T]");
    }
    int rows = x.rows();
    int columns = x.columns();
    return tape.record(
        x.shape(),
        (in, y) ->
            Launches.of(
                tape.own(
                    tape.kernel(FILE, "masked_softmax", tape.type())
                        .overRows(
                            rows, lengths, x.value(), y.value(), rows, columns, rows / batch())),
                in.get(0),
                y,
                (dy, dx) ->
                    tape.own(
                        tape.kernel(FILE, "masked_softmax_gradient", tape.type())
                            .overRows(rows, y.value(), dy, dx, rows, columns))),
        x);
  }

  /** Makes the launch that clears the steps of {@code [T, B, C]} that do not count. */
  Launch clearing(Tensor shape, DeviceBuffer x) {
    return launch("mask_time", shape, x, x);
  }

  /** Checks that sequences are those that these lengths are of. */
  void check(Tensor x) {
    if (x.rank() != 3 || x.dim(1) != batch()) {
      throw new IllegalArgumentException(
          x + " for the lengths of " + batch() + " sequences, needed is [T, B, C]");
    }
  }
}
