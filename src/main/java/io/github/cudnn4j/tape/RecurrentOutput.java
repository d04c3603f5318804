package io.github.cudnn4j.tape;

import org.jspecify.annotations.Nullable;

/**
 * What a recurrent network computes; all of it is owned by the tape.
 *
 * @param y the output of each step, {@code [T, B, D·P]}
 * @param h the state after the last step, {@code [L·D, B, P]}
 * @param c the cell state after the last step, {@code [L·D, B, H]}; null unless the cell is an LSTM
 */
public record RecurrentOutput(Tensor y, Tensor h, @Nullable Tensor c) {}
