package io.github.cudnn4j.optim;

/**
 * Stochastic gradient descent: with momentum μ and dampening d, v ← μ·v + (1 − d)·g and w ← w −
 * lr·v; the first v is g itself.
 *
 * @param learningRate lr
 * @param momentum μ, 0 for none
 * @param dampening d
 * @param weightDecay added to the gradient as weightDecay·w
 * @param nesterov whether to step along g + μ·v
 */
public record Sgd(
    double learningRate, double momentum, double dampening, double weightDecay, boolean nesterov)
    implements Optimizer {

  /**
   * Checks the hyperparameters.
   *
   * @throws IllegalArgumentException if one is negative or not finite, or if {@code nesterov} comes
   *     without momentum or with dampening
   */
  public Sgd {
    Hyperparameters.checkNonNegative("learning rate", learningRate);
    Hyperparameters.checkNonNegative("momentum", momentum);
    Hyperparameters.checkNonNegative("dampening", dampening);
    Hyperparameters.checkNonNegative("weight decay", weightDecay);
    if (nesterov && (momentum == 0 || dampening != 0)) {
      throw new IllegalArgumentException(
          "Nesterov's rule with momentum "
              + momentum
              + " and dampening "
              + dampening
              + ", needed are a positive momentum and no dampening");
    }
  }

  @Override
  public Sgd withLearningRate(double rate) {
    return new Sgd(rate, momentum, dampening, weightDecay, nesterov);
  }

  @Override
  public Sgd withWeightDecay(double decay) {
    return new Sgd(learningRate, momentum, dampening, decay, nesterov);
  }

  @Override
  public Runnable bind(ParameterRange range) {
    return range.fused(
        "sgd",
        momentum == 0 ? range.untouched() : range.moment("velocity"),
        range.state(),
        momentum,
        dampening,
        weightDecay,
        nesterov ? 1 : 0);
  }

  /** Returns the same rule with momentum. */
  public Sgd withMomentum(double value) {
    return new Sgd(learningRate, value, dampening, weightDecay, nesterov);
  }
}
