package io.github.cudnn4j.bench;

import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.train.Step;
import java.io.IOException;
import java.io.UncheckedIOException;

/** Steps of a training over the same few batches, again and again. */
final class Passes {
  /** The batches of a pass. */
  static final int BATCHES = 4;

  private final Step step;
  private final double learningRate;
  private final SavableRandom random = new SavableRandom(0);

  Passes(Step step, double learningRate) {
    this.step = step;
    this.learningRate = learningRate;
  }

  /**
   * Refuses a workload that such a training is not for.
   *
   * @throws UnsupportedOperationException unless the workload's rows are of any lengths
   */
  static void requireAnyOrder(Workload workload) {
    if (!workload.anyOrder()) {
      throw new UnsupportedOperationException("rows of any lengths are needed, not " + workload);
    }
  }

  /** Does so many steps, then reads the loss. */
  Step.Reading steps(int count) {
    try {
      for (int i = 0; i < count; i++) {
        if (!step.hasNext()) {
          step.begin(random, 0);
        }
        step.run(learningRate);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return step.read();
  }

  /** The time steps of all rows so far that are not padding. */
  long tokens() {
    return step.tokens();
  }
}
