package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.CellClip;
import io.github.cudnn4j.cudnn.DirectionMode;
import io.github.cudnn4j.cudnn.DropoutDescriptor;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import java.util.Locale;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a recurrent network is, apart from its weights.
 *
 * <pre>{@code
 * RnnConfig.lstm(128, 256).layers(2).bidirectional().dropout(0.2, 42)
 *
 * x [T, B, I] --> layer 0, forward  --+--> [T, B, D*P] --> layer 1, forward  --+--> y [T, B, D*P]
 *             \-> layer 0, backward --+    (dropout)   \-> layer 1, backward --+
 * states: h [L*D, B, P], c [L*D, B, H], layer 0 forward, layer 0 backward, layer 1 forward, ...
 * }</pre>
 *
 * @param mode the cell
 * @param inputSize I, from 1
 * @param hiddenSize H, from 1
 * @param projectionSize P, the size of h, from 1 to H. Below H, which only an LSTM can have, h is
 *     the product of a matrix and what the cell puts out; H means no projection.
 * @param layers L, from 1
 * @param direction whether sequences are read in one direction or in both
 * @param bias which biases a cell has
 * @param inputSkipped whether every gate of the first layer receives x as it is, without a matrix,
 *     which needs I = H; a bias that the bias mode puts on the input stays. That is how the host
 *     device has it, and not yet measured on a GPU.
 * @param clip bounds within which an LSTM reads its cell state, null for none
 * @param dropout the probability, in [0, 1), that an output of a layer is dropped on its way to the
 *     next layer in training; the others are scaled by {@code 1 / (1 - dropout)}. Acts between
 *     layers only, so it does nothing in a network of one layer.
 * @param dropoutSeed where the generator of the dropout starts
 * @param precision the type of weights, inputs and outputs, and how their products are computed;
 *     not every version of cuDNN has {@link Precision#BF16}
 * @param algorithm how cuDNN runs it: {@link RnnAlgorithm#STANDARD} by default; another one needs
 *     both biases, no projection and a precision that it {@linkplain RnnAlgorithm#computes
 *     computes}. Null for the fastest one, measured for each shape of batch. Another algorithm
 *     gives other rounding, so not the same bits.
 */
public record RnnConfig(
    RnnMode mode,
    int inputSize,
    int hiddenSize,
    int projectionSize,
    int layers,
    DirectionMode direction,
    BiasMode bias,
    boolean inputSkipped,
    @Nullable CellClip clip,
    double dropout,
    long dropoutSeed,
    Precision precision,
    @Nullable RnnAlgorithm algorithm) {

  /** The bytes of more could not be counted in 64 bits. */
  private static final double MOST_WEIGHTS = 0x1p59;

  /**
   * Checks every value.
   *
   * @throws IllegalArgumentException if a value is outside the range stated for it, or there are
   *     more weights than can be counted
   */
  public RnnConfig {
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(direction, "direction");
    Objects.requireNonNull(bias, "bias");
    Objects.requireNonNull(precision, "precision");
    requirePositive("inputSize", inputSize);
    requirePositive("hiddenSize", hiddenSize);
    requirePositive("layers", layers);
    if (projectionSize < 1 || projectionSize > hiddenSize) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "projectionSize is %d, but it must be in [1, %d], the latter being hiddenSize",
              projectionSize,
              hiddenSize));
    }
    if (projectionSize < hiddenSize && mode != RnnMode.LSTM) {
      throw new IllegalArgumentException(
          "a cell of kind " + mode + " cannot project its output, only an LSTM can");
    }
    if (clip != null && mode != RnnMode.LSTM) {
      throw new IllegalArgumentException(
          "a cell of kind " + mode + " has no cell state to clip, only an LSTM has");
    }
    if (inputSkipped && inputSize != hiddenSize) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "skipping the input matrix needs inputSize to be hiddenSize, but they are %d and %d",
              inputSize,
              hiddenSize));
    }
    int directions = direction == DirectionMode.BIDIRECTIONAL ? 2 : 1;
    int mostLayers = Integer.MAX_VALUE / directions;
    if (layers > mostLayers) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "layers is %d, must be at most %d if %s",
              layers,
              mostLayers,
              direction));
    }
    double inputs = Math.max(inputSize, (double) directions * projectionSize);
    double weights =
        (double) layers * directions * hiddenSize * (4 * (inputs + projectionSize + 2) + inputs);
    if (weights > MOST_WEIGHTS) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d layers of hiddenSize %d on inputSize %d may have %.1e weights, at most %.1e can"
                  + " be counted",
              layers,
              hiddenSize,
              inputSize,
              weights,
              MOST_WEIGHTS));
    }
    DropoutDescriptor.checkProbability(dropout);
    String refusal =
        algorithm == null ? null : refusal(algorithm, bias, precision, projectionSize < hiddenSize);
    if (refusal != null) {
      throw new IllegalArgumentException(refusal);
    }
  }

  /** Why cuDNN never runs this network by an algorithm; null if it may. */
  @Nullable String refusal(RnnAlgorithm algorithm) {
    return refusal(algorithm, bias, precision, projects());
  }

  private static @Nullable String refusal(
      RnnAlgorithm algorithm, BiasMode bias, Precision precision, boolean projects) {
    if (algorithm == RnnAlgorithm.STANDARD) {
      return null;
    }
    if (bias != BiasMode.DOUBLE) {
      return String.format(
          Locale.ROOT, "algorithm %s needs both biases, but the bias mode is %s", algorithm, bias);
    }
    if (projects) {
      return "algorithm " + algorithm + " cannot project the output, only STANDARD can";
    }
    if (!algorithm.computes(precision)) {
      return String.format(
          Locale.ROOT, "algorithm %s does not compute in %s", algorithm, precision);
    }
    return null;
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", but it must be at least 1");
    }
  }

  /**
   * A network of one layer and one direction with both biases, without dropout, in {@link
   * Precision#FP32} with the standard algorithm.
   *
   * @throws IllegalArgumentException if a size is below 1
   */
  public static RnnConfig of(RnnMode mode, int inputSize, int hiddenSize) {
    return new RnnConfig(
        mode,
        inputSize,
        hiddenSize,
        hiddenSize,
        1,
        DirectionMode.UNIDIRECTIONAL,
        BiasMode.DOUBLE,
        false,
        null,
        0,
        0,
        Precision.FP32,
        RnnAlgorithm.STANDARD);
  }

  /** {@link #of} with {@link RnnMode#LSTM}. */
  public static RnnConfig lstm(int inputSize, int hiddenSize) {
    return of(RnnMode.LSTM, inputSize, hiddenSize);
  }

  /** {@link #of} with {@link RnnMode#GRU}. */
  public static RnnConfig gru(int inputSize, int hiddenSize) {
    return of(RnnMode.GRU, inputSize, hiddenSize);
  }

  /** {@link #of} with {@link RnnMode#TANH}. */
  public static RnnConfig tanh(int inputSize, int hiddenSize) {
    return of(RnnMode.TANH, inputSize, hiddenSize);
  }

  /** {@link #of} with {@link RnnMode#RELU}. */
  public static RnnConfig relu(int inputSize, int hiddenSize) {
    return of(RnnMode.RELU, inputSize, hiddenSize);
  }

  /** This with another number of layers. */
  public RnnConfig layers(int layers) {
    return with(draft -> draft.layers = layers);
  }

  /** This with both directions. */
  public RnnConfig bidirectional() {
    return with(draft -> draft.direction = DirectionMode.BIDIRECTIONAL);
  }

  /** This with other biases. */
  public RnnConfig bias(BiasMode bias) {
    return with(draft -> draft.bias = bias);
  }

  /**
   * This LSTM with outputs that a matrix projects to a smaller size.
   *
   * @param size P, from 1 to H; H for no projection
   * @throws IllegalArgumentException if it is another, or this is not an LSTM and it is below H
   * @see <a href="https://arxiv.org/abs/1402.1128">Sak, Senior and Beaufays, 2014</a>
   */
  public RnnConfig projection(int size) {
    return with(draft -> draft.projectionSize = size);
  }

  /**
   * This LSTM reading its cell state within bounds, see {@link CellClip}.
   *
   * @throws IllegalArgumentException if {@code low} is above {@code high}, one of them is NaN, or
   *     this is not an LSTM
   */
  public RnnConfig clip(double low, double high) {
    return with(draft -> draft.clip = new CellClip(low, high));
  }

  /**
   * This without an input matrix in the first layer.
   *
   * @throws IllegalArgumentException if the sizes of input and state differ
   */
  public RnnConfig skipInput() {
    return with(draft -> draft.inputSkipped = true);
  }

  /** This with dropout between its layers. */
  public RnnConfig dropout(double probability, long seed) {
    return with(
        draft -> {
          draft.dropout = probability;
          draft.dropoutSeed = seed;
        });
  }

  /**
   * This in another precision.
   *
   * @throws IllegalArgumentException if the chosen algorithm does not compute in it
   */
  public RnnConfig precision(Precision precision) {
    return with(draft -> draft.precision = precision);
  }

  /**
   * This run by one algorithm. Whether cuDNN has it for these sizes on this GPU shows when a plan
   * is made or run.
   *
   * @throws IllegalArgumentException if cuDNN never runs such a network by it
   */
  public RnnConfig algorithm(RnnAlgorithm algorithm) {
    Objects.requireNonNull(algorithm, "algorithm");
    return with(draft -> draft.algorithm = algorithm);
  }

  /**
   * This run by the algorithm that is measured to be the fastest when a plan is made, which takes
   * up to seconds once for each shape of batch; {@link AlgorithmChoices} keeps what was measured,
   * and {@link RnnPlan#algorithmNote} tells it. Results have the same bits from run to run as long
   * as the choices are kept: two algorithms round differently.
   */
  public RnnConfig autoAlgorithm() {
    return with(draft -> draft.algorithm = null);
  }

  private RnnConfig with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return new RnnConfig(
        mode,
        inputSize,
        hiddenSize,
        draft.projectionSize,
        draft.layers,
        draft.direction,
        draft.bias,
        draft.inputSkipped,
        draft.clip,
        draft.dropout,
        draft.dropoutSeed,
        draft.precision,
        draft.algorithm);
  }

  /** What can be changed, on its way from one configuration to the next. */
  private static final class Draft {
    int projectionSize;
    int layers;
    DirectionMode direction;
    BiasMode bias;
    boolean inputSkipped;
    @Nullable CellClip clip;
    double dropout;
    long dropoutSeed;
    Precision precision;
    @Nullable RnnAlgorithm algorithm;

    Draft(RnnConfig from) {
      projectionSize = from.projectionSize;
      layers = from.layers;
      direction = from.direction;
      bias = from.bias;
      inputSkipped = from.inputSkipped;
      clip = from.clip;
      dropout = from.dropout;
      dropoutSeed = from.dropoutSeed;
      precision = from.precision;
      algorithm = from.algorithm;
    }
  }

  /** The type of weights, inputs and outputs. */
  public ElementType type() {
    return precision.type();
  }

  /** D: 1 or 2. */
  public int directions() {
    return direction.directions();
  }

  /** G: how many gates a cell has. */
  public int gates() {
    return mode.gates();
  }

  /** L·D: the networks of one layer and one direction that this is made of. */
  public int pseudoLayers() {
    return layers * directions();
  }

  /** D·P, which is D·H without a projection: the size of a vector of y. */
  public int outputSize() {
    return directions() * projectionSize;
  }

  /** Whether the state has a second part, the cell state c. */
  public boolean hasCellState() {
    return mode.hasCellState();
  }

  /** Whether h is a projection of what the cells put out. */
  public boolean projects() {
    return projectionSize != hiddenSize;
  }

  /** Whether dropout does anything here. */
  boolean dropsOut() {
    return dropout > 0 && layers > 1;
  }

  /** The network in a few words, for messages. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s I %d H %d%s L %d D %d bias %s%s%s dropout %s %s%s",
        mode,
        inputSize,
        hiddenSize,
        projects() ? " P " + projectionSize : "",
        layers,
        directions(),
        bias,
        inputSkipped ? " skip input" : "",
        clip == null ? "" : " clip [" + clip.low() + ", " + clip.high() + "]",
        dropout,
        precision,
        algorithm == RnnAlgorithm.STANDARD ? "" : algorithm == null ? " auto" : " " + algorithm);
  }
}
