package io.github.cudnn4j.optim;

/**
 * How the learning rate changes: a pure function of the step, so that a training that goes on from
 * a checkpoint needs nothing but its number.
 */
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
      return halfCosine(1, floor, part);
    };
  }

  /**
   * Lets the learning rate fall linearly to {@code floor} times itself at step {@code total}, where
   * it stays.
   *
   * @throws IllegalArgumentException if {@code total} is not positive or {@code floor} is outside
   *     [0, 1]
   */
  static Schedule linear(long total, double floor) {
    require(total > 0, "total " + total);
    require(floor >= 0 && floor <= 1, "floor " + floor);
    return step -> 1 + (floor - 1) * Math.min(1, step / (double) total);
  }

  /**
   * Raises the learning rate linearly over the first {@code warmUp} steps, then lets it fall with
   * the inverse square root of the step: it is the optimizer's at the end of the rise.
   *
   * @throws IllegalArgumentException if {@code warmUp} is not positive
   * @see <a href="https://arxiv.org/abs/1706.03762">Vaswani et al., Attention is all you need,
   *     2017</a>
   */
  static Schedule inverseSquareRoot(long warmUp) {
    require(warmUp > 0, "warm-up of " + warmUp + " steps");
    return step -> Math.min((step + 1.0) / warmUp, Math.sqrt(warmUp / (step + 1.0)));
  }

  /**
   * Raises the learning rate from a 25th of itself as half a cosine over the first 30 % of {@code
   * total} steps, then lets it fall likewise to a 250,000th, where it stays: {@code
   * torch.optim.lr_scheduler.OneCycleLR} without its cycle of the momentum.
   *
   * @throws IllegalArgumentException if {@code total} is below 10
   * @see <a href="https://arxiv.org/abs/1708.07120">Smith and Topin, Super-convergence, 2018</a>
   */
  static Schedule oneCycle(long total) {
    require(total >= 10, "total " + total);
    double start = 1 / 25.0;
    double end = start / 10_000;
    double top = 0.3 * total - 1;
    return step ->
        step <= top
            ? halfCosine(start, 1, step / top)
            : halfCosine(1, end, Math.min(1, (step - top) / (total - 1 - top)));
  }

  /**
   * Returns this schedule with a start: over the first {@code steps} steps its factors are
   * multiplied by a number that rises linearly to 1.
   *
   * @throws IllegalArgumentException if {@code steps} is negative
   */
  default Schedule warmUp(long steps) {
    require(steps >= 0, "warm-up of " + steps + " steps");
    return step -> step < steps ? (step + 1.0) / steps * factor(step) : factor(step);
  }

  private static double halfCosine(double from, double to, double part) {
    return to + (from - to) * 0.5 * (1 + Math.cos(Math.PI * part));
  }

  private static void require(boolean condition, String value) {
    if (!condition) {
      throw new IllegalArgumentException("schedule: " + value + " is out of range");
    }
  }
}
