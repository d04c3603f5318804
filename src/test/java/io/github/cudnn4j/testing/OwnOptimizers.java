package io.github.cudnn4j.testing;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.ParameterRange;
import io.github.cudnn4j.optim.Scalar;
import io.github.cudnn4j.optim.StepState;

/** Optimizers that users might write, on what is public. */
public final class OwnOptimizers {
  private OwnOptimizers() {}

  /**
   * Lion.
   *
   * @see <a href="https://arxiv.org/abs/2302.06675">Chen et al., Symbolic discovery of optimization
   *     algorithms, 2023</a>
   */
  public record Lion(double learningRate, double beta1, double beta2, double weightDecay)
      implements Optimizer {

    @Override
    public Lion withLearningRate(double rate) {
      return new Lion(rate, beta1, beta2, weightDecay);
    }

    @Override
    public Lion withWeightDecay(double decay) {
      return new Lion(learningRate, beta1, beta2, decay);
    }

    @Override
    public Runnable bind(ParameterRange range) {
      DeviceBuffer w = range.weights();
      DeviceBuffer g = range.gradients();
      DeviceBuffer m = range.moment("mean");
      DeviceBuffer c = range.scratch();
      return range
          .program()
          .combine(beta1, m, 1 - beta1, g, c)
          .sign(c, c)
          .combine(1, c, weightDecay, w, c)
          .add(range.learningRate().times(-1), c, w)
          .combine(beta2, m, 1 - beta2, g, m);
    }
  }

  /** torch.optim.Adagrad, without decay of any kind. */
  public record Adagrad(double learningRate, double epsilon) implements Optimizer {

    @Override
    public Adagrad withLearningRate(double rate) {
      return new Adagrad(rate, epsilon);
    }

    @Override
    public Runnable bind(ParameterRange range) {
      DeviceBuffer g = range.gradients();
      DeviceBuffer s = range.moment("sum");
      DeviceBuffer c = range.scratch();
      return range
          .program()
          .multiply(g, g, c)
          .combine(1, s, 1, c, s)
          .root(s, c)
          .divide(g, c, epsilon, c)
          .add(range.learningRate().times(-1), c, range.weights());
    }
  }

  /**
   * torch.optim.Adamax, with ε added to the quotient's divisor. Its step is divided by a number
   * that changes.
   */
  public record Adamax(double learningRate, double beta1, double beta2, double epsilon)
      implements Optimizer {

    @Override
    public Adamax withLearningRate(double rate) {
      return new Adamax(rate, beta1, beta2, epsilon);
    }

    @Override
    public Runnable bind(ParameterRange range) {
      DeviceBuffer g = range.gradients();
      DeviceBuffer m = range.moment("mean");
      DeviceBuffer u = range.moment("largest");
      DeviceBuffer c = range.scratch();
      range.biasCorrections(beta1, 0);
      DeviceBuffer rate = range.state().slice(StepState.LEARNING_RATE, 1);
      DeviceBuffer correction = range.state().slice(StepState.CORRECTION1, 1);
      DeviceBuffer step = range.own(DeviceBuffer.allocate(range.device(), ElementType.FLOAT64, 1));
      return range
          .program()
          .combine(beta1, m, 1 - beta1, g, m)
          .absolute(g, g)
          .set(Scalar.of(epsilon), c)
          .combine(1, g, 1, c, g)
          .combine(beta2, u, 0, u, u)
          .maximum(u, g, u)
          .divide(m, u, 0, c)
          .divide(rate, correction, 0, step)
          .add(new Scalar(-1, step), c, range.weights());
    }
  }
}
