package io.github.cudnn4j.optim;

/**
 * A rule that turns gradients into a change of the weights, with its hyperparameters. Formulas,
 * names and defaults of those that come with this library are {@code torch.optim}'s.
 *
 * <p>An optimizer is a value, best a record, and may serve any number of {@link Updater}s: what it
 * keeps from step to step it gets from the {@link ParameterRange} that it is bound to. One more,
 * Lion, of operations on vectors:
 *
 * <pre>{@code
 * record Lion(double learningRate, double beta1, double beta2, double weightDecay)
 *     implements Optimizer {
 *   public Lion withLearningRate(double rate) {
 *     return new Lion(rate, beta1, beta2, weightDecay);
 *   }
 *
 *   public Runnable bind(ParameterRange range) {
 *     DeviceBuffer w = range.weights();
 *     DeviceBuffer g = range.gradients();
 *     DeviceBuffer m = range.moment("mean");
 *     DeviceBuffer c = range.scratch();
 *     return range
 *         .program()
 *         .combine(beta1, m, 1 - beta1, g, c)
 *         .sign(c, c)
 *         .combine(1, c, weightDecay, w, c)
 *         .add(range.learningRate().times(-1), c, w)
 *         .combine(beta2, m, 1 - beta2, g, m);
 *   }
 * }
 * }</pre>
 */
public interface Optimizer {

  /** Returns the learning rate that the schedule starts from. */
  double learningRate();

  /** Returns the same rule with another learning rate. */
  Optimizer withLearningRate(double learningRate);

  /**
   * Returns the same rule with another weight decay, for a {@link ParameterGroup} that has one.
   *
   * @throws IllegalArgumentException if the rule has none, as by default
   */
  default Optimizer withWeightDecay(double weightDecay) {
    throw new IllegalArgumentException(getClass().getSimpleName() + " has no weight decay");
  }

  /**
   * Prepares the rule for some of the weights: once for all of them, or, where there are groups,
   * once for each part of the buffers, and then it must be the same for each element alone.
   *
   * <p>What is returned enqueues one update of the range's weights and moments on the device's
   * stream; the gradient's norm, the state and {@link ParameterRange#gradients} are there by then.
   * It is called for every update and captured into graphs. So it may launch kernels, call {@link
   * io.github.cudnn4j.cuda.Blas} and copy from device memory to device memory, but it allocates
   * nothing, reads nothing back and waits for nothing: buffers are made here. In a step that is
   * refused it must change neither weights nor moments; {@link VectorProgram} sees to that.
   */
  Runnable bind(ParameterRange range);

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
