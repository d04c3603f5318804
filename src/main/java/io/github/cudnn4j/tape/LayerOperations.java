package io.github.cudnn4j.tape;

import io.github.cudnn4j.rnn.Rnn;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Operations of a {@link Tape} that have weights or states: layers of networks.
 *
 * <p>Each records an operation and returns its output, owned by the tape. All throw
 * IllegalArgumentException if shapes or types do not fit, and IllegalStateException if the tape is
 * closed. What {@link Parameters} declares calls them with its own weights.
 */
public sealed interface LayerOperations permits Tape {

  /**
   * Records the lookup of vectors.
   *
   * @param tokens {@code [...]}; a negative token is padding and gives a zero vector without
   *     gradient, a token that the table does not have gives NaN
   * @param table {@code [V, E]}
   * @return {@code [..., E]}
   */
  default Tensor embedding(Indices tokens, Tensor table) {
    return Embedding.record(tape(), tokens, table);
  }

  /**
   * Records the encoding of tokens as unit vectors.
   *
   * @param tokens {@code [...]}; a negative token is padding and gives a zero vector, a token that
   *     is no class gives NaN
   * @param classes V, at least 1
   * @return {@code [..., V]}, without gradient
   */
  default Tensor oneHot(Indices tokens, int classes) {
    return Embedding.oneHot(tape(), tokens, classes);
  }

  /**
   * Records a recurrent network over sequences of equal length, from a zero state, with final
   * states through which gradients flow.
   *
   * @param x {@code [T, B, I]}
   */
  default RecurrentOutput rnn(Rnn rnn, Tensor x) {
    return Recurrent.record(tape(), rnn, x, null, null, null);
  }

  /**
   * As {@link #rnn(Rnn, Tensor)}, with initial states through which gradients flow too, as from a
   * decoder to its encoder.
   *
   * @param h0 {@code [L·D, B, P]}
   * @param c0 {@code [L·D, B, H]}; null unless the cell is an LSTM
   */
  default RecurrentOutput rnn(Rnn rnn, Tensor x, Tensor h0, @Nullable Tensor c0) {
    return Recurrent.record(tape(), rnn, x, null, h0, c0);
  }

  /**
   * As {@link #rnn(Rnn, Tensor)}, over sequences of the lengths that are set at each {@link
   * Tape#forward}, each in [1, T]: a backward direction starts with a sequence's own last step,
   * final states are those after it, and what is behind it is 0 in y and in the gradient of {@code
   * x}.
   */
  default RecurrentOutput rnn(Rnn rnn, Tensor x, Lengths lengths) {
    return Recurrent.record(tape(), rnn, x, Objects.requireNonNull(lengths, "lengths"), null, null);
  }

  /** As {@link #rnn(Rnn, Tensor, Lengths)} and {@link #rnn(Rnn, Tensor, Tensor, Tensor)}. */
  default RecurrentOutput rnn(Rnn rnn, Tensor x, Lengths lengths, Tensor h0, @Nullable Tensor c0) {
    return Recurrent.record(tape(), rnn, x, Objects.requireNonNull(lengths, "lengths"), h0, c0);
  }

  /**
   * As {@link #rnn(Rnn, Tensor)}, from the state that {@link Tape#carry} has carried there, zero at
   * first. Truncated backpropagation through time: no gradient flows into a carried state.
   *
   * @return y, {@code [T, B, D·P]}
   * @see <a href="https://doi.org/10.1162/neco.1990.2.4.490">Williams and Peng, 1990</a>
   */
  default Tensor carried(Rnn rnn, Tensor x) {
    return Recurrent.record(tape(), rnn, x, tape().carriedNetworks());
  }

  /**
   * Records a linear layer over the last extent, y = x · Wᵀ + b.
   *
   * @param x {@code [..., I]}
   * @param weight {@code [O, I]}
   * @param bias {@code [O]}, null for none
   * @return {@code [..., O]}
   */
  default Tensor linear(Tensor x, Tensor weight, @Nullable Tensor bias) {
    return Linear.record(tape(), x, weight, bias);
  }

  /**
   * Records layer normalization over the last extent: y = (x − mean) / √(variance + ε) · weight +
   * bias, mean and variance being those of a row.
   *
   * @param x {@code [..., C]}
   * @param weight {@code [C]}
   * @param bias {@code [C]}
   * @param epsilon above 0; PyTorch has 10⁻⁵
   * @return the shape of {@code x}
   * @throws IllegalArgumentException also if {@code epsilon} is not as stated
   * @see <a href="https://arxiv.org/abs/1607.06450">Ba, Kiros and Hinton, 2016</a>
   */
  default Tensor layerNorm(Tensor x, Tensor weight, Tensor bias, double epsilon) {
    return LayerNorm.record(tape(), x, weight, bias, epsilon);
  }

  /**
   * Records dropout: in training each element is zero with the given probability, otherwise divided
   * by one minus it, with a new mask at each forward; in inference nothing happens.
   *
   * @param probability at least 0, below 1
   * @param seed of the operation's own generator, whose state {@link Tape#generatorStates} returns;
   *     the same seed gives the same masks on every device
   * @return the shape of {@code x}; {@code x} itself in inference or if the probability is 0
   * @throws IllegalArgumentException also if the probability is outside its range
   */
  default Tensor dropout(Tensor x, double probability, long seed) {
    return Dropout.record(tape(), x, probability, seed);
  }

  private Tape tape() {
    return (Tape) this;
  }
}
