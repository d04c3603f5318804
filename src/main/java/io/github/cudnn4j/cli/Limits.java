package io.github.cudnn4j.cli;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Numbers that options take, with their limits: what is beyond is refused by the option's name. */
final class Limits {

  private Limits() {}

  /** A whole number of 0 or more. */
  static final class Count implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return (int) whole(text, 0, Integer.MAX_VALUE);
    }
  }

  /** A whole number of 0 or more that may be beyond an int. */
  static final class LongCount implements ITypeConverter<Long> {
    @Override
    public Long convert(String text) {
      return whole(text, 0, Long.MAX_VALUE);
    }
  }

  /** A whole number of 1 or more. */
  static final class PositiveCount implements ITypeConverter<Integer> {
    @Override
    public Integer convert(String text) {
      return (int) whole(text, 1, Integer.MAX_VALUE);
    }
  }

  /** A finite number. */
  static final class Finite implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      double value = number(text);
      return require(Double.isFinite(value), text, "finite", value);
    }
  }

  /** A finite number of 0 or more. */
  static final class NonNegative implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      double value = number(text);
      return require(value >= 0 && Double.isFinite(value), text, "finite and at least 0", value);
    }
  }

  /** A number above 0. */
  static final class Positive implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      double value = number(text);
      return require(value > 0, text, "above 0", value);
    }
  }

  /** A number from 0, below 1. */
  static final class Fraction implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      double value = number(text);
      return require(value >= 0 && value < 1, text, "at least 0 and below 1", value);
    }
  }

  /** A number above 0, at most 1. */
  static final class Share implements ITypeConverter<Double> {
    @Override
    public Double convert(String text) {
      double value = number(text);
      return require(value > 0 && value <= 1, text, "above 0 and at most 1", value);
    }
  }

  /** One of some names, in any case, with hyphens or underscores. */
  abstract static class Choice<E extends Enum<E>> implements ITypeConverter<E> {
    private final Class<E> type;

    Choice(Class<E> type) {
      this.type = type;
    }

    @Override
    public E convert(String text) {
      String name = text.strip().toUpperCase(Locale.ROOT).replace('-', '_');
      for (E constant : type.getEnumConstants()) {
        if (constant.name().equals(name)) {
          return constant;
        }
      }
      throw wrong(
          text,
          Arrays.stream(type.getEnumConstants())
              .map(Limits::typed)
              .collect(Collectors.joining(", ", "one of ", "")));
    }
  }

  /** Returns the name of a constant as it is typed. */
  static String typed(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static long whole(String text, long least, long most) {
    String limit = "a whole number from " + least + " to " + most;
    long value;
    try {
      value = Long.parseLong(text.strip());
    } catch (NumberFormatException e) {
      throw wrong(text, limit);
    }
    return require(value >= least && value <= most, text, limit, value);
  }

  private static double number(String text) {
    try {
      return Double.parseDouble(text.strip());
    } catch (NumberFormatException e) {
      throw wrong(text, "a number");
    }
  }

  private static <T> T require(boolean fulfilled, String text, String limit, T value) {
    if (!fulfilled) {
      throw wrong(text, limit);
    }
    return value;
  }

  private static TypeConversionException wrong(String text, String limit) {
    return new TypeConversionException(text + ", must be " + limit);
  }
}
