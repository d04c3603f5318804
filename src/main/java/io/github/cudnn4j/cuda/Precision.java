package io.github.cudnn4j.cuda;

/**
 * The type of the numbers that are multiplied, and how their products are computed and summed.
 *
 * <pre>{@code
 *             numbers    factors of a product      sums
 * FP32        FLOAT32    all 24 bits               FLOAT32
 * TF32        FLOAT32    rounded to 11 bits        FLOAT32    on GPUs that have it, else as FP32
 * FP16        FLOAT16    all 11 bits               FLOAT32
 * BF16        BFLOAT16   all 8 bits                FLOAT32
 * FP16_MATH   FLOAT16    all 11 bits               FLOAT16
 * FP64        FLOAT64    all 53 bits               FLOAT64
 * }</pre>
 */
public enum Precision {
  /** FLOAT32 throughout, never rounded on the way. */
  FP32(ElementType.FLOAT32),
  /** FLOAT32, whose products may run on tensor cores with factors rounded to TF32. */
  TF32(ElementType.FLOAT32),
  /** FLOAT16, computed in FLOAT32. */
  FP16(ElementType.FLOAT16),
  /** BFLOAT16, computed in FLOAT32. */
  BF16(ElementType.BFLOAT16),
  /** FLOAT16, computed in FLOAT16. */
  FP16_MATH(ElementType.FLOAT16),
  /** FLOAT64 throughout. */
  FP64(ElementType.FLOAT64);

  private final ElementType type;

  Precision(ElementType type) {
    this.type = type;
  }

  /** Returns the type of the numbers in memory: weights, inputs and outputs. */
  public ElementType type() {
    return type;
  }
}
