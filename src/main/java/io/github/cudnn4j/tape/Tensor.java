package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A value in device memory, its gradient and its shape: row-major, dense, one element type.
 *
 * <p>Both buffers are borrowed: from a {@link Tape} for an activation, from the owner of the
 * weights for a parameter.
 */
public final class Tensor {

  private static final long MOST_ELEMENTS = Long.MAX_VALUE / Double.BYTES;

  private final @Nullable Tape tape;
  private final DeviceBuffer value;
  private final @Nullable DeviceBuffer gradient;
  private final int[] shape;

  /**
   * Describes buffers as a tensor.
   *
   * @param value the elements
   * @param gradient the gradient of the loss with respect to the elements, null where none is
   *     wanted
   * @param shape the extents, outermost first, at least one
   * @throws IllegalArgumentException if an extent is not positive, the element counts differ, or
   *     the gradient's element type is another one
   */
  public Tensor(DeviceBuffer value, @Nullable DeviceBuffer gradient, int... shape) {
    this(null, value, gradient, shape);
  }

  /** As that, of a tape, whose operations alone can take it. */
  Tensor(@Nullable Tape tape, DeviceBuffer value, @Nullable DeviceBuffer gradient, int... shape) {
    long elements = elements(shape);
    if (value.elements() != elements) {
      throw new IllegalArgumentException(
          "value of "
              + value.elements()
              + " elements for shape "
              + Arrays.toString(shape)
              + ", needed are "
              + elements);
    }
    if (gradient != null && (gradient.elements() != elements || gradient.type() != value.type())) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "gradient of %d %s elements for a value of %d %s elements",
              gradient.elements(),
              gradient.type(),
              elements,
              value.type()));
    }
    this.tape = tape;
    this.value = value;
    this.gradient = gradient;
    this.shape = shape.clone();
  }

  /** Returns the elements. */
  public DeviceBuffer value() {
    return value;
  }

  /** Returns the gradient, null if none is wanted. */
  public @Nullable DeviceBuffer gradient() {
    return gradient;
  }

  /** Returns the type of the elements. */
  public ElementType type() {
    return value.type();
  }

  /** Returns a copy of the extents, outermost first. */
  public int[] shape() {
    return shape.clone();
  }

  /** Returns the number of extents. */
  public int rank() {
    return shape.length;
  }

  /** Returns one extent, 0 being the outermost. */
  public int dim(int index) {
    return shape[index];
  }

  /** Returns the number of elements. */
  public long elements() {
    return value.elements();
  }

  /** Returns the product of all extents but the last. */
  public int rows() {
    return (int) (elements() / columns());
  }

  /** Returns the last extent. */
  public int columns() {
    return shape[shape.length - 1];
  }

  /** Reads the elements; waits for the device. */
  public double[] read() {
    return value.toDoubles();
  }

  /** Returns the tape whose operations alone can take this; null if any can. */
  @Nullable Tape tape() {
    return tape;
  }

  @Override
  public String toString() {
    return "Tensor" + Arrays.toString(shape) + " of " + type();
  }

  static long elements(int... shape) {
    if (shape.length == 0) {
      throw new IllegalArgumentException("a shape without extents");
    }
    long elements = 1;
    for (int extent : shape) {
      if (extent <= 0) {
        throw new IllegalArgumentException(
            "extent " + extent + " in shape " + Arrays.toString(shape) + ", at least 1 is needed");
      }
      if (elements > MOST_ELEMENTS / extent) {
        throw new IllegalArgumentException(
            Arrays.toString(shape) + " has more than " + MOST_ELEMENTS + " elements");
      }
      elements *= extent;
    }
    // Kernels count rows and columns in 32 bits.
    if (elements / shape[shape.length - 1] > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          Arrays.toString(shape) + " has more than " + Integer.MAX_VALUE + " rows");
    }
    return elements;
  }
}
