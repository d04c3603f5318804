package io.github.cudnn4j.optim;

/**
 * Adam: means m and mean squares s of the gradient, both corrected for their start at zero; w ← w −
 * lr·m̂/(√ŝ + ε).
 *
 * @param learningRate lr
 * @param beta1 how much of m is kept
 * @param beta2 how much of s is kept
 * @param epsilon ε
 * @param weightDecay added to the gradient as weightDecay·w
 * @see <a href="https://arxiv.org/abs/1412.6980">Kingma and Ba, Adam, 2015</a>
 */
public record Adam(
    double learningRate, double beta1, double beta2, double epsilon, double weightDecay)
    implements Optimizer {

  /**
   * Checks the hyperparameters.
   *
   * @throws IllegalArgumentException if one is negative or not finite, or a beta is not below 1
   */
  public Adam {
    Hyperparameters.checkNonNegative("learning rate", learningRate);
    Hyperparameters.checkDecay("beta1", beta1);
    Hyperparameters.checkDecay("beta2", beta2);
    Hyperparameters.checkNonNegative("epsilon", epsilon);
    Hyperparameters.checkNonNegative("weight decay", weightDecay);
  }

  @Override
  public Adam withLearningRate(double rate) {
    return new Adam(rate, beta1, beta2, epsilon, weightDecay);
  }

  @Override
  public Adam withWeightDecay(double decay) {
    return new Adam(learningRate, beta1, beta2, epsilon, decay);
  }

  @Override
  public Runnable bind(ParameterRange range) {
    return bind(range, beta1, beta2, epsilon, weightDecay, false);
  }

  static Runnable bind(
      ParameterRange range,
      double beta1,
      double beta2,
      double epsilon,
      double decay,
      boolean decoupled) {
    range.biasCorrections(beta1, beta2);
    return range.fused(
        "adam",
        range.moment("mean"),
        range.moment("square"),
        range.state(),
        beta1,
        beta2,
        epsilon,
        decay,
        decoupled ? 1 : 0);
  }
}
