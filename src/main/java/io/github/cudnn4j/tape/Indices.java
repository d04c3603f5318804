package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.util.Arrays;
import java.util.Locale;

/**
 * Whole numbers in device memory and their shape, row-major: tokens, labels, numbers of rows. Of a
 * {@link Tape}, whose operations alone can take them.
 *
 * <p>A negative number stands for nothing: padding, a place that does not count. The numbers are
 * read at each {@link Tape#forward}, so others need no other tape. The buffer is borrowed.
 *
 * <p>Operations say as they are recorded which numbers they can take, see {@link #limit}; {@link
 * io.github.cudnn4j.data.Batch#check} refuses others before they are on the device. What else fills
 * the buffer is not checked: of a number that they cannot take, or of none where they need one, the
 * library's operations make NaN, or no path, so that a step is refused; they read and write nothing
 * outside their tensors.
 */
public final class Indices {

  private final Tape tape;
  private final DeviceBuffer buffer;
  private final int[] shape;
  private int least;
  private int most = Integer.MAX_VALUE;
  private boolean allNeeded;

  /** Describes a buffer of INT32 as indices of a tape. */
  Indices(Tape tape, DeviceBuffer buffer, int... shape) {
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
    this.tape = tape;
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

  /**
   * Says which numbers something that reads these can take, beside negative ones; what others have
   * said holds too.
   */
  public void limit(int least, int most) {
    this.least = Math.max(this.least, least);
    this.most = Math.min(this.most, most);
  }

  /**
   * Says that something that reads these needs a number, not negative, for each step of a sequence
   * {@code [T, B]} whose first one is not.
   */
  void needAll() {
    allNeeded = true;
  }

  /** Returns whether a sequence has a number for each of its steps or counts for nothing. */
  public boolean areAllNeeded() {
    return allNeeded;
  }

  /** Returns the least number, beside negative ones, that all can take who read these. */
  public int least() {
    return least;
  }

  /** Returns the largest number that all can take who read these. */
  public int most() {
    return most;
  }

  /** Returns the tape whose operations alone can take these. */
  Tape tape() {
    return tape;
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
