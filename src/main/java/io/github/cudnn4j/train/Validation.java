package io.github.cudnn4j.train;

/**
 * The result of one validation.
 *
 * @param epoch the epoch under way or just finished, from 1
 * @param step the steps done
 * @param loss the mean loss over the held-out text, in nats
 * @param perplexity the exponential of the loss
 * @param best whether it is the lowest so far
 */
public record Validation(int epoch, long step, double loss, double perplexity, boolean best) {}
