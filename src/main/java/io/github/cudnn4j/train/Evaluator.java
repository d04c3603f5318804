package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.data.WindowRunner;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Tape;
import java.util.Objects;

/**
 * Measures how well a model predicts a text, carrying the recurrent state through it. Owner of the
 * activations for one shape; the weights are read as they are at each measurement.
 */
public final class Evaluator implements AutoCloseable {

  private final TextWindows batches;
  private final Parts parts = new Parts();
  private final Tape tape;
  private final Loss loss;
  private final WindowRunner windows;

  private Evaluator(Model model, TextWindows batches, boolean capture) {
    this.batches = batches;
    try {
      tape = parts.add(Tape.inference(model.device(), model.precision()));
      windows = parts.add(WindowRunner.create(model.device(), batches, capture));
      var logits = model.logits(tape, windows.inputs());
      loss = tape.crossEntropy(logits, windows.labels());
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /** Prepares measurements of one model on one text. */
  public static Evaluator create(Model model, TextWindows batches) {
    return create(model, batches, true);
  }

  static Evaluator create(Model model, TextWindows batches, boolean capture) {
    Objects.requireNonNull(model, "model");
    Objects.requireNonNull(batches, "batches");
    return new Evaluator(model, batches, capture);
  }

  /** Measures once: {@link #loss()} of a new evaluator. */
  public static double loss(Model model, TextWindows batches) {
    try (var evaluator = create(model, batches)) {
      return evaluator.loss();
    }
  }

  /**
   * Returns the mean negative log likelihood over all places, in nats; its exponential is the
   * perplexity. Waits for the device.
   *
   * @return NaN if the loss of any window is not finite
   */
  public double loss() {
    tape.resetStates();
    loss.meter().clear();
    int count = batches.windows();
    for (int i = 0; i < count; i++) {
      windows.run(0, i, 0, this::enqueue);
    }
    double[] meter = loss.meter().toDoubles();
    return meter[1] == batches.places() ? meter[0] / meter[1] : Double.NaN;
  }

  private void enqueue() {
    tape.forward();
    tape.carry();
  }

  @Override
  public void close() {
    parts.close();
  }
}
