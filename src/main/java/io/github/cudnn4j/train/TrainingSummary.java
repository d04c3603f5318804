package io.github.cudnn4j.train;

/**
 * The result of a training.
 *
 * @param steps the steps done, those refused and those before a resume included
 * @param epochs the epochs begun
 * @param loss the mean training loss in nats: over the last epoch as far as it was run or, if it
 *     was not reached, between the last two log points
 * @param perplexity the exponential of the loss
 * @param validationPerplexity of the last validation; NaN if there was none
 * @param bestValidationPerplexity the lowest one; NaN if there was none
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
    double perplexity,
    double validationPerplexity,
    double bestValidationPerplexity,
    double tokensPerSecond,
    double seconds,
    long skipped,
    boolean stoppedEarly,
    boolean stopped) {}
