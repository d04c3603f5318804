package io.github.cudnn4j.optim;

/** How the learning rate changes: a pure function of the step. */
@FunctionalInterface
public interface Schedule {

  /**
   * Returns what the optimizer's learning rate is multiplied by.
   *
   * @param step the number of steps done before, from 0
   */
  double factor(long step);

  /** Keeps the learning rate. */
  static Schedule constant() {
    return step -> 1;
  }

  /**
   * Multiplies the learning rate by {@code gamma} after every {@code every} steps.
   *
   * @throws IllegalArgumentException if {@code every} or {@code gamma} is not positive
   */
  static Schedule step(long every, double gamma) {
    require(every > 0, "every " + every + " steps");
    require(gamma > 0, "gamma " + gamma);
    return step -> Math.pow(gamma, step / every);
  }

  /**
   * Multiplies the learning rate by {@code gamma} after each step.
   *
   * @throws IllegalArgumentException if {@code gamma} is not positive
   */
  static Schedule exponential(double gamma) {
    require(gamma > 0, "gamma " + gamma);
    return step -> Math.pow(gamma, step);
  }

  /**
   * Raises the learning rate linearly over the first {@code warmUp} steps, then lets it fall as
   * half a cosine to {@code floor} times itself at step {@code total}, where it stays.
   *
   * @throws IllegalArgumentException if {@code warmUp} is negative, {@code total} is not above it
   *     or {@code floor} is outside [0, 1]
   * @see <a href="https://arxiv.org/abs/1608.03983">Loshchilov and Hutter, SGDR, 2017</a>
   */
  static Schedule cosine(long warmUp, long total, double floor) {
    require(warmUp >= 0, "warm-up of " + warmUp + " steps");
    require(total > warmUp, "total " + total + " with a warm-up of " + warmUp);
    require(floor >= 0 && floor <= 1, "floor " + floor);
    return step -> {
      if (step < warmUp) {
        return (step + 1.0) / warmUp;
      }
      double part = Math.min(1, (step - warmUp) / (double) (total - warmUp));
      return floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * part));
    };
  }

  private static void require(boolean condition, String value) {
    if (!condition) {
      throw new IllegalArgumentException("schedule: " + value + " is out of range");
    }
  }
}
