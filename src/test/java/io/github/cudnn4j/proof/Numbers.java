package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.library.DeviceKind;
import java.util.Arrays;

/** Doubles to and from the types that a device has. */
public final class Numbers {
  private Numbers() {}

  /** The nearest number that a type has, of two the even one; not for NaN. */
  public static double round(ElementType type, double value) {
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

  /** As {@link #round(ElementType, double)}, of each value. */
  public static double[] round(ElementType type, double[] values) {
    return Arrays.stream(values).map(value -> round(type, value)).toArray();
  }

  /** How elements of a type are computed with, where nothing else is said. */
  public static Precision precision(ElementType type) {
    return switch (type) {
      case FLOAT64 -> Precision.FP64;
      case FLOAT16 -> Precision.FP16;
      case BFLOAT16 -> Precision.BF16;
      default -> Precision.FP32;
    };
  }

  /**
   * How far results may be from the equations, as in {@link
   * io.github.cudnn4j.testing.Closeness#within}, where a few small layers run for a few steps. In
   * the half types, what goes from step to step and from layer to layer is rounded too.
   */
  public static double tolerance(Precision precision) {
    return switch (precision) {
      case FP64 -> 1e-12;
      case FP32 -> 1e-5;
      // Eight times the distance from 1 to the next number; where FLOAT16 is summed up in, 32
      // times.
      case TF32, FP16 -> 8e-3;
      case BF16 -> 6e-2;
      case FP16_MATH -> 3e-2;
    };
  }

  /**
   * {@link #tolerance(Precision)} of a device. A GPU keeps gates and their gradients in the half
   * types too: with {@link ReferenceRnn} made to round these, 200 drawn networks erred by up to
   * 8.1e-3 in FP16 and 9.2e-2 in BF16.
   */
  public static double tolerance(Precision precision, Device device) {
    boolean keepsGates = device.kind() == DeviceKind.CUDA && precision.type().bytes() == 2;
    return (keepsGates ? 3 : 1) * tolerance(precision);
  }

  public static void write(DeviceBuffer buffer, double[] values) {
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

  public static double[] read(DeviceBuffer buffer) {
    if (buffer.type() == ElementType.FLOAT64) {
      return buffer.toDoubles();
    }
    float[] floats = buffer.toFloats();
    double[] values = new double[floats.length];
    Arrays.setAll(values, i -> floats[i]);
    return values;
  }
}
