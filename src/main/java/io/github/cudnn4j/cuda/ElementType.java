package io.github.cudnn4j.cuda;

import io.github.cudnn4j.io.HalfFloat;
import org.jspecify.annotations.Nullable;

/** The type of the elements of a buffer. */
public enum ElementType {
  /** IEEE 754 binary32. */
  FLOAT32(4),
  /** IEEE 754 binary64. */
  FLOAT64(8),
  /** IEEE 754 binary16. */
  FLOAT16(2),
  /** The upper half of a binary32. */
  BFLOAT16(2),
  /** Signed, two's complement. */
  INT32(4),
  /** Signed, two's complement. */
  INT64(8),
  /** Unsigned; also the type of memory without a type, such as workspaces. */
  UINT8(1);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Returns the size of one element in bytes. */
  public int bytes() {
    return bytes;
  }

  /** How Java converts numbers of this type; null if it is not one of the half types. */
  @Nullable HalfFloat half() {
    return switch (this) {
      case FLOAT16 -> HalfFloat.FLOAT16;
      case BFLOAT16 -> HalfFloat.BFLOAT16;
      default -> null;
    };
  }
}
