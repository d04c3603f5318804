package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;

/**
 * A tensor of a {@link Parameters} set, by the name and with the shape that PyTorch gives it.
 *
 * <p>Without memory until the set has it. A parameter of a recurrent network lies in pieces, one
 * for each gate; any other lies in one.
 */
public final class Parameter {

  private static final int MOST_VALUES = Integer.MAX_VALUE - 8;

  /** A run of elements of the flat buffers. */
  record Piece(long offset, long elements) {
    DeviceBuffer in(DeviceBuffer buffer) {
      return buffer.slice(offset, elements);
    }
  }

  private final Parameters set;
  private final String name;
  private final int[] shape;
  private final Init init;

  /** In the order of the values. */
  private final List<Piece> pieces;

  Parameter(Parameters set, String name, int[] shape, Init init, List<Piece> pieces) {
    this.set = set;
    this.name = name;
    this.shape = shape.clone();
    this.init = init;
    this.pieces = pieces;
  }

  /** Returns its name in the set, such as {@code head.weight}. */
  public String name() {
    return name;
  }

  /** Returns a copy of the extents, outermost first. */
  public int[] shape() {
    return shape.clone();
  }

  /** Returns the number of elements. */
  public long elements() {
    return pieces.stream().mapToLong(Piece::elements).sum();
  }

  /**
   * Returns the value and the gradient, borrowed from the set.
   *
   * @throws IllegalStateException if the set has no memory yet or is closed
   * @throws IllegalArgumentException if this lies in several pieces
   */
  public Tensor tensor() {
    if (pieces.size() > 1) {
      throw new IllegalArgumentException(
          name + " lies in " + pieces.size() + " pieces, one for each gate of a network");
    }
    return new Tensor(
        pieces.getFirst().in(set.weights()), pieces.getFirst().in(set.gradients()), shape);
  }

  /**
   * Returns where the weights lie, in the order of the values, borrowed from the set: one slice, or
   * those of a network's gates.
   *
   * @throws IllegalStateException if the set has no memory yet or is closed
   */
  public List<DeviceBuffer> slices() {
    DeviceBuffer weights = set.weights();
    return pieces.stream().map(piece -> piece.in(weights)).toList();
  }

  List<Piece> pieces() {
    return pieces;
  }

  /** Draws the first values, those of each gate by themselves. */
  double[] draw(Init init, RandomGenerator random) {
    int[] part = shape.clone();
    part[0] /= pieces.size();
    var values = new double[count(shape)];
    int at = 0;
    for (Piece piece : pieces) {
      double[] drawn = init.draw(random, part);
      if (drawn.length != piece.elements()) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "%d values drawn for %s, which has %d",
                drawn.length,
                name,
                piece.elements()));
      }
      System.arraycopy(drawn, 0, values, at, drawn.length);
      at += drawn.length;
    }
    return values;
  }

  /** Returns what draws the first values unless the set has another rule for the name. */
  Init init() {
    return init;
  }

  /** Reads the values out of a flat buffer; waits for the device. */
  double[] read(DeviceBuffer buffer) {
    var values = new double[count(shape)];
    int at = 0;
    for (Piece piece : pieces) {
      double[] part = piece.in(buffer).toDoubles();
      System.arraycopy(part, 0, values, at, part.length);
      at += part.length;
    }
    return values;
  }

  /** Writes the values into a flat buffer, rounded to its type; waits for the device. */
  void write(DeviceBuffer buffer, double[] values) {
    int at = 0;
    for (Piece piece : pieces) {
      double[] part = Arrays.copyOfRange(values, at, at + (int) piece.elements());
      piece.in(buffer).copyFrom(part);
      at += part.length;
    }
  }

  /**
   * Returns the number of values of a shape.
   *
   * @throws IllegalArgumentException if they are more than an array has
   */
  static int count(int... shape) {
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

  /** Rounds each value. */
  static float[] toFloats(double[] values) {
    var floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  @Override
  public String toString() {
    return name + " " + Arrays.toString(shape);
  }
}
