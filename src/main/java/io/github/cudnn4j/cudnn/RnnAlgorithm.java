package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.cuda.Precision;

/**
 * How cuDNN runs a recurrent network. The persistent ones keep the recurrent weights on the
 * multiprocessors from one time step to the next; which sizes they take depends on the GPU, and
 * cuDNN tells only when it is asked to run.
 *
 * @see <a href="https://proceedings.mlr.press/v48/diamos16.html">Diamos et al., 2016</a>
 */
public enum RnnAlgorithm {
  /** One product after the other; runs every network. */
  STANDARD(Cudnn.CUDNN_RNN_ALGO_STANDARD()),
  /** Persistent, with kernels compiled for some sizes. */
  PERSIST_STATIC(Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC()),
  /** Persistent, with kernels compiled at run time for one size of batch. */
  PERSIST_DYNAMIC(Cudnn.CUDNN_RNN_ALGO_PERSIST_DYNAMIC()),
  /** Persistent, for states that fit into registers. */
  PERSIST_STATIC_SMALL_H(Cudnn.CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H());

  private final int code;

  RnnAlgorithm(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnRNNAlgo_t}. */
  public int code() {
    return code;
  }

  /** Whether it computes in a precision, on any GPU. */
  public boolean computes(Precision precision) {
    return switch (this) {
      case STANDARD -> true;
      case PERSIST_DYNAMIC -> precision != Precision.FP16_MATH;
      case PERSIST_STATIC, PERSIST_STATIC_SMALL_H ->
          precision != Precision.FP16_MATH && precision != Precision.FP64;
    };
  }
}
