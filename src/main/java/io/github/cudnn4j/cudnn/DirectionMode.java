package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;

/** Whether a recurrent network reads its sequences in one direction or in both. */
public enum DirectionMode {
  /** From the first step to the last. */
  UNIDIRECTIONAL(Cudnn.CUDNN_UNIDIRECTIONAL()),
  /** Both ways, with separate weights; outputs are concatenated, forward half first. */
  BIDIRECTIONAL(Cudnn.CUDNN_BIDIRECTIONAL());

  private final int code;

  DirectionMode(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnDirectionMode_t}. */
  public int code() {
    return code;
  }

  /** D: how many directions there are. */
  public int directions() {
    return this == BIDIRECTIONAL ? 2 : 1;
  }
}
