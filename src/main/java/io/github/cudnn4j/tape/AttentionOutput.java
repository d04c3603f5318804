package io.github.cudnn4j.tape;

/**
 * What attention gives for queries; all of it is owned by the tape.
 *
 * @param context the mean of the memory by the weights, {@code [T1, B, M]}; {@code [B, M]} for a
 *     query {@code [B, H]}
 * @param weights how much each step of the memory counts, {@code [B, T1, T2]}; {@code [B, T2]} for
 *     a query {@code [B, H]}
 */
public record AttentionOutput(Tensor context, Tensor weights) {}
