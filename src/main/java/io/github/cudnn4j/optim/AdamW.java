package io.github.cudnn4j.optim;

/**
 * Adam with decoupled weight decay: w ← (1 − lr·weightDecay)·w before the step.
 *
 * @param learningRate lr
 * @param beta1 how much of the mean gradient is kept
 * @param beta2 how much of the mean squared gradient is kept
 * @param epsilon ε
 * @param weightDecay how fast weights shrink
 * @see <a href="https://arxiv.org/abs/1711.05101">Loshchilov and Hutter, Decoupled weight decay
 *     regularization, 2019</a>
 */
public record AdamW(
    double learningRate, double beta1, double beta2, double epsilon, double weightDecay)
    implements Optimizer {

  /**
   * Checks the hyperparameters.
   *
   * @throws IllegalArgumentException if one is negative or not finite, or a beta is not below 1
   */
  public AdamW {
    Hyperparameters.checkNonNegative("learning rate", learningRate);
    Hyperparameters.checkDecay("beta1", beta1);
    Hyperparameters.checkDecay("beta2", beta2);
    Hyperparameters.checkNonNegative("epsilon", epsilon);
    Hyperparameters.checkNonNegative("weight decay", weightDecay);
  }

  @Override
  public AdamW withLearningRate(double rate) {
    return new AdamW(rate, beta1, beta2, epsilon, weightDecay);
  }

  @Override
  public AdamW withWeightDecay(double decay) {
    return new AdamW(learningRate, beta1, beta2, epsilon, decay);
  }

  @Override
  public Runnable bind(ParameterRange range) {
    return Adam.bind(range, beta1, beta2, epsilon, weightDecay, true);
  }
}
