package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;

/** What a {@link CtcLoss} reads, and what its gradients are with respect to. */
public enum LossNormalization {
  /**
   * Probabilities, which sum to 1 in each step. The gradient of a symbol that no alignment takes in
   * a step is its probability, as cuDNN has it, although the derivative is 0.
   */
  NONE(Cudnn.CUDNN_LOSS_NORMALIZATION_NONE()),
  /** Any numbers, of which the loss takes the softmax in each step. */
  SOFTMAX(Cudnn.CUDNN_LOSS_NORMALIZATION_SOFTMAX());

  private final int code;

  LossNormalization(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnLossNormalizationMode_t}. */
  public int code() {
    return code;
  }
}
