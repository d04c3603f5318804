package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cudnn.RnnDataLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Where the vectors of rows of any lengths lie once they are sorted and packed, and back.
 *
 * <pre>{@code
 * lengths 1, 0, 3 of T = 3       packed: row 2 first, then row 0; row 1 is left out
 *   a0 -- c0                       c0 a0 c1 c2
 *   -- -- c1                     rows()         2, 0
 *   -- -- c2                     packedVectors  2, 0, 5, 8      into [T, B]
 *                                paddedVectors  1, -1, 0, ...   into packed; -1 is padding
 * }</pre>
 */
final class RowOrder {
  private final RnnDataLayout layout;
  private final int time;
  private final int[] lengths;
  private final int[] rows;

  /**
   * Sorts.
   *
   * @throws IllegalArgumentException if the layout is packed, T is below 1, there is no row, a
   *     length is outside [0, T], or there are more vectors than an int counts
   */
  RowOrder(RnnDataLayout layout, int time, int[] lengths) {
    if (!layout.padded()) {
      throw new IllegalArgumentException(
          "the layout is "
              + layout
              + ", but rows of any order are given padded; they are packed"
              + " inside");
    }
    if (time < 1) {
      throw new IllegalArgumentException("T is " + time + ", but it must be at least 1");
    }
    if (time > SequenceShape.MOST_STEPS) {
      throw new IllegalArgumentException(
          "T is " + time + ", but a sequence has at most " + SequenceShape.MOST_STEPS + " steps");
    }
    if (lengths.length == 0) {
      throw new IllegalArgumentException("B is 0, but there must be at least 1 row");
    }
    for (int row = 0; row < lengths.length; row++) {
      if (lengths[row] < 0 || lengths[row] > time) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "lengths[%d] is %d, but it must be in [0, T = %d]",
                row,
                lengths[row],
                time));
      }
    }
    if ((long) time * lengths.length > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "T %d times B %d is %d vectors, but at most %d can be numbered",
              time,
              lengths.length,
              (long) time * lengths.length,
              Integer.MAX_VALUE));
    }
    this.layout = layout;
    this.time = time;
    this.lengths = lengths.clone();
    // Sorting objects is stable: rows of one length stay in their order.
    this.rows =
        IntStream.range(0, lengths.length)
            .filter(row -> lengths[row] > 0)
            .boxed()
            .sorted(Comparator.comparingInt(row -> -lengths[row]))
            .mapToInt(Integer::intValue)
            .toArray();
  }

  /** The rows that have a vector, the longest first. */
  int[] rows() {
    return rows.clone();
  }

  /** B, with the empty rows. */
  int batch() {
    return lengths.length;
  }

  /** The vectors of the padded layout: {@code T*B}. */
  int padded() {
    return time * lengths.length;
  }

  /** The shape without the empty rows; there must be another one. */
  SequenceShape packedShape() {
    int[] sorted = IntStream.of(rows).map(row -> lengths[row]).toArray();
    return SequenceShape.ofLengths(RnnDataLayout.SEQ_MAJOR_PACKED, sorted[0], sorted);
  }

  /** For each packed vector, its place in the padded layout. */
  int[] packedVectors() {
    int[] places = new int[Arrays.stream(lengths).sum()];
    int packed = 0;
    for (int t = 0; t < time; t++) {
      for (int k = 0; k < rows.length && lengths[rows[k]] > t; k++) {
        places[packed++] =
            layout == RnnDataLayout.BATCH_MAJOR_UNPACKED
                ? rows[k] * time + t
                : t * lengths.length + rows[k];
      }
    }
    return places;
  }

  /** For each vector of the padded layout, its place in the packed one, or -1 for padding. */
  int[] paddedVectors() {
    return inverse(packedVectors(), padded());
  }

  /** For each state {@code [groups, rows]} of the packed rows, its place in {@code [groups, B]}. */
  int[] packedStates(int groups) {
    int[] places = new int[Math.multiplyExact(groups, rows.length)];
    Arrays.setAll(places, i -> i / rows.length * lengths.length + rows[i % rows.length]);
    return places;
  }

  /** For each state {@code [groups, B]}, its place among the packed ones, or -1 for empty rows. */
  int[] paddedStates(int groups) {
    return inverse(packedStates(groups), Math.multiplyExact(groups, lengths.length));
  }

  private static int[] inverse(int[] places, int size) {
    int[] result = new int[size];
    Arrays.fill(result, -1);
    for (int i = 0; i < places.length; i++) {
      result[places[i]] = i;
    }
    return result;
  }

  @Override
  public String toString() {
    return layout + " T " + time + " B " + lengths.length;
  }
}
