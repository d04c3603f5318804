package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;

/**
 * How many steps of each sequence of a batch count, and the operations for which that matters.
 *
 * <p>The lengths are numbers in device memory, read at each {@link Tape#forward} and {@link
 * Tape#backward}: other lengths need neither another tape nor another graph. One below 0 counts as
 * 0, one above T as T. Steps that do not count are not read; what an operation gives for them is 0,
 * and so is their gradient.
 */
public final class Lengths {

  private static final String FILE = "time";

  private final Tape tape;
  private final DeviceBuffer lengths;

  Lengths(Tape tape, DeviceBuffer lengths) {
    this.tape = tape;
    this.lengths = lengths;
  }

  /** Returns the lengths, {@code [B]} INT32. */
  public DeviceBuffer buffer() {
    return lengths;
  }

  /** Returns the number of sequences, B. */
  public int batch() {
    return (int) lengths.elements();
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

  private void check(Tensor x) {
    if (x.rank() != 3 || x.dim(1) != batch()) {
      throw new IllegalArgumentException(
          x + " for the lengths of " + batch() + " sequences, needed is [T, B, C]");
    }
  }
}
