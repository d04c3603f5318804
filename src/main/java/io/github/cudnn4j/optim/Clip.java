package io.github.cudnn4j.optim;

/**
 * How gradients are clipped before the optimizer sees them; infinity switches a limit off.
 *
 * @param norm the limit θ of the Euclidean norm of all gradients together: a longer gradient g
 *     becomes θ·g/‖g‖
 * @param value the limit of the absolute value of each element, applied after the norm's
 * @see <a href="https://proceedings.mlr.press/v28/pascanu13.html">Pascanu, Mikolov and Bengio, On
 *     the difficulty of training recurrent neural networks, 2013</a>
 */
public record Clip(double norm, double value) {

  /** No clipping. */
  public static final Clip NONE = new Clip(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY);

  /**
   * Checks the limits.
   *
   * @throws IllegalArgumentException if a limit is not positive
   */
  public Clip {
    if (!(norm > 0) || !(value > 0)) {
      throw new IllegalArgumentException(
          "clip limits norm " + norm + " and value " + value + ", both must be positive");
    }
  }

  /** Limits the norm of all gradients together. */
  public static Clip byNorm(double limit) {
    return new Clip(limit, Double.POSITIVE_INFINITY);
  }

  /** Limits the absolute value of each element. */
  public static Clip byValue(double limit) {
    return new Clip(Double.POSITIVE_INFINITY, limit);
  }

  /** Limits the absolute value of each element too. */
  public Clip andValue(double limit) {
    return new Clip(norm, limit);
  }
}
