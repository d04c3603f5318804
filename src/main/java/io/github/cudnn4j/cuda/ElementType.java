package io.github.cudnn4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.github.cudnn4j.io.HalfFloat;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
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

  /**
   * Writes numbers to memory of the host as elements of this type, each rounded to the nearest.
   *
   * @param offset of the first, in bytes
   * @throws IllegalArgumentException if this is a type of integers
   * @throws IndexOutOfBoundsException if the memory has no place for them
   */
  public void write(MemorySegment memory, long offset, float[] values) {
    switch (this) {
      case FLOAT32 -> MemorySegment.copy(values, 0, memory, JAVA_FLOAT, offset, values.length);
      case FLOAT64 -> {
        for (int i = 0; i < values.length; i++) {
          memory.set(JAVA_DOUBLE, offset + (long) i * Double.BYTES, values[i]);
        }
      }
      case FLOAT16, BFLOAT16 -> {
        HalfFloat half = Objects.requireNonNull(half());
        for (int i = 0; i < values.length; i++) {
          memory.set(JAVA_SHORT, offset + (long) i * Short.BYTES, half.fromFloat(values[i]));
        }
      }
      default -> throw new IllegalArgumentException(this + " has no floating-point numbers");
    }
  }

  /**
   * Reads elements of this type from memory of the host, each rounded to the nearest number.
   *
   * @param offset of the first, in bytes
   * @throws IllegalArgumentException if this is a type of integers
   * @throws IndexOutOfBoundsException if the memory does not have as many
   */
  public void read(MemorySegment memory, long offset, float[] values) {
    switch (this) {
      case FLOAT32 -> MemorySegment.copy(memory, JAVA_FLOAT, offset, values, 0, values.length);
      case FLOAT64 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) memory.get(JAVA_DOUBLE, offset + (long) i * Double.BYTES);
        }
      }
      case FLOAT16, BFLOAT16 -> {
        HalfFloat half = Objects.requireNonNull(half());
        for (int i = 0; i < values.length; i++) {
          values[i] = half.toFloat(memory.get(JAVA_SHORT, offset + (long) i * Short.BYTES));
        }
      }
      default -> throw new IllegalArgumentException(this + " has no floating-point numbers");
    }
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
