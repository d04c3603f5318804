package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Doubles to and from the types that a device has. */
final class Numbers {
  private Numbers() {}

  /** The nearest number that a type has. */
  static double round(ElementType type, double value) {
    return switch (type) {
      case FLOAT64 -> value;
      case FLOAT32 -> (float) value;
      case FLOAT16 -> Float.float16ToFloat(Float.floatToFloat16((float) value));
      case BFLOAT16 -> fromBfloat16(toBfloat16((float) value));
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
    switch (buffer.type()) {
      case FLOAT64 -> buffer.copyFrom(values);
      case FLOAT32 -> {
        float[] floats = new float[values.length];
        for (int i = 0; i < values.length; i++) {
          floats[i] = (float) values[i];
        }
        buffer.copyFrom(floats);
      }
      default -> {
        boolean half = buffer.type() == ElementType.FLOAT16;
        short[] bits = new short[values.length];
        for (int i = 0; i < values.length; i++) {
          float value = (float) values[i];
          bits[i] = half ? Float.floatToFloat16(value) : toBfloat16(value);
        }
        buffer.copyFrom(MemorySegment.ofArray(bits));
      }
    }
  }

  static double[] read(DeviceBuffer buffer) {
    double[] values = new double[Math.toIntExact(buffer.elements())];
    switch (buffer.type()) {
      case FLOAT64 -> buffer.copyTo(values);
      case FLOAT32 -> {
        float[] floats = buffer.toFloats();
        Arrays.setAll(values, i -> floats[i]);
      }
      default -> {
        boolean half = buffer.type() == ElementType.FLOAT16;
        short[] bits = new short[values.length];
        buffer.copyTo(MemorySegment.ofArray(bits));
        Arrays.setAll(values, i -> half ? Float.float16ToFloat(bits[i]) : fromBfloat16(bits[i]));
      }
    }
    return values;
  }

  /** To nearest, ties to even; NaN stays NaN. */
  private static short toBfloat16(float value) {
    int bits = Float.floatToIntBits(value);
    return (short) (Float.isNaN(value) ? 0x7FC0 : bits + 0x7FFF + (bits >>> 16 & 1) >>> 16);
  }

  private static float fromBfloat16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }
}
