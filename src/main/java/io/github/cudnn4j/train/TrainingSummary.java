package io.github.cudnn4j.train;

import java.util.Map;

/**
 * The result of a training.
 *
 * @param steps the steps done, those refused and those before a resume included
 * @param epochs the epochs begun
 * @param loss the mean training loss: over the last epoch as far as it was run or, if it was not
 *     reached, between the last two log points
 * @param validationLoss of the last validation; NaN if there was none
 * @param metrics of the last validation, by name
 * @param best the best value of the metric that decides, or of the validation loss if none was
 *     given; NaN if there was no validation
 * @param tokensPerSecond over the time spent in training steps
 * @param seconds spent in this run, validations and checkpoints included
 * @param skipped the steps refused because the gradient was not finite
 * @param stoppedEarly whether validation stopped improving
 * @param stopped whether it was told to stop, by {@link Trainer#stop} or by interrupting its
 *     thread, before it was done
 */
public record TrainingSummary(
    long steps,
    int epochs,
    double loss,
    double validationLoss,
    Map<String, Double> metrics,
    double best,
    double tokensPerSecond,
    double seconds,
    long skipped,
    boolean stoppedEarly,
    boolean stopped) {

  /** Returns the exponential of the loss: the perplexity, if that is a cross-entropy. */
  public double perplexity() {
    return Math.exp(loss);
  }

  /** Returns the exponential of the validation loss. */
  public double validationPerplexity() {
    return Math.exp(validationLoss);
  }
}
