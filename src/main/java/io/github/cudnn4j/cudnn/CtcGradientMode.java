package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;

/**
 * What a {@link CtcLoss} does with the gradients of a sequence that is too short for its labels.
 */
public enum CtcGradientMode {
  /** They are zero. */
  ZERO(Cudnn.CUDNN_CTC_ZERO_OOB_GRADIENTS()),
  /** They stay as they are in memory. */
  SKIP(Cudnn.CUDNN_CTC_SKIP_OOB_GRADIENTS());

  private final int code;

  CtcGradientMode(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnCTCGradMode_t}. */
  public int code() {
    return code;
  }
}
