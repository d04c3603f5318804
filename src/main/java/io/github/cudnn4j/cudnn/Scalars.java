package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.ElementType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** The factors that cuDNN reads from host memory in {@code out = alpha f(in) + beta out}. */
final class Scalars {
  private static final MemorySegment ONE_FLOAT =
      Arena.global().allocateFrom(NativeTypes.C_FLOAT, 1f);
  private static final MemorySegment ONE_DOUBLE =
      Arena.global().allocateFrom(NativeTypes.C_DOUBLE, 1d);
  private static final MemorySegment ZERO = Arena.global().allocate(Double.BYTES, Double.BYTES);

  private Scalars() {}

  /** 1 in the type of the factors for data of this type: double for double, else float. */
  static MemorySegment one(ElementType type) {
    return type == ElementType.FLOAT64 ? ONE_DOUBLE : ONE_FLOAT;
  }

  /** 0, which is the same bits in both. */
  static MemorySegment zero() {
    return ZERO;
  }
}
