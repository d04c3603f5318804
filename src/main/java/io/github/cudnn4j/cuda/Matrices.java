package io.github.cudnn4j.cuda;

import java.util.List;
import java.util.Locale;

/**
 * Row-major matrices of one shape in a buffer, for {@link Blas#gemmBatched}.
 *
 * @param leading elements from one row to the next, at least the columns
 * @param stride elements from one matrix to the next
 */
public record Matrices(DeviceBuffer buffer, int leading, long stride) {

  /** Describes matrices that follow each other: {@code [count, rows, columns]}. */
  public static Matrices dense(DeviceBuffer buffer, int rows, int columns) {
    return new Matrices(buffer, columns, (long) rows * columns);
  }

  /**
   * Describes matrices whose rows are interleaved: {@code [rows, count, columns]}, as sequences
   * with time first.
   *
   * @throws ArithmeticException if {@code count · columns} is 2<sup>31</sup> or more
   */
  public static Matrices interleaved(DeviceBuffer buffer, int count, int columns) {
    return new Matrices(buffer, Math.multiplyExact(count, columns), columns);
  }

  void check(Device device, int count, int rows, int columns, String what) {
    Arguments.sameDevice(device, buffer.device(), what);
    if (leading < columns || stride < 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s has rows %d and matrices %d elements apart, must be at least %d and 0",
              what,
              leading,
              stride,
              columns));
    }
    // Rounded down, so that nothing can overflow.
    long last = buffer.elements() - columns - (rows - 1L) * leading;
    if (last < 0 || (stride > 0 && last / stride < count - 1)) {
      throw new IllegalArgumentException(
          what
              + " has "
              + buffer.elements()
              + " elements, too few for "
              + List.of(count, rows, columns));
    }
  }
}
