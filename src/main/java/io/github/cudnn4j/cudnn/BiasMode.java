package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;

/** Which biases a recurrent cell has. */
public enum BiasMode {
  /** None. */
  NONE(Cudnn.CUDNN_RNN_NO_BIAS()),
  /** One, added to the product with the input. */
  SINGLE_INPUT(Cudnn.CUDNN_RNN_SINGLE_INP_BIAS()),
  /** Two, one added to each product, as in PyTorch. */
  DOUBLE(Cudnn.CUDNN_RNN_DOUBLE_BIAS()),
  /** One, added to the product with the state. */
  SINGLE_RECURRENT(Cudnn.CUDNN_RNN_SINGLE_REC_BIAS());

  private final int code;

  BiasMode(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnRNNBiasMode_t}. */
  public int code() {
    return code;
  }

  /** Whether a bias is added to the product with the input. */
  public boolean onInput() {
    return this == SINGLE_INPUT || this == DOUBLE;
  }

  /** Whether a bias is added to the product with the state. */
  public boolean onState() {
    return this == SINGLE_RECURRENT || this == DOUBLE;
  }
}
