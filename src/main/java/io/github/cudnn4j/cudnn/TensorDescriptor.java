package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;

/**
 * The type and the extents of a packed row-major tensor: the last index moves fastest.
 *
 * @see <a
 *     href="https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-ops-library.html">cudnnSetTensorNdDescriptor</a>
 */
public final class TensorDescriptor extends Descriptor {
  /** With fewer, {@code cudnnSetTensorNdDescriptor} answers CUDNN_STATUS_BAD_PARAM. */
  private static final int MIN_RANK = 2;

  private TensorDescriptor(Device device) {
    super(
        device,
        "TensorDescriptor",
        Cudnn::cudnnCreateTensorDescriptor,
        Cudnn::cudnnDestroyTensorDescriptor);
  }

  /**
   * Makes the descriptor of a packed tensor.
   *
   * @param extents from 2 to 8 extents, each at least 1, whose product is below 2<sup>31</sup>
   * @throws IllegalArgumentException if the extents are not as stated, or the type is INT64
   * @throws CudnnException if cuDNN does not accept them
   */
  public static TensorDescriptor create(Device device, ElementType type, int... extents) {
    Objects.requireNonNull(extents, "extents");
    if (type == ElementType.INT64) {
      throw new IllegalArgumentException("type is INT64, which no tensor of cuDNN has");
    }
    int[] strides = packedStrides(extents);
    Parts parts = new Parts();
    try (Arena arena = Arena.ofConfined()) {
      TensorDescriptor descriptor = parts.add(new TensorDescriptor(device));
      CudnnException.check(
          Cudnn.cudnnSetTensorNdDescriptor(
              descriptor.pointer(),
              DataTypes.code(type),
              extents.length,
              arena.allocateFrom(NativeTypes.C_INT, extents),
              arena.allocateFrom(NativeTypes.C_INT, strides)),
          "cudnnSetTensorNdDescriptor",
          type + " " + Arrays.toString(extents));
      return descriptor;
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  /** Makes a descriptor that says nothing yet, for a C function to fill in. */
  static TensorDescriptor empty(Device device) {
    return new TensorDescriptor(device);
  }

  private static int[] packedStrides(int[] extents) {
    if (extents.length < MIN_RANK || extents.length > Cudnn.CUDNN_DIM_MAX()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d extents given, but a tensor has from %d to %d",
              extents.length,
              MIN_RANK,
              Cudnn.CUDNN_DIM_MAX()));
    }
    int[] strides = new int[extents.length];
    long elements = 1;
    for (int i = extents.length - 1; i >= 0; i--) {
      if (extents[i] < 1) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT, "extents[%d] is %d, but it must be at least 1", i, extents[i]));
      }
      strides[i] = (int) elements;
      elements *= extents[i];
      if (elements > Integer.MAX_VALUE) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "a tensor of %s has more elements than the %d that cuDNN takes",
                Arrays.toString(extents),
                Integer.MAX_VALUE));
      }
    }
    return strides;
  }

  /**
   * The extents that cuDNN holds; all of them 0 if it was filled in with nothing.
   *
   * @throws CudnnException if cuDNN does not tell
   */
  public int[] extents() {
    int max = Cudnn.CUDNN_DIM_MAX();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment type = arena.allocate(NativeTypes.C_INT);
      MemorySegment rank = arena.allocate(NativeTypes.C_INT);
      MemorySegment extents = arena.allocate(NativeTypes.C_INT, max);
      MemorySegment strides = arena.allocate(NativeTypes.C_INT, max);
      CudnnException.check(
          Cudnn.cudnnGetTensorNdDescriptor(pointer(), max, type, rank, extents, strides),
          "cudnnGetTensorNdDescriptor",
          "");
      int[] known = new int[Math.clamp(rank.get(NativeTypes.C_INT, 0), 0, max)];
      MemorySegment.copy(extents, NativeTypes.C_INT, 0, known, 0, known.length);
      return known;
    }
  }
}
