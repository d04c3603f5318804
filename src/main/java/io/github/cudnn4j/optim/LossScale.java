package io.github.cudnn4j.optim;

import java.util.Locale;

/**
 * What the loss is multiplied by before it is differentiated in FP16, so that small gradients do
 * not become zero; the update divides them by it. It is halved, and the step refused, when a
 * gradient is not finite, and doubled after a number of steps without that. It stays between 1 and
 * 2<sup>24</sup>.
 *
 * @param initial what it is at first
 * @param growEvery after how many steps in a row it is doubled; 0 for a scale that never changes
 * @see <a href="https://arxiv.org/abs/1710.03740">Micikevicius et al., Mixed precision training,
 *     2018</a>
 */
public record LossScale(double initial, int growEvery) {

  private static final double MOST = 1 << 24;

  /** PyTorch's: 65,536 at first, doubled after 2,000 steps. */
  public static final LossScale DEFAULT = new LossScale(65_536, 2_000);

  /** For precisions that need none. */
  public static final LossScale NONE = new LossScale(1, 0);

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if the scale is not from 1 to 2<sup>24</sup>, or the number of
   *     steps is negative
   */
  public LossScale {
    if (!(initial >= 1 && initial <= MOST) || growEvery < 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "loss scale %s doubled every %d steps, must be from 1 to %s and a number of steps",
              initial,
              growEvery,
              MOST));
    }
  }
}
