package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;

/** How a softmax is computed. */
public enum SoftmaxAlgorithm {
  /** Without subtracting the maximum first: overflows for large inputs. */
  FAST(Cudnn.CUDNN_SOFTMAX_FAST()),
  /** With the maximum of a row subtracted from it first. */
  ACCURATE(Cudnn.CUDNN_SOFTMAX_ACCURATE()),
  /** The logarithm of the softmax, computed without taking an exponential's logarithm. */
  LOG(Cudnn.CUDNN_SOFTMAX_LOG());

  private final int code;

  SoftmaxAlgorithm(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnSoftmaxAlgorithm_t}. */
  public int code() {
    return code;
  }
}
