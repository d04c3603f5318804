package io.github.cudnn4j.optim;

/**
 * RMSProp: s ← α·s + (1 − α)·g², w ← w − lr·g/(√s + ε).
 *
 * @param learningRate lr
 * @param alpha α, how much of the mean square is kept
 * @param epsilon ε
 * @param weightDecay added to the gradient as weightDecay·w
 * @param momentum of the steps, 0 for none
 * @param centered whether the mean square is reduced by the squared mean
 * @see <a href="https://arxiv.org/abs/1308.0850">Graves, Generating sequences with recurrent neural
 *     networks, 2013 (the centered form)</a>
 */
public record RmsProp(
    double learningRate,
    double alpha,
    double epsilon,
    double weightDecay,
    double momentum,
    boolean centered)
    implements Optimizer {

  /**
   * Checks the hyperparameters.
   *
   * @throws IllegalArgumentException if one is negative or not finite, or alpha is not below 1
   */
  public RmsProp {
    Hyperparameters.checkNonNegative("learning rate", learningRate);
    Hyperparameters.checkDecay("alpha", alpha);
    Hyperparameters.checkNonNegative("epsilon", epsilon);
    Hyperparameters.checkNonNegative("weight decay", weightDecay);
    Hyperparameters.checkNonNegative("momentum", momentum);
  }

  @Override
  public RmsProp withLearningRate(double rate) {
    return new RmsProp(rate, alpha, epsilon, weightDecay, momentum, centered);
  }

  @Override
  public RmsProp withWeightDecay(double decay) {
    return new RmsProp(learningRate, alpha, epsilon, decay, momentum, centered);
  }

  @Override
  public Runnable bind(ParameterRange range) {
    return range.fused(
        "rms_prop",
        range.moment("square"),
        centered ? range.moment("mean") : range.untouched(),
        momentum == 0 ? range.untouched() : range.moment("velocity"),
        range.state(),
        alpha,
        epsilon,
        weightDecay,
        momentum,
        centered ? 1 : 0);
  }
}
