package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.DeviceBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * One parameter of a recurrent network under its name in PyTorch, with the shape that it has there.
 *
 * <pre>{@code
 * weight_ih_l0 of an LSTM, [4H, I]        slices()
 *   rows 0 .. H-1     gate i                get(0): [H, I]
 *   rows H .. 2H-1    gate f                get(1): [H, I]
 *   rows 2H .. 3H-1   gate g                get(2): [H, I]
 *   rows 3H .. 4H-1   gate o                get(3): [H, I]
 * }</pre>
 *
 * <p>The slices borrow the network's weight or gradient space and are row-major. They need not lie
 * one behind the other. The copies wait for the device's stream; Java arrays are converted to the
 * type of the network and back.
 */
public final class RnnParameter {
  private static final int MOST_VALUES = Integer.MAX_VALUE - 8;

  private final String name;
  private final int rows;
  private final int columns;
  private final List<DeviceBuffer> slices;

  /**
   * Stacks slices.
   *
   * @param columns of a matrix, or 0 for a vector
   */
  RnnParameter(String name, int rows, int columns, List<DeviceBuffer> slices) {
    this.name = name;
    this.rows = rows;
    this.columns = columns;
    this.slices = List.copyOf(slices);
  }

  /** The name in PyTorch, such as {@code weight_hh_l1_reverse}. */
  public String name() {
    return name;
  }

  /** {@code [G*H, columns]} of a matrix, {@code [G*H]} of a bias. */
  public int[] shape() {
    return columns == 0 ? new int[] {rows} : new int[] {rows, columns};
  }

  /** How many elements the slices have together. */
  public long elements() {
    return (long) rows * Math.max(columns, 1);
  }

  /** The gates one by one: r, z, n of a GRU; i, f, g, o of an LSTM; one of the others. */
  public List<DeviceBuffer> slices() {
    return slices;
  }

  /**
   * Sets all elements, row by row.
   *
   * @throws IllegalArgumentException if there are not exactly {@link #elements} values
   */
  public void copyFrom(float[] values) {
    checkLength(values.length);
    int from = 0;
    for (DeviceBuffer slice : slices) {
      int to = from + length(slice);
      slice.copyFrom(Arrays.copyOfRange(values, from, to));
      from = to;
    }
  }

  /**
   * Sets all elements, row by row.
   *
   * @throws IllegalArgumentException if there are not exactly {@link #elements} values
   */
  public void copyFrom(double[] values) {
    checkLength(values.length);
    int from = 0;
    for (DeviceBuffer slice : slices) {
      int to = from + length(slice);
      slice.copyFrom(Arrays.copyOfRange(values, from, to));
      from = to;
    }
  }

  /**
   * Reads all elements, row by row.
   *
   * @throws IllegalArgumentException if there is not room for exactly {@link #elements} values
   */
  public void copyTo(float[] values) {
    checkLength(values.length);
    int from = 0;
    for (DeviceBuffer slice : slices) {
      int to = from + length(slice);
      float[] part = slice.toFloats();
      System.arraycopy(part, 0, values, from, part.length);
      from = to;
    }
  }

  /**
   * Reads all elements, row by row.
   *
   * @throws IllegalArgumentException if there is not room for exactly {@link #elements} values
   */
  public void copyTo(double[] values) {
    checkLength(values.length);
    int from = 0;
    for (DeviceBuffer slice : slices) {
      int to = from + length(slice);
      double[] part = slice.toDoubles();
      System.arraycopy(part, 0, values, from, part.length);
      from = to;
    }
  }

  private void checkLength(int length) {
    if (length != elements()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s %s has %d elements, but the array has %d",
              name,
              Arrays.toString(shape()),
              elements(),
              length));
    }
  }

  /** The length of an array for all elements, refusing a number that no array has. */
  int arrayLength() {
    if (elements() > MOST_VALUES) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s %s has %d elements, but an array has at most %d",
              name,
              Arrays.toString(shape()),
              elements(),
              MOST_VALUES));
    }
    return (int) elements();
  }

  /** What is at most as long as the array that {@link #checkLength} has let pass. */
  private static int length(DeviceBuffer slice) {
    return (int) slice.elements();
  }

  @Override
  public String toString() {
    return name + " " + Arrays.toString(shape());
  }
}
