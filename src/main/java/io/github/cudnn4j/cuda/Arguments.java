package io.github.cudnn4j.cuda;

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
          "the %s has type %s, must be %s".formatted(what, actual, expected));
    }
  }

  static void elements(long expected, long actual, String what) {
    if (expected != actual) {
      throw new IllegalArgumentException(
          "the %s has %d elements, must be %d".formatted(what, actual, expected));
    }
  }

  /** Checks that {@code [offset, offset + length)} lies in {@code [0, limit)}, without overflow. */
  static void range(long offset, long length, long limit, String what) {
    if (offset < 0 || length < 0 || offset > limit - length) {
      throw new IllegalArgumentException(
          "%s: offset %d and length %d do not fit into %d elements"
              .formatted(what, offset, length, limit));
    }
  }

  static void between(long value, long low, long high, String what) {
    if (value < low || value > high) {
      throw new IllegalArgumentException(
          "%s = %d, must be from %d to %d".formatted(what, value, low, high));
    }
  }

  /** Returns the size in bytes of elements, refusing a number below 0 or too large to count. */
  static long bytes(ElementType type, long elements) {
    between(elements, 0, Long.MAX_VALUE / type.bytes(), "elements");
    return elements * type.bytes();
  }
}
