package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;

/** What a forward pass is for. */
public enum ForwardMode {
  /** Outputs only: no dropout, nothing kept for a backward pass. */
  INFERENCE(Cudnn.CUDNN_FWD_MODE_INFERENCE()),
  /** Dropout acts, and the reserve space keeps what the backward pass needs. */
  TRAINING(Cudnn.CUDNN_FWD_MODE_TRAINING());

  private final int code;

  ForwardMode(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnForwardMode_t}. */
  public int code() {
    return code;
  }
}
