package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cudnn.RnnDataLayout;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;

/**
 * The shape of a batch of sequences, and how it lies in memory.
 *
 * <pre>{@code
 * T = 3, lengths 3, 2, 1      V = size of a vector (I for x, D*H for y)
 *
 * SEQ_MAJOR_UNPACKED [T, B, V]     SEQ_MAJOR_PACKED [sum of lengths, V]
 *   a0 b0 c0                         a0 b0 c0 a1 b1 a2
 *   a1 b1 --
 *   a2 -- --                       BATCH_MAJOR_UNPACKED [B, T, V]
 *                                    a0 a1 a2   b0 b1 --   c0 -- --
 * }</pre>
 *
 * <p>What stands in the padding of x is never read; the padding of y is written with zeros.
 *
 * <p>Lengths that {@link #varying vary} are set before each call, by {@link RnnPlan#setLengths}.
 *
 * @param layout how the vectors lie
 * @param time T, the steps that there is room for, in [1, 65535]
 * @param lengths the steps of each sequence, in [1, T]; B is how many there are. Packed, they must
 *     not ascend, and the first must be T.
 * @param varies whether the lengths are to be followed by others; they must be T then, and not
 *     packed
 */
public record SequenceShape(RnnDataLayout layout, int time, List<Integer> lengths, boolean varies) {
  /** What cuDNN takes; longer ones it does not support. */
  static final int MOST_STEPS = 65_535;

  private static final int MOST_SEQUENCES = 1 << 24;

  /**
   * Checks every value.
   *
   * @throws IllegalArgumentException if T is outside [1, 65535], there is no sequence, a length is
   *     outside [1, T], or the layout is packed and the lengths ascend or do not start with T, or
   *     they vary and are packed or not T
   */
  public SequenceShape {
    Objects.requireNonNull(layout, "layout");
    Objects.requireNonNull(lengths, "lengths");
    int next = 0;
    for (Integer length : lengths) {
      if (length == null) {
        throw new NullPointerException("lengths[" + next + "]");
      }
      next++;
    }
    lengths = List.copyOf(lengths);
    if (time < 1) {
      throw new IllegalArgumentException("T is " + time + ", but it must be at least 1");
    }
    if (time > MOST_STEPS) {
      throw new IllegalArgumentException(
          "T is " + time + ", but a sequence has at most " + MOST_STEPS + " steps");
    }
    if (lengths.isEmpty()) {
      throw new IllegalArgumentException("B is 0, but there must be at least 1 sequence");
    }
    for (int row = 0; row < lengths.size(); row++) {
      checkLength(lengths.get(row), row, time);
      if (!layout.padded()) {
        checkOrder(lengths, row, time);
      }
    }
    if (varies && !(layout.padded() && full(lengths, time))) {
      throw new IllegalArgumentException(
          "lengths that vary need a padded layout, and are T at first");
    }
  }

  /** As the other constructor, with lengths that do not vary. */
  public SequenceShape(RnnDataLayout layout, int time, List<Integer> lengths) {
    this(layout, time, lengths, false);
  }

  static void checkLength(int length, int row, int time) {
    if (length == 0) {
      throw new IllegalArgumentException(
          "lengths[" + row + "] is 0, but a sequence has at least 1 step; leave empty ones out");
    }
    if (length < 0 || length > time) {
      throw new IllegalArgumentException(
          "lengths[" + row + "] is " + length + ", but it must be in [1, T = " + time + "]");
    }
  }

  private static boolean full(List<Integer> lengths, int time) {
    return lengths.stream().allMatch(length -> length == time);
  }

  private static void checkOrder(List<Integer> lengths, int row, int time) {
    int length = lengths.get(row);
    if (row == 0 && length != time) {
      throw new IllegalArgumentException(
          "lengths[0] is "
              + length
              + ", but packed sequences start with one of length T = "
              + time);
    }
    if (row > 0 && length > lengths.get(row - 1)) {
      throw new IllegalArgumentException(
          "lengths["
              + row
              + "] is "
              + length
              + ", but packed sequences must not get longer, and lengths["
              + (row - 1)
              + "] is "
              + lengths.get(row - 1));
    }
  }

  /**
   * {@code batch} sequences of {@code time} steps each as {@code [T, B, V]}.
   *
   * @throws IllegalArgumentException if {@code time} is outside [1, 65535] or {@code batch} outside
   *     [1, 16777216]
   */
  public static SequenceShape of(int time, int batch) {
    return of(RnnDataLayout.SEQ_MAJOR_UNPACKED, time, batch);
  }

  /**
   * {@code batch} sequences of {@code time} steps each in a given layout.
   *
   * @throws IllegalArgumentException if {@code time} is outside [1, 65535] or {@code batch} outside
   *     [1, 16777216]
   */
  public static SequenceShape of(RnnDataLayout layout, int time, int batch) {
    if (batch < 1) {
      throw new IllegalArgumentException("B is " + batch + ", but it must be at least 1");
    }
    if (batch > MOST_SEQUENCES) {
      throw new IllegalArgumentException(
          "B is " + batch + ", but there are at most " + MOST_SEQUENCES + " sequences");
    }
    return new SequenceShape(layout, time, Collections.nCopies(batch, time));
  }

  /**
   * {@code batch} sequences as {@code [T, B, V]}, each of as many of the {@code time} steps as is
   * set before each call, all of them at first.
   *
   * @throws IllegalArgumentException if {@code time} is outside [1, 65535] or {@code batch} outside
   *     [1, 16777216]
   * @see RnnPlan#setLengths
   */
  public static SequenceShape varying(int time, int batch) {
    SequenceShape full = of(time, batch);
    return new SequenceShape(full.layout, time, full.lengths, true);
  }

  /**
   * Sequences of different lengths, one per element of {@code lengths}.
   *
   * @throws IllegalArgumentException as the constructor
   */
  public static SequenceShape ofLengths(RnnDataLayout layout, int time, int... lengths) {
    return new SequenceShape(layout, time, Arrays.stream(lengths).boxed().toList());
  }

  /** B: how many sequences there are. */
  public int batch() {
    return lengths.size();
  }

  /** Whether every sequence always has T steps. */
  public boolean hasEqualLengths() {
    return !varies && full(lengths, time);
  }

  /** The vectors of x and of y in memory: {@code T*B}, or the sum of the lengths when packed. */
  public long rows() {
    if (layout.padded()) {
      return (long) time * batch();
    }
    return lengths.stream().mapToLong(Integer::longValue).sum();
  }

  /** The shape in a few words, for messages. */
  @Override
  public String toString() {
    String lengths =
        hasEqualLengths() ? "" : varies ? " lengths that vary" : " lengths " + summary();
    return layout + " T " + time + " B " + batch() + lengths;
  }

  private String summary() {
    int shown = Math.min(lengths.size(), 16);
    String start = lengths.subList(0, shown).toString();
    return shown == lengths.size() ? start : start.substring(0, start.length() - 1) + ", ...]";
  }
}
