package io.github.cudnn4j.cuda;

import java.lang.foreign.MemorySegment;
import java.util.function.Consumer;

/** Arrays of Java's floating-point numbers as elements of any such type, rounded or widened. */
final class FloatArrays {
  private FloatArrays() {}

  /** Whether numbers can be rounded or widened to elements of this type. */
  static boolean convertsTo(ElementType type) {
    return type == ElementType.FLOAT32 || type == ElementType.FLOAT64 || type.half() != null;
  }

  /** Returns numbers as elements of a type; the array itself if it has that type or no other. */
  static MemorySegment of(ElementType type, float[] values) {
    var half = type.half();
    if (half != null) {
      return MemorySegment.ofArray(half.fromFloats(values));
    }
    if (type == ElementType.FLOAT64) {
      var doubles = new double[values.length];
      widen(values, doubles);
      return MemorySegment.ofArray(doubles);
    }
    return MemorySegment.ofArray(values);
  }

  /** As {@link #of(ElementType, float[])}; through FLOAT32 to one of the half types. */
  static MemorySegment of(ElementType type, double[] values) {
    if (type == ElementType.FLOAT64 || !convertsTo(type)) {
      return MemorySegment.ofArray(values);
    }
    var floats = new float[values.length];
    round(values, floats);
    return of(type, floats);
  }

  /** Takes elements of a type, which are read into memory of that type, as numbers. */
  static void fill(ElementType type, float[] values, Consumer<MemorySegment> read) {
    var half = type.half();
    if (half != null) {
      var bits = new short[values.length];
      read.accept(MemorySegment.ofArray(bits));
      half.toFloats(bits, values);
    } else if (type == ElementType.FLOAT64) {
      var doubles = new double[values.length];
      read.accept(MemorySegment.ofArray(doubles));
      round(doubles, values);
    } else {
      read.accept(MemorySegment.ofArray(values));
    }
  }

  /** As {@link #fill(ElementType, float[], Consumer)}. */
  static void fill(ElementType type, double[] values, Consumer<MemorySegment> read) {
    if (type != ElementType.FLOAT64 && convertsTo(type)) {
      var floats = new float[values.length];
      fill(type, floats, read);
      widen(floats, values);
    } else {
      read.accept(MemorySegment.ofArray(values));
    }
  }

  private static void widen(float[] from, double[] to) {
    for (int i = 0; i < from.length; i++) {
      to[i] = from[i];
    }
  }

  private static void round(double[] from, float[] to) {
    for (int i = 0; i < from.length; i++) {
      to[i] = (float) from[i];
    }
  }
}
