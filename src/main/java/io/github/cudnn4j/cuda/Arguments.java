package io.github.cudnn4j.cuda;

import java.util.Locale;

/** Checks of arguments, each with the value and the limit in its message. */
final class Arguments {
  private Arguments() {}

  static void sameDevice(Device expected, Device actual, String what) {
    if (expected != actual) {
      throw new IllegalArgumentException("the " + what + " belongs to another device");
    }
  }

  static void type(ElementType expected, ElementType actual, String what) {
    if (expected != actual) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "the %s has type %s, must be %s", what, actual, expected));
    }
  }

  static void elements(long expected, long actual, String what) {
    if (expected != actual) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "the %s has %d elements, must be %d", what, actual, expected));
    }
  }

  /** Checks that {@code [offset, offset + length)} lies in {@code [0, limit)}, without overflow. */
  static void range(long offset, long length, long limit, String what) {
    if (offset < 0 || length < 0 || offset > limit - length) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s: offset %d and length %d do not fit into %d elements",
              what,
              offset,
              length,
              limit));
    }
  }

  static void between(long value, long low, long high, String what) {
    if (value < low || value > high) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s = %d, must be from %d to %d", what, value, low, high));
    }
  }

  /** Returns the size in bytes of elements, refusing a number below 0 or too large to count. */
  static long bytes(ElementType type, long elements) {
    between(elements, 0, Long.MAX_VALUE / type.bytes(), "elements");
    return elements * type.bytes();
  }
}
