package io.github.cudnn4j.train;

import io.github.cudnn4j.optim.StepState;
import java.util.Locale;

/**
 * Too many steps in a row were bad: refused because the loss or the gradient was not finite, or of
 * a loss far above that of a uniform guess; or the training has ended with such a loss. The weights
 * are of no use any more; no checkpoint was written since the first of these steps.
 */
public final class TrainingDivergedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final long step;
  private final long badSteps;

  private TrainingDivergedException(String what, long step, StepState state) {
    super(
        String.format(
            Locale.ROOT,
            "the training has diverged: %s; lower the learning rate (%s) or clip the gradient",
            what,
            state.learningRate()));
    this.step = step;
    this.badSteps = state.bad();
  }

  TrainingDivergedException(long step, StepState state) {
    this(
        String.format(
            Locale.ROOT,
            "the last %d steps up to step %d had a loss far above guessing, or a loss or gradient"
                + " that is not finite (the latest loss is %.4g, the gradient's norm %.4g)",
            state.bad(),
            step,
            state.loss(),
            state.norm()),
        step,
        state);
  }

  /** Of a training that ended so. */
  static TrainingDivergedException atEnd(String text, double loss, long step, StepState state) {
    return new TrainingDivergedException(
        String.format(
            Locale.ROOT,
            "after step %d the loss in %s is %.4g, far above guessing",
            step,
            text,
            loss),
        step,
        state);
  }

  /** Returns the number of steps done. */
  public long step() {
    return step;
  }

  /** Returns the number of bad steps in a row. */
  public long badSteps() {
    return badSteps;
  }
}
