package io.github.cudnn4j.cli;

import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.RmsProp;
import io.github.cudnn4j.optim.Schedule;
import io.github.cudnn4j.optim.Sgd;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How the weights move. */
final class OptimizerOptions {

  /** The update rules by name, with PyTorch's defaults. */
  enum Rule {
    SGD,
    RMSPROP,
    ADAM,
    ADAMW
  }

  /** How the learning rate changes over the run. */
  enum Shape {
    CONSTANT,
    COSINE
  }

  static final class RuleName extends Limits.Choice<Rule> {
    RuleName() {
      super(Rule.class);
    }
  }

  static final class ShapeName extends Limits.Choice<Shape> {
    ShapeName() {
      super(Shape.class);
    }
  }

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--optimizer",
      converter = RuleName.class,
      defaultValue = "adam",
      paramLabel = "sgd|rmsprop|adam|adamw",
      description = "The update rule. Default: ${DEFAULT-VALUE}")
  private Rule rule;

  @Option(
      names = "--lr",
      converter = Limits.NonNegative.class,
      paramLabel = "RATE",
      description = "Learning rate. Default: 1 for sgd, 0.002 for the others")
  private @Nullable Double learningRate;

  @Option(
      names = "--momentum",
      converter = Limits.NonNegative.class,
      defaultValue = "0",
      paramLabel = "M",
      description = "Momentum of sgd and rmsprop. Default: ${DEFAULT-VALUE}")
  private double momentum;

  @Option(
      names = "--schedule",
      converter = ShapeName.class,
      defaultValue = "constant",
      paramLabel = "constant|cosine",
      description = "How the learning rate changes over the run. Default: ${DEFAULT-VALUE}")
  private Shape schedule;

  @Option(
      names = "--warm-up",
      converter = Limits.Count.class,
      defaultValue = "0",
      paramLabel = "STEPS",
      description = "Steps over which the learning rate rises first. Default: ${DEFAULT-VALUE}")
  private int warmUp;

  @Option(
      names = "--clip-norm",
      converter = Limits.Positive.class,
      paramLabel = "LIMIT",
      description = "Project the gradient of all weights back to this length when it is longer.")
  private @Nullable Double clipNorm;

  @Option(
      names = "--clip-value",
      converter = Limits.Positive.class,
      paramLabel = "LIMIT",
      description = "Cut each element of the gradient to [-LIMIT, LIMIT].")
  private @Nullable Double clipValue;

  /**
   * Refuses what would have no effect.
   *
   * @throws ParameterException naming the option
   */
  void check() {
    if (momentum != 0 && rule != Rule.SGD && rule != Rule.RMSPROP) {
      throw refused(
          "--momentum: only sgd and rmsprop have it, not --optimizer " + Limits.typed(rule));
    }
  }

  Optimizer optimizer() {
    return switch (rule) {
      case SGD -> {
        Sgd sgd = Optimizer.sgd(rate(1));
        yield new Sgd(
            sgd.learningRate(), momentum, sgd.dampening(), sgd.weightDecay(), sgd.nesterov());
      }
      case RMSPROP -> {
        RmsProp d = Optimizer.rmsProp(rate(0.002));
        yield new RmsProp(
            d.learningRate(), d.alpha(), d.epsilon(), d.weightDecay(), momentum, d.centered());
      }
      case ADAM -> Optimizer.adam(rate(0.002));
      case ADAMW -> Optimizer.adamW(rate(0.002));
    };
  }

  private double rate(double byDefault) {
    return learningRate == null ? byDefault : learningRate;
  }

  Clip clip() {
    Clip clip = clipNorm == null ? Clip.NONE : Clip.byNorm(clipNorm);
    return clipValue == null ? clip : clip.andValue(clipValue);
  }

  /**
   * Returns how the learning rate changes over a run.
   *
   * @throws ParameterException if the run is over before it has warmed up
   */
  Schedule schedule(long totalSteps) {
    if (warmUp >= totalSteps) {
      throw refused(
          "--warm-up is " + warmUp + " steps, must be fewer than the run's " + totalSteps);
    }
    return switch (schedule) {
      case CONSTANT -> Schedule.constant().warmUp(warmUp);
      case COSINE -> Schedule.cosine(warmUp, totalSteps, 0.01);
    };
  }

  private ParameterException refused(String message) {
    return new ParameterException(command.commandLine(), message);
  }
}
