package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;
import java.util.Objects;

/**
 * How the input or the output of a recurrent network lies in memory.
 *
 * @see <a
 *     href="https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-adv-library.html">cudnnSetRNNDataDescriptor</a>
 */
public final class RnnDataDescriptor extends Descriptor {
  /** Room for an element of any type, with all bits zero, which is 0 in each of them. */
  private static final int ZERO_BYTES = 8;

  private final ElementType type;
  private final RnnDataLayout layout;
  private final int time;
  private final int batch;
  private final int vectorSize;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment lengths;
  private final MemorySegment zero = arena.allocate(ZERO_BYTES, ZERO_BYTES);

  private RnnDataDescriptor(
      Device device, ElementType type, RnnDataLayout layout, int time, int batch, int vectorSize) {
    super(
        device,
        "RNNDataDescriptor",
        Cudnn::cudnnCreateRNNDataDescriptor,
        Cudnn::cudnnDestroyRNNDataDescriptor);
    this.type = type;
    this.layout = layout;
    this.time = time;
    this.batch = batch;
    this.vectorSize = vectorSize;
    this.lengths = arena.allocate(NativeTypes.C_INT, batch);
  }

  /**
   * Makes a descriptor. In an output that it describes, padding is written with zeros.
   *
   * @param time T, the steps that there is room for, in [1, 65535]
   * @param lengths the steps of each sequence, in [0, T]; packed, they must not ascend, start with
   *     T and contain no zero
   * @param vectorSize V, the size of one vector, from 1
   * @throws IllegalArgumentException if there are no lengths, or the type is not a floating-point
   *     one
   * @throws CudnnException if cuDNN does not accept the values
   */
  public static RnnDataDescriptor create(
      Device device,
      ElementType type,
      RnnDataLayout layout,
      int time,
      int[] lengths,
      int vectorSize) {
    DataTypes.checkFloating(type);
    Objects.requireNonNull(layout, "layout");
    if (lengths.length == 0) {
      throw new IllegalArgumentException("B is 0, but there must be at least 1 sequence");
    }
    Parts parts = new Parts();
    try {
      RnnDataDescriptor descriptor =
          parts.add(new RnnDataDescriptor(device, type, layout, time, lengths.length, vectorSize));
      descriptor.setLengths(lengths);
      return descriptor;
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  /**
   * Changes the lengths for the calls that follow; work that is queued keeps those that it was
   * queued with. Allocates nothing.
   *
   * @param lengths B of them, otherwise as in {@link #create}
   * @throws IllegalArgumentException if their number is not B
   * @throws CudnnException if cuDNN does not accept the values
   * @throws IllegalStateException if this is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public void setLengths(int[] lengths) {
    if (lengths.length != batch) {
      throw new IllegalArgumentException(lengths.length + " lengths for " + batch + " sequences");
    }
    MemorySegment pointer = pointer();
    MemorySegment.copy(lengths, 0, this.lengths, NativeTypes.C_INT, 0, batch);
    CudnnException.check(
        Cudnn.cudnnSetRNNDataDescriptor(
            pointer,
            DataTypes.code(type),
            layout.code(),
            time,
            batch,
            vectorSize,
            this.lengths,
            zero),
        "cudnnSetRNNDataDescriptor",
        this);
  }

  @Override
  protected void release() {
    try (arena) {
      super.release();
    }
  }

  /** Type and shape in a few words. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT, "%s %s T %d B %d V %d", type, layout, time, batch, vectorSize);
  }
}
