package io.github.cudnn4j.cuda;

/** How FLOAT32 matrix products are computed. */
public enum Precision {
  /** With all 24 bits of every factor. */
  STRICT,
  /** With factors rounded to TF32 (11 bits) and sums in FLOAT32, on GPUs that have it. */
  TF32
}
