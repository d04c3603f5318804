package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What cuDNN must know of a recurrent network: its cells, sizes, layers and directions.
 *
 * @see <a
 *     href="https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-adv-library.html">cudnnSetRNNDescriptor_v8</a>
 */
public final class RnnDescriptor extends Descriptor {
  private final String description;
  private final int pseudoLayers;
  private final int linearLayers;
  private final ElementType type;

  /** Native code reads it, and its state on the device, as long as this is used. */
  private final @Nullable DropoutDescriptor dropout;

  private RnnDescriptor(Device device, Settings settings, @Nullable DropoutDescriptor dropout) {
    int directions = settings.direction().directions();
    boolean projects = settings.projectionSize() != settings.hiddenSize();
    this.description = settings.toString();
    this.pseudoLayers = settings.layers() * directions;
    this.linearLayers = 2 * settings.mode().gates() + (projects ? 1 : 0);
    this.type = settings.precision().type();
    this.dropout = dropout;
    super(
        device, "RNNDescriptor", Cudnn::cudnnCreateRNNDescriptor, Cudnn::cudnnDestroyRNNDescriptor);
  }

  /**
   * What is described.
   *
   * @param algorithm which computes in the precision
   * @param precision of weights, inputs, outputs and products
   * @param inputSize I, from 1
   * @param hiddenSize H, from 1
   * @param projectionSize P, from 1 to H; H for no projection, which only an LSTM can have
   * @param layers L, from 1
   * @param skipInput whether the gates of the first layer receive the input without a matrix
   * @param clip bounds of an LSTM's cell state, null for none
   * @param padded whether the sequences come in a padded layout, see {@link RnnDataLayout#padded}
   */
  public record Settings(
      RnnAlgorithm algorithm,
      RnnMode mode,
      BiasMode bias,
      DirectionMode direction,
      Precision precision,
      int inputSize,
      int hiddenSize,
      int projectionSize,
      int layers,
      boolean skipInput,
      @Nullable CellClip clip,
      boolean padded) {

    /**
     * Checks what cuDNN cannot.
     *
     * @throws IllegalArgumentException if the layers of both directions cannot be counted
     */
    public Settings {
      Objects.requireNonNull(algorithm, "algorithm");
      Objects.requireNonNull(mode, "mode");
      Objects.requireNonNull(bias, "bias");
      Objects.requireNonNull(direction, "direction");
      Objects.requireNonNull(precision, "precision");
      int most = Integer.MAX_VALUE / direction.directions();
      if (layers > most) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT, "layers is %d, must be at most %d if %s", layers, most, direction));
      }
    }

    /** All of it in a few words, for messages. */
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT,
          "%s I %d H %d%s L %d D %d bias %s%s%s %s %s",
          mode,
          inputSize,
          hiddenSize,
          projectionSize == hiddenSize ? "" : " P " + projectionSize,
          layers,
          direction.directions(),
          bias,
          skipInput ? " skip input" : "",
          clip == null ? "" : " clip [" + clip.low() + ", " + clip.high() + "]",
          precision,
          algorithm);
    }
  }

  /**
   * Makes a descriptor.
   *
   * @param dropout what drops outputs between layers in training, null for nothing; borrowed, must
   *     stay open as long as this
   * @throws CudnnException if cuDNN does not accept the values
   */
  public static RnnDescriptor create(
      Device device, Settings settings, @Nullable DropoutDescriptor dropout) {
    Precision precision = settings.precision();
    Parts parts = new Parts();
    try {
      RnnDescriptor descriptor = parts.add(new RnnDescriptor(device, settings, dropout));
      CudnnException.check(
          Cudnn.cudnnSetRNNDescriptor_v8(
              descriptor.pointer(),
              settings.algorithm().code(),
              settings.mode().code(),
              settings.bias().code(),
              settings.direction().code(),
              settings.skipInput() ? Cudnn.CUDNN_SKIP_INPUT() : Cudnn.CUDNN_LINEAR_INPUT(),
              DataTypes.code(precision.type()),
              DataTypes.code(DataTypes.sums(precision)),
              mathType(precision),
              settings.inputSize(),
              settings.hiddenSize(),
              settings.projectionSize(),
              settings.layers(),
              dropout == null ? MemorySegment.NULL : dropout.pointer(),
              settings.padded()
                  ? Cudnn.CUDNN_RNN_PADDED_IO_ENABLED()
                  : Cudnn.CUDNN_RNN_PADDED_IO_DISABLED()),
          "cudnnSetRNNDescriptor_v8",
          descriptor);
      CellClip clip = settings.clip();
      if (clip != null) {
        // After the rest, which sets it back to none.
        CudnnException.check(
            Cudnn.cudnnRNNSetClip_v9(
                descriptor.pointer(), Cudnn.CUDNN_RNN_CLIP_MINMAX(), clip.low(), clip.high()),
            "cudnnRNNSetClip_v9",
            descriptor);
      }
      return descriptor;
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  /**
   * How products are computed, a {@code cudnnMathType_t}. The default lets FLOAT32 products round
   * their factors to TF32 on the GPUs that have it, which are those that have BFLOAT16, too; tensor
   * cores multiply the half types without rounding them. PyTorch sets the same, so that it is what
   * is known to run.
   */
  private static int mathType(Precision precision) {
    return switch (precision) {
      case FP32 -> Cudnn.CUDNN_FMA_MATH();
      case TF32, BF16, FP64 -> Cudnn.CUDNN_DEFAULT_MATH();
      case FP16, FP16_MATH -> Cudnn.CUDNN_TENSOR_OP_MATH();
    };
  }

  /**
   * Compiles the kernels of {@link RnnAlgorithm#PERSIST_DYNAMIC} for batches of one size, which
   * takes long; to be called before anything else is asked or run.
   *
   * @param batch B, from 1
   * @throws CudnnException if cuDNN cannot
   */
  public void build(int batch) {
    CudnnException.check(
        Cudnn.cudnnBuildRNNDynamic(CudnnHandle.of(device()).pointer(), pointer(), batch),
        "cudnnBuildRNNDynamic",
        this + " B " + batch);
  }

  /**
   * The bytes of the buffer that holds all weights.
   *
   * @throws CudnnException if cuDNN does not tell
   */
  public long weightSpaceBytes() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(NativeTypes.C_LONG);
      CudnnException.check(
          Cudnn.cudnnGetRNNWeightSpaceSize(CudnnHandle.of(device()).pointer(), pointer(), bytes),
          "cudnnGetRNNWeightSpaceSize",
          this);
      return bytes.get(NativeTypes.C_LONG, 0);
    }
  }

  /**
   * The temporary buffers of a pass.
   *
   * @param workspace bytes that one call needs and that mean nothing after it
   * @param reserve bytes that carry what the forward call keeps for the backward calls
   */
  public record TempSpace(long workspace, long reserve) {}

  /**
   * Asks how large the temporary buffers must be.
   *
   * @param x the input, as every call of the pass describes it
   * @throws CudnnException if cuDNN does not tell
   */
  public TempSpace tempSpace(ForwardMode mode, RnnDataDescriptor x) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment workspace = arena.allocate(NativeTypes.C_LONG);
      MemorySegment reserve = arena.allocate(NativeTypes.C_LONG);
      CudnnException.check(
          Cudnn.cudnnGetRNNTempSpaceSizes(
              CudnnHandle.of(device()).pointer(),
              pointer(),
              mode.code(),
              x.pointer(),
              workspace,
              reserve),
          "cudnnGetRNNTempSpaceSizes",
          this);
      return new TempSpace(
          workspace.get(NativeTypes.C_LONG, 0), reserve.get(NativeTypes.C_LONG, 0));
    }
  }

  /**
   * Where one matrix and its bias lie in a weight space.
   *
   * @param pseudoLayer {@code layer * D + direction}
   * @param linearLayerId which product of the cell: first the gates on the input, then those on the
   *     state, then the projection
   * @param matrixOffset elements from the start of the weight space, or -1 without matrix
   * @param rows of the matrix, and elements of the bias
   * @param columns of the matrix, which is row-major; 0 without matrix
   * @param biasOffset elements from the start of the weight space, or -1 without bias
   */
  public record WeightSlot(
      int pseudoLayer,
      int linearLayerId,
      long matrixOffset,
      int rows,
      int columns,
      long biasOffset) {}

  /**
   * Asks where every matrix and bias lies.
   *
   * @param space a buffer of {@link #weightSpaceBytes}; only its address is used
   * @return slots ordered by pseudo-layer, then linear layer
   * @throws CudnnException if cuDNN does not tell
   */
  public List<WeightSlot> weightSlots(DeviceBuffer space) {
    List<WeightSlot> slots = new ArrayList<>(pseudoLayers * linearLayers);
    try (Arena arena = Arena.ofConfined();
        TensorDescriptor matrix = TensorDescriptor.empty(device());
        TensorDescriptor bias = TensorDescriptor.empty(device())) {
      MemorySegment matrixAddress = arena.allocate(NativeTypes.C_POINTER);
      MemorySegment biasAddress = arena.allocate(NativeTypes.C_POINTER);
      for (int pseudoLayer = 0; pseudoLayer < pseudoLayers; pseudoLayer++) {
        for (int id = 0; id < linearLayers; id++) {
          CudnnException.check(
              Cudnn.cudnnGetRNNWeightParams(
                  CudnnHandle.of(device()).pointer(),
                  pointer(),
                  pseudoLayer,
                  space.bytes(),
                  space.pointer(),
                  id,
                  matrix.pointer(),
                  matrixAddress,
                  bias.pointer(),
                  biasAddress),
              "cudnnGetRNNWeightParams",
              this);
          long matrixOffset = offset(space, matrixAddress);
          long biasOffset = offset(space, biasAddress);
          boolean hasMatrix = matrixOffset >= 0;
          boolean hasAny = hasMatrix || biasOffset >= 0;
          int rows = hasAny ? (hasMatrix ? matrix : bias).extents()[1] : 0;
          int columns = hasMatrix ? matrix.extents()[2] : 0;
          slots.add(new WeightSlot(pseudoLayer, id, matrixOffset, rows, columns, biasOffset));
        }
      }
    }
    return slots;
  }

  private long offset(DeviceBuffer space, MemorySegment out) {
    long address = out.get(NativeTypes.C_POINTER, 0).address();
    return address == 0 ? -1 : (address - space.address()) / type.bytes();
  }

  /** The dropout between layers, null for none. */
  public @Nullable DropoutDescriptor dropout() {
    return dropout;
  }

  /** The network in a few words, for messages. */
  @Override
  public String toString() {
    return description;
  }
}
