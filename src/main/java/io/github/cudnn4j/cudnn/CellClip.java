package io.github.cudnn4j.cudnn;

/**
 * Bounds within which an LSTM reads its cell state: {@code c' = f * clip(c) + i * g} and {@code h =
 * o * tanh(clip(c'))}.
 *
 * <p>The cell state that is put out is not clipped. A gradient passes a cell state only where it
 * lies within the bounds, and a NaN stays a NaN. cuDNN rounds the bounds to single precision.
 *
 * @param low the lower bound, may be infinite
 * @param high the upper bound, not below the lower one
 */
public record CellClip(double low, double high) {

  /**
   * Checks the order of the bounds.
   *
   * @throws IllegalArgumentException if the lower bound is above the upper one, or one is NaN
   */
  public CellClip {
    if (!(low <= high)) {
      throw new IllegalArgumentException(
          "the cell state cannot be clipped to [" + low + ", " + high + "]");
    }
  }
}
