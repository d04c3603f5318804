package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import java.lang.foreign.Arena;
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

  private RnnDataDescriptor(Device device) {
    super(
        device,
        "RNNDataDescriptor",
        Cudnn::cudnnCreateRNNDataDescriptor,
        Cudnn::cudnnDestroyRNNDataDescriptor);
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
    try (Arena arena = Arena.ofConfined()) {
      RnnDataDescriptor descriptor = parts.add(new RnnDataDescriptor(device));
      CudnnException.check(
          Cudnn.cudnnSetRNNDataDescriptor(
              descriptor.pointer(),
              DataTypes.code(type),
              layout.code(),
              time,
              lengths.length,
              vectorSize,
              arena.allocateFrom(NativeTypes.C_INT, lengths),
              arena.allocate(ZERO_BYTES, ZERO_BYTES)),
          "cudnnSetRNNDataDescriptor",
          String.format(
              Locale.ROOT, "%s %s T %d B %d V %d", type, layout, time, lengths.length, vectorSize));
      return descriptor;
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }
}
