package io.github.cudnn4j.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntToLongFunction;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * How many elements of a pointer a kernel touches, as its source says in the words that {@code
 * dialect.cuh} explains.
 */
@FunctionalInterface
interface KernelExtent {
  /** What cannot be counted is more than there can be. */
  long UNCOUNTABLE = Long.MAX_VALUE;

  Pattern TOKEN = Pattern.compile("\\w+|[(),]");

  /**
   * Returns the number of elements.
   *
   * @param argument the whole number that a launch brings for a parameter
   */
  long elements(IntToLongFunction argument);

  /**
   * Reads the text between the parentheses, one extent for each pointer.
   *
   * @param parameters the names of the kernel's parameters
   */
  static List<KernelExtent> parse(String text, List<String> parameters) {
    var tokens = TOKEN.matcher(text).results().map(MatchResult::group).toList();
    return tokens.isEmpty() ? List.of() : new Parser(tokens, parameters).list();
  }

  /** Reads lists and calls, which hold lists again. */
  final class Parser {
    private final List<String> tokens;
    private final List<String> parameters;
    private int next;

    private Parser(List<String> tokens, List<String> parameters) {
      this.tokens = tokens;
      this.parameters = parameters;
    }

    private List<KernelExtent> list() {
      var extents = new ArrayList<KernelExtent>();
      do {
        extents.add(one());
      } while (found(","));
      return extents;
    }

    private KernelExtent one() {
      var word = tokens.get(next++);
      if (found("(")) {
        var of = list();
        next++;
        return call(word, of);
      }
      if (Character.isDigit(word.charAt(0))) {
        var number = Long.parseLong(word);
        return arguments -> number;
      }
      var index = parameters.indexOf(word);
      if (index < 0) {
        throw new IllegalArgumentException("an extent names '" + word + "'");
      }
      return arguments -> arguments.applyAsLong(index);
    }

    private boolean found(String token) {
      var is = next < tokens.size() && tokens.get(next).equals(token);
      next += is ? 1 : 0;
      return is;
    }

    private static KernelExtent call(String function, List<KernelExtent> of) {
      return switch (function) {
        case "times" ->
            of.stream().reduce((x, y) -> a -> times(x.elements(a), y.elements(a))).orElseThrow();
        case "parts" -> a -> parts(of.get(0).elements(a), of.get(1).elements(a));
        case "reach" ->
            a ->
                reach(
                    of.get(0).elements(a),
                    of.get(1).elements(a),
                    of.get(2).elements(a),
                    of.get(3).elements(a));
        default -> throw new IllegalArgumentException("an extent calls '" + function + "'");
      };
    }

    private static long times(long a, long b) {
      if (a < 0 || b < 0 || a == UNCOUNTABLE || b == UNCOUNTABLE) {
        return UNCOUNTABLE; // Two numbers below 0 have a product above it.
      }
      return a == 0 || b == 0 ? 0 : a <= UNCOUNTABLE / b ? a * b : UNCOUNTABLE;
    }

    private static long parts(long n, long size) {
      return size <= 0 ? UNCOUNTABLE : Math.ceilDiv(Math.max(n, 0), size);
    }

    private static long reach(long rows, long stride, long first, long columns) {
      if (rows <= 0 || columns <= 0) {
        return 0;
      }
      var before = times(rows - 1, stride);
      return stride < 0 || first < 0 || before > UNCOUNTABLE - first - columns
          ? UNCOUNTABLE
          : before + first + columns;
    }
  }
}
