package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.util.Arrays;
import java.util.Locale;

/**
 * Whole numbers in device memory and their shape, row-major: tokens, labels, numbers of rows.
 *
 * <p>A negative number stands for nothing: padding, a place that does not count. The numbers are
 * read at each {@link Tape#forward}, so others need no other tape. The buffer is borrowed.
 */
public final class Indices {

  private final DeviceBuffer buffer;
  private final int[] shape;

  /**
   * Describes a buffer as indices.
   *
   * @param buffer INT32
   * @param shape the extents, outermost first, at least one
   * @throws IllegalArgumentException if an extent is not positive, or the buffer has another
   *     element type or number of elements
   */
  public Indices(DeviceBuffer buffer, int... shape) {
    long elements = Tensor.elements(shape);
    if (buffer.type() != ElementType.INT32 || buffer.elements() != elements) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d %s elements for indices %s, needed are %d INT32",
              buffer.elements(),
              buffer.type(),
              Arrays.toString(shape),
              elements));
    }
    this.buffer = buffer;
    this.shape = shape.clone();
  }

  /** Returns the numbers, INT32. */
  public DeviceBuffer buffer() {
    return buffer;
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

  /** Returns how many numbers these are. */
  public long elements() {
    return buffer.elements();
  }

  @Override
  public String toString() {
    return "Indices" + Arrays.toString(shape);
  }

  /** Returns the shape with one more extent. */
  int[] shapeWith(int last) {
    int[] longer = Arrays.copyOf(shape, shape.length + 1);
    longer[shape.length] = last;
    return longer;
  }
}
