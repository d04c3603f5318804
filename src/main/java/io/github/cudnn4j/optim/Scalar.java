package io.github.cudnn4j.optim;

import io.github.cudnn4j.cuda.DeviceBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A factor in an update rule: a constant, times a number that is in device memory when the rule
 * runs, such as the learning rate of the step.
 *
 * @param constant known when the rule is made
 * @param number one FLOAT64, borrowed; null for 1
 */
public record Scalar(double constant, @Nullable DeviceBuffer number) {

  /** Returns a constant. */
  public static Scalar of(double constant) {
    return new Scalar(constant, null);
  }

  /** Returns this factor times a constant. */
  public Scalar times(double factor) {
    return new Scalar(constant * factor, number);
  }
}
