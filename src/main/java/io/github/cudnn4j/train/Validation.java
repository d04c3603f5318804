package io.github.cudnn4j.train;

import java.util.Map;

/**
 * The result of one validation.
 *
 * @param epoch the epoch under way or just finished, from 1
 * @param step the steps done
 * @param loss the mean loss over the held-out data
 * @param metrics the value of each metric by its name
 * @param best whether the metric that decides, or the loss, is better than ever before
 */
public record Validation(
    int epoch, long step, double loss, Map<String, Double> metrics, boolean best) {

  /** Returns the exponential of the loss: the perplexity, if that is a cross-entropy. */
  public double perplexity() {
    return Math.exp(loss);
  }
}
