package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Where in the flat buffers a tensor lies.
 *
 * @param shape its extents
 * @param pieces in the order of its values; one, unless it is inside a network's weight space
 */
record ParameterSlices(int[] shape, List<Piece> pieces) {

  private static final int MOST_VALUES = Integer.MAX_VALUE - 8;

  /** A run of elements. */
  record Piece(long offset, long elements) {
    DeviceBuffer in(DeviceBuffer buffer) {
      return buffer.slice(offset, elements);
    }
  }

  /**
   * Returns the number of values.
   *
   * @throws IllegalArgumentException if they are more than an array has
   */
  int count() {
    long count = 1;
    for (int extent : shape) {
      count *= extent;
      if (count > MOST_VALUES) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "a tensor of %s has more values than the %d of an array",
                Arrays.toString(shape),
                MOST_VALUES));
      }
    }
    return (int) count;
  }

  /** Reads the values out of a flat buffer; waits for the device. */
  double[] read(DeviceBuffer buffer) {
    var values = new double[count()];
    int at = 0;
    for (Piece piece : pieces) {
      DeviceBuffer slice = piece.in(buffer);
      double[] part =
          slice.type() == ElementType.FLOAT64 ? slice.toDoubles() : toDoubles(slice.toFloats());
      System.arraycopy(part, 0, values, at, part.length);
      at += part.length;
    }
    return values;
  }

  /** Writes the values into a flat buffer, rounded to its type; waits for the device. */
  void write(DeviceBuffer buffer, double[] values) {
    int at = 0;
    for (Piece piece : pieces) {
      DeviceBuffer slice = piece.in(buffer);
      double[] part = Arrays.copyOfRange(values, at, at + (int) piece.elements());
      if (slice.type() == ElementType.FLOAT64) {
        slice.copyFrom(part);
      } else {
        slice.copyFrom(toFloats(part));
      }
      at += part.length;
    }
  }

  /** Rounds each value. */
  static float[] toFloats(double[] values) {
    var floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  /** Widens each value. */
  static double[] toDoubles(float[] values) {
    var doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }
}
