package io.github.cudnn4j.tape;

import org.jspecify.annotations.Nullable;

/**
 * y = x · Wᵀ + b over the last extent: {@code name.weight} {@code [O, I]} and {@code name.bias}
 * {@code [O]}, both drawn uniformly from ±1/√I unless said otherwise.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html">torch.nn.Linear</a>
 */
public final class LinearLayer {

  private final Parameter weight;
  private final @Nullable Parameter bias;

  LinearLayer(Parameter weight, @Nullable Parameter bias) {
    this.weight = weight;
    this.bias = bias;
  }

  /** Returns I. */
  public int inputSize() {
    return weight.shape()[1];
  }

  /** Returns O. */
  public int outputSize() {
    return weight.shape()[0];
  }

  /** Returns {@code name.weight} {@code [O, I]}, or the parameter that serves as it. */
  public Parameter weight() {
    return weight;
  }

  /** Returns {@code name.bias} {@code [O]}, null if there is none. */
  public @Nullable Parameter bias() {
    return bias;
  }

  /**
   * Records the layer.
   *
   * @param x {@code [..., I]}
   * @return {@code [..., O]}
   * @throws IllegalArgumentException if shapes or types do not fit
   * @throws IllegalStateException if the set has no memory yet, or it or the tape is closed
   */
  public Tensor on(Tape tape, Tensor x) {
    return tape.linear(x, weight.tensor(), bias == null ? null : bias.tensor());
  }
}
