package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.DirectionMode;
import io.github.cudnn4j.cudnn.DropoutDescriptor;
import io.github.cudnn4j.cudnn.RnnMode;
import java.util.Locale;
import java.util.Objects;

/**
 * What a recurrent network is, apart from its weights.
 *
 * <pre>{@code
 * RnnConfig.lstm(128, 256).layers(2).bidirectional().dropout(0.2, 42)
 *
 * x [T, B, I] --> layer 0, forward  --+--> [T, B, D*H] --> layer 1, forward  --+--> y [T, B, D*H]
 *             \-> layer 0, backward --+    (dropout)   \-> layer 1, backward --+
 * states: [L*D, B, H], layer 0 forward, layer 0 backward, layer 1 forward, ...
 * }</pre>
 *
 * @param mode the cell
 * @param inputSize I, from 1
 * @param hiddenSize H, from 1
 * @param layers L, from 1
 * @param direction whether sequences are read in one direction or in both
 * @param bias which biases a cell has
 * @param dropout the probability, in [0, 1), that an output of a layer is dropped on its way to the
 *     next layer in training; the others are scaled by {@code 1 / (1 - dropout)}. Acts between
 *     layers only, so it does nothing in a network of one layer.
 * @param dropoutSeed where the generator of the dropout starts
 * @param type the type of weights, inputs and outputs, in which everything is computed: {@link
 *     ElementType#FLOAT32}, never rounded to TF32 on the way, or {@link ElementType#FLOAT64}
 */
public record RnnConfig(
    RnnMode mode,
    int inputSize,
    int hiddenSize,
    int layers,
    DirectionMode direction,
    BiasMode bias,
    double dropout,
    long dropoutSeed,
    ElementType type) {

  /**
   * Checks every value.
   *
   * @throws IllegalArgumentException if a value is outside the range stated for it
   */
  public RnnConfig {
    Objects.requireNonNull(mode, "mode");
    Objects.requireNonNull(direction, "direction");
    Objects.requireNonNull(bias, "bias");
    Objects.requireNonNull(type, "type");
    requirePositive("inputSize", inputSize);
    requirePositive("hiddenSize", hiddenSize);
    requirePositive("layers", layers);
    DropoutDescriptor.checkProbability(dropout);
    if (type != ElementType.FLOAT32 && type != ElementType.FLOAT64) {
      throw new IllegalArgumentException(
          "type is " + type + ", but a recurrent network computes in FLOAT32 or FLOAT64");
    }
  }

  private static void requirePositive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", but it must be at least 1");
    }
  }

  /**
   * A network of one layer and one direction with both biases, without dropout, in FLOAT32.
   *
   * @throws IllegalArgumentException if a size is below 1
   */
  public static RnnConfig of(RnnMode mode, int inputSize, int hiddenSize) {
    return new RnnConfig(
        mode,
        inputSize,
        hiddenSize,
        1,
        DirectionMode.UNIDIRECTIONAL,
        BiasMode.DOUBLE,
        0,
        0,
        ElementType.FLOAT32);
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
    return new RnnConfig(
        mode, inputSize, hiddenSize, layers, direction, bias, dropout, dropoutSeed, type);
  }

  /** This with both directions. */
  public RnnConfig bidirectional() {
    return new RnnConfig(
        mode,
        inputSize,
        hiddenSize,
        layers,
        DirectionMode.BIDIRECTIONAL,
        bias,
        dropout,
        dropoutSeed,
        type);
  }

  /** This with other biases. */
  public RnnConfig bias(BiasMode bias) {
    return new RnnConfig(
        mode, inputSize, hiddenSize, layers, direction, bias, dropout, dropoutSeed, type);
  }

  /** This with dropout between its layers. */
  public RnnConfig dropout(double probability, long seed) {
    return new RnnConfig(
        mode, inputSize, hiddenSize, layers, direction, bias, probability, seed, type);
  }

  /** This computing in another type. */
  public RnnConfig type(ElementType type) {
    return new RnnConfig(
        mode, inputSize, hiddenSize, layers, direction, bias, dropout, dropoutSeed, type);
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
    return Math.multiplyExact(layers, directions());
  }

  /** D·H: the size of a vector of y. */
  public int outputSize() {
    return Math.multiplyExact(directions(), hiddenSize);
  }

  /** Whether the state has a second part, the cell state c. */
  public boolean hasCellState() {
    return mode.hasCellState();
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
        "%s I %d H %d L %d D %d bias %s dropout %s %s",
        mode,
        inputSize,
        hiddenSize,
        layers,
        directions(),
        bias,
        dropout,
        type);
  }
}
