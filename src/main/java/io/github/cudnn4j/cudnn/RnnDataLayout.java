package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;

/** How the steps of a batch of sequences lie in memory; V is the size of a vector. */
public enum RnnDataLayout {
  /** {@code [T, B, V]}, short sequences padded at their end. */
  SEQ_MAJOR_UNPACKED(Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED()),
  /** {@code [sum of lengths, V]}: time-major without padding, the longest sequence first. */
  SEQ_MAJOR_PACKED(Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED()),
  /** {@code [B, T, V]}, short sequences padded at their end. */
  BATCH_MAJOR_UNPACKED(Cudnn.CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED());

  private final int code;

  RnnDataLayout(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnRNNDataLayout_t}. */
  public int code() {
    return code;
  }

  /** Whether sequences shorter than T are padded to T vectors. */
  public boolean padded() {
    return this != SEQ_MAJOR_PACKED;
  }
}
