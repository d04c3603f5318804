package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static io.github.cudnn4j.cuda.ElementType.FLOAT64;

import java.util.Locale;

/** Checks of what a {@link Blas} is given; each throws IllegalArgumentException. */
record BlasOperands(Device device) {

  static boolean isSingle(DeviceBuffer buffer, String what) {
    if (buffer.type() != FLOAT32 && buffer.type() != FLOAT64) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT, "%s has type %s, must be FLOAT32 or FLOAT64", what, buffer.type()));
    }
    return buffer.type() == FLOAT32;
  }

  static void extent(int value, String what) {
    Arguments.between(value, 1, Integer.MAX_VALUE, what);
  }

  void matrix(DeviceBuffer buffer, int rows, int columns, int stride, String what) {
    Arguments.sameDevice(device, buffer.device(), what);
    if (stride < columns) {
      throw new IllegalArgumentException(
          "the leading dimension of "
              + what
              + (" is " + stride + ", must be at least its columns, " + columns));
    }
    var needed = (rows - 1L) * stride + columns;
    if (buffer.elements() < needed) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s has %d elements, [%d,%d] needs %d",
              what,
              buffer.elements(),
              rows,
              columns,
              needed));
    }
  }

  int vector(DeviceBuffer buffer, DeviceBuffer like, String what) {
    Arguments.sameDevice(device, buffer.device(), what);
    Arguments.type(like.type(), buffer.type(), what);
    Arguments.elements(like.elements(), buffer.elements(), what);
    Arguments.between(buffer.elements(), 0, Integer.MAX_VALUE, "elements of a vector");
    return (int) buffer.elements();
  }

  void result(DeviceBuffer result, DeviceBuffer like) {
    Arguments.sameDevice(device, result.device(), "result");
    Arguments.type(like.type(), result.type(), "result");
    Arguments.elements(1, result.elements(), "result");
  }
}
