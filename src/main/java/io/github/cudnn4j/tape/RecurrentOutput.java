package io.github.cudnn4j.tape;

import org.jspecify.annotations.Nullable;

/** What a recurrent network computes; all of it is owned by the tape. */
public final class RecurrentOutput {

  private final Tape tape;
  private final Tensor y;
  private final Tensor h;
  private final @Nullable Tensor c;

  RecurrentOutput(Tape tape, Tensor y, Tensor h, @Nullable Tensor c) {
    this.tape = tape;
    this.y = y;
    this.h = h;
    this.c = c;
  }

  /** Returns the output of each step, {@code [T, B, D·P]}; 0 behind a sequence's length. */
  public Tensor y() {
    return y;
  }

  /**
   * Returns the state after the last step of each sequence, for the backward direction that after
   * its first, {@code [L·D, B, P]}.
   */
  public Tensor h() {
    return h;
  }

  /** Returns the cell state likewise, {@code [L·D, B, H]}; null unless the cell is an LSTM. */
  public @Nullable Tensor c() {
    return c;
  }

  /**
   * Records the last layer's final state, both directions of a sequence side by side: what stands
   * for the whole sequence.
   *
   * @return {@code [B, D·P]}
   */
  public Tensor last() {
    Tensor states = tape.transpose(h);
    int columns = states.dim(1) * states.dim(2);
    return tape.slice(
        tape.reshape(states, states.dim(0), columns), columns - y.columns(), y.columns());
  }
}
