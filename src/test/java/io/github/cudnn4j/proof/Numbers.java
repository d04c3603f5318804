package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.util.Arrays;

/** Doubles to and from the types that a device has. */
final class Numbers {
  private Numbers() {}

  /** The nearest number that a type has, of two the even one; not for NaN. */
  static double round(ElementType type, double value) {
    return switch (type) {
      case FLOAT64 -> value;
      case FLOAT32 -> (float) value;
      case FLOAT16 -> Float.float16ToFloat(Float.floatToFloat16((float) value));
      case BFLOAT16 -> {
        int bits = Float.floatToRawIntBits((float) value);
        yield Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
      }
      default -> throw new IllegalArgumentException(type + " is not a type of real numbers");
    };
  }

  /** The distance from 1 to the next number of a type. */
  static double epsilon(ElementType type) {
    return switch (type) {
      case FLOAT64 -> 0x1p-52;
      case FLOAT32 -> 0x1p-23;
      case FLOAT16 -> 0x1p-10;
      case BFLOAT16 -> 0x1p-7;
      default -> throw new IllegalArgumentException(type + " is not a type of real numbers");
    };
  }

  static void write(DeviceBuffer buffer, double[] values) {
    if (buffer.type() == ElementType.FLOAT64) {
      buffer.copyFrom(values);
    } else {
      float[] floats = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        floats[i] = (float) values[i];
      }
      buffer.copyFrom(floats);
    }
  }

  static double[] read(DeviceBuffer buffer) {
    if (buffer.type() == ElementType.FLOAT64) {
      return buffer.toDoubles();
    }
    float[] floats = buffer.toFloats();
    double[] values = new double[floats.length];
    Arrays.setAll(values, i -> floats[i]);
    return values;
  }
}
