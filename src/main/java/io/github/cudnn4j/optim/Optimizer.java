package io.github.cudnn4j.optim;

/**
 * A rule that turns gradients into a change of the weights, with its hyperparameters. Formulas,
 * names and defaults are those of {@code torch.optim}.
 */
public sealed interface Optimizer permits Sgd, RmsProp, Adam, AdamW {

  /** Returns the learning rate that the schedule starts from. */
  double learningRate();

  /** Returns the same rule with another learning rate. */
  Optimizer withLearningRate(double learningRate);

  /** Stochastic gradient descent without momentum. */
  static Sgd sgd(double learningRate) {
    return new Sgd(learningRate, 0, 0, 0, false);
  }

  /** RMSProp with alpha 0.99 and epsilon 1e-8, neither centered nor with momentum. */
  static RmsProp rmsProp(double learningRate) {
    return new RmsProp(learningRate, 0.99, 1e-8, 0, 0, false);
  }

  /** Adam with betas 0.9 and 0.999 and epsilon 1e-8, without weight decay. */
  static Adam adam(double learningRate) {
    return new Adam(learningRate, 0.9, 0.999, 1e-8, 0);
  }

  /** AdamW with betas 0.9 and 0.999, epsilon 1e-8 and weight decay 0.01. */
  static AdamW adamW(double learningRate) {
    return new AdamW(learningRate, 0.9, 0.999, 1e-8, 0.01);
  }
}
