package io.github.cudnn4j.train;

/**
 * What a log point tells about training.
 *
 * @param epoch the epoch under way, from 1
 * @param epochs the number of epochs
 * @param step the steps done, those refused included
 * @param totalSteps the steps to do, an estimate while epochs differ in length; -1 if unknown
 * @param loss the mean loss since the log point before; NaN if no step had a finite one
 * @param gradientNorm the norm of the latest gradient, before clipping
 * @param learningRate the learning rate of the latest step
 * @param tokensPerSecond the time steps of sequences, or else the records, since the log point
 *     before
 * @param skipped the steps refused so far because the gradient was not finite
 * @param lossScale what the next step multiplies the loss by before it differentiates it; 1 unless
 *     in FP16
 * @param seconds spent training, validations and checkpoints included
 * @param secondsLeft an estimate; NaN if unknown
 */
public record Progress(
    int epoch,
    int epochs,
    long step,
    long totalSteps,
    double loss,
    double gradientNorm,
    double learningRate,
    double tokensPerSecond,
    long skipped,
    double lossScale,
    double seconds,
    double secondsLeft) {

  /** Returns the exponential of the loss: the perplexity, if that is a cross-entropy. */
  public double perplexity() {
    return Math.exp(loss);
  }
}
