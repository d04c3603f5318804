package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;

/** The cell of a recurrent network: how one step turns an input and a state into an output. */
public enum RnnMode {
  /** {@code h' = max(0, W x + R h + b)}. */
  RELU(Cudnn.CUDNN_RNN_RELU()),
  /** {@code h' = tanh(W x + R h + b)}, Elman's network. */
  TANH(Cudnn.CUDNN_RNN_TANH()),
  /** Long short-term memory without peepholes; gates in the order i, f, g, o. */
  LSTM(Cudnn.CUDNN_LSTM()),
  /** Gated recurrent unit whose reset gate acts after the recurrent product; gates r, z, n. */
  GRU(Cudnn.CUDNN_GRU());

  private final int code;

  RnnMode(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnRNNMode_t}. */
  public int code() {
    return code;
  }

  /**
   * G: the gates of a cell, which is how many matrices stand on its input and on its state each.
   */
  public int gates() {
    return switch (this) {
      case RELU, TANH -> 1;
      case GRU -> 3;
      case LSTM -> 4;
    };
  }

  /** Whether the state has a second part, the cell state c. */
  public boolean hasCellState() {
    return this == LSTM;
  }
}
