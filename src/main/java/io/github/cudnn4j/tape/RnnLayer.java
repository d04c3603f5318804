package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A recurrent network, made and owned by its {@link Parameters}: {@code name.weight_ih_l0} and so
 * on, as {@link io.github.cudnn4j.rnn.RnnWeights} has them, all drawn uniformly from ±1/√H unless
 * said otherwise.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html">torch.nn.LSTM</a>
 */
public final class RnnLayer {

  private final Parameters set;
  private final String name;
  private final RnnConfig config;
  private final Init init;
  private final List<Parameter> parameters = new ArrayList<>();
  private @Nullable Double forgetBias;
  private @Nullable Rnn rnn;

  RnnLayer(Parameters set, String name, RnnConfig config) {
    this.set = set;
    this.name = name;
    this.config = config;
    init = Init.uniform(1 / Math.sqrt(config.hiddenSize()));
  }

  /** Returns what the network is, with the set's precision. */
  public RnnConfig config() {
    return config;
  }

  /** Returns I, the size of a vector of x. */
  public int inputSize() {
    return config.inputSize();
  }

  /** Returns D·P, the size of a vector of y. */
  public int outputSize() {
    return config.outputSize();
  }

  /**
   * Returns the network, borrowed from the set.
   *
   * @throws IllegalStateException if the set has no memory yet
   */
  public Rnn rnn() {
    set.weights();
    return Objects.requireNonNull(rnn);
  }

  /**
   * Returns one parameter.
   *
   * @param name without the layer's, such as {@code weight_hh_l0}
   * @throws IllegalArgumentException if there is none of that name
   * @throws IllegalStateException if the set has no memory yet
   */
  public Parameter parameter(String name) {
    return set.parameter(this.name + "." + name);
  }

  /**
   * Lets the forget gates of an LSTM have a bias at first, in sum of both biases if there are two:
   * that of the input, or the only one, gets the value and the other 0.
   *
   * @throws IllegalArgumentException if the network is not an LSTM or has no biases, or the value
   *     is not finite
   * @see <a href="https://proceedings.mlr.press/v37/jozefowicz15.html">Jozefowicz et al., 2015</a>
   */
  public RnnLayer forgetBias(double value) {
    if (config.mode() != RnnMode.LSTM) {
      throw new IllegalArgumentException(
          "a cell of kind " + config.mode() + " has no forget gate; only an LSTM has");
    }
    if (!config.bias().onInput() && !config.bias().onState()) {
      throw new IllegalArgumentException(
          "the forget gate has no bias with bias mode " + config.bias());
    }
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("forget bias " + value + ", must be finite");
    }
    forgetBias = value;
    return this;
  }

  /**
   * Records the network over sequences of equal length, from a zero state.
   *
   * @param x {@code [T, B, I]}
   * @throws IllegalArgumentException if shapes or types do not fit
   * @throws IllegalStateException if the set has no memory yet, or it or the tape is closed
   */
  public RecurrentOutput on(Tape tape, Tensor x) {
    return tape.rnn(rnn(), x);
  }

  /**
   * As {@link #on(Tape, Tensor)}, from an initial state.
   *
   * @param h0 {@code [L·D, B, P]}
   * @param c0 {@code [L·D, B, H]}; null unless the cell is an LSTM
   */
  public RecurrentOutput on(Tape tape, Tensor x, Tensor h0, @Nullable Tensor c0) {
    return tape.rnn(rnn(), x, h0, c0);
  }

  /**
   * As {@link #on(Tape, Tensor)}, over sequences of the lengths that are set at each {@link
   * Tape#forward}, each in [1, T].
   */
  public RecurrentOutput on(Tape tape, Tensor x, Lengths lengths) {
    return tape.rnn(rnn(), x, lengths);
  }

  /** As {@link #on(Tape, Tensor, Lengths)} and {@link #on(Tape, Tensor, Tensor, Tensor)}. */
  public RecurrentOutput on(Tape tape, Tensor x, Lengths lengths, Tensor h0, @Nullable Tensor c0) {
    return tape.rnn(rnn(), x, lengths, h0, c0);
  }

  /**
   * As {@link #on(Tape, Tensor)}, from the state that {@link Tape#carry} has carried there, zero at
   * first.
   *
   * @return y, {@code [T, B, D·P]}
   */
  public Tensor carried(Tape tape, Tensor x) {
    return tape.carried(rnn(), x);
  }

  /** Takes the network, whose weights begin at a place of the flat buffers. */
  void place(Rnn rnn, long offset) {
    this.rnn = rnn;
    long start = rnn.weights().space().address();
    int bytes = config.type().bytes();
    parameters.clear();
    for (RnnParameter parameter : rnn.weights().parameters()) {
      var pieces = new ArrayList<Parameter.Piece>();
      for (DeviceBuffer slice : parameter.slices()) {
        long place = offset + (slice.address() - start) / bytes;
        pieces.add(new Parameter.Piece(place, slice.elements()));
      }
      parameters.add(
          new Parameter(set, name + "." + parameter.name(), parameter.shape(), init, pieces));
    }
  }

  /** Returns all parameters; none before {@link #place}. */
  List<Parameter> parameters() {
    return parameters;
  }

  /** Puts the bias of the forget gates among the first values of a parameter. */
  void setForgetBias(Parameter parameter, double[] values) {
    if (forgetBias != null && parameter.name().startsWith(name + ".bias_")) {
      boolean carries = parameter.name().startsWith(name + ".bias_ih") || !config.bias().onInput();
      int hidden = config.hiddenSize();
      Arrays.fill(values, hidden, 2 * hidden, carries ? forgetBias : 0);
    }
  }
}
