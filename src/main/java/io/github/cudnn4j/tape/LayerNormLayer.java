package io.github.cudnn4j.tape;

/**
 * Normalization over the last extent: {@code name.weight} and {@code name.bias}, both {@code [C]},
 * 1 and 0 at first unless said otherwise.
 *
 * @see <a
 *     href="https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html">torch.nn.LayerNorm</a>
 */
public final class LayerNormLayer {

  /** PyTorch's default. */
  static final double EPSILON = 1e-5;

  private final Parameter weight;
  private final Parameter bias;
  private final double epsilon;

  LayerNormLayer(Parameter weight, Parameter bias, double epsilon) {
    this.weight = weight;
    this.bias = bias;
    this.epsilon = epsilon;
  }

  /** Returns C. */
  public int size() {
    return weight.shape()[0];
  }

  /** Returns {@code name.weight} {@code [C]}. */
  public Parameter weight() {
    return weight;
  }

  /** Returns {@code name.bias} {@code [C]}. */
  public Parameter bias() {
    return bias;
  }

  /** Returns ε, what is added to the variance. */
  public double epsilon() {
    return epsilon;
  }

  /**
   * Records the layer.
   *
   * @param x {@code [..., C]}
   * @return the shape of {@code x}
   * @throws IllegalArgumentException if shapes or types do not fit
   * @throws IllegalStateException if the set has no memory yet, or it or the tape is closed
   * @see Tape#layerNorm
   */
  public Tensor on(Tape tape, Tensor x) {
    return tape.layerNorm(x, weight.tensor(), bias.tensor(), epsilon);
  }
}
