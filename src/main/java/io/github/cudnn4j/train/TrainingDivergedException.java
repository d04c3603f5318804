package io.github.cudnn4j.train;

/**
 * Tells that too many steps in a row were refused because the gradient was not finite. The weights
 * are those of the last step that was not refused.
 */
public final class TrainingDivergedException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final long step;
  private final long skipped;

  TrainingDivergedException(long step, long skipped, double norm, double learningRate) {
    super(
        ("the last %d steps up to step %d had a gradient norm of %s and were skipped; the weights"
                + " are those before them. Lower the learning rate (%s) or clip the gradient")
            .formatted(skipped, step, norm, learningRate));
    this.step = step;
    this.skipped = skipped;
  }

  /** Returns the number of steps done. */
  public long step() {
    return step;
  }

  /** Returns the number of steps skipped in a row. */
  public long skipped() {
    return skipped;
  }
}
