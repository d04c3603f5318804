package io.github.cudnn4j.optim;

/** Checks that the optimizers share. */
final class Hyperparameters {

  private Hyperparameters() {}

  static void checkNonNegative(String name, double value) {
    if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + " " + value + ", must be finite and at least 0");
    }
  }

  static void checkDecay(String name, double value) {
    if (!(value >= 0 && value < 1)) {
      throw new IllegalArgumentException(name + " " + value + ", must be in [0, 1)");
    }
  }
}
