package io.github.cudnn4j.model;

import java.util.Arrays;
import java.util.Objects;

/**
 * What a decoded sequence must be like: a function on the logits of the symbol that comes next.
 *
 * <p>A symbol is forbidden by a logit of negative infinity; a logit may be lowered by any other
 * number, too, such as the negative logarithm of another model's probability. {@link BeamSearch}
 * does not make up for what is forbidden: a hypothesis has the probability that the network gives
 * it. {@link Sampling} draws from the softmax of what is left.
 */
@FunctionalInterface
public interface Constraint {

  /** Forbids nothing. */
  Constraint NONE = (symbols, logits) -> {};

  /**
   * Forbids symbols.
   *
   * @param symbols what was decoded before, not to be changed
   * @param logits of each symbol that may come next, to be lowered in place
   */
  void restrict(int[] symbols, float[] logits);

  /** Returns what forbids all that either forbids; this one sees the logits first. */
  default Constraint and(Constraint other) {
    Objects.requireNonNull(other, "other");
    return (symbols, logits) -> {
      restrict(symbols, logits);
      other.restrict(symbols, logits);
    };
  }

  /** Forbids some symbols everywhere. */
  static Constraint forbid(int... forbidden) {
    int[] all = forbidden.clone();
    return (symbols, logits) -> {
      for (int symbol : all) {
        logits[symbol] = Float.NEGATIVE_INFINITY;
      }
    };
  }

  /** Demands that the sequence begins with some symbols. */
  static Constraint beginWith(int... beginning) {
    int[] forced = beginning.clone();
    return (symbols, logits) -> {
      if (symbols.length < forced.length) {
        int symbol = forced[symbols.length];
        float logit = logits[symbol];
        Arrays.fill(logits, Float.NEGATIVE_INFINITY);
        logits[symbol] = logit;
      }
    };
  }

  /**
   * Forbids that {@code n} symbols in a row come a second time.
   *
   * @throws IllegalArgumentException if {@code n} is below 1
   * @see <a href="https://arxiv.org/abs/1705.04304">Paulus, Xiong and Socher, 2018</a>
   */
  static Constraint noRepeat(int n) {
    if (n < 1) {
      throw new IllegalArgumentException("n is " + n + ", must be 1 or more");
    }
    return (symbols, logits) -> {
      int begin = symbols.length - n + 1;
      for (int at = 0; at < begin; at++) {
        if (Arrays.equals(symbols, at, at + n - 1, symbols, begin, symbols.length)) {
          logits[symbols[at + n - 1]] = Float.NEGATIVE_INFINITY;
        }
      }
    };
  }

  /**
   * Demands words of a list, with a boundary behind each.
   *
   * @param words the symbols of each, at least one
   * @param boundaries symbols, in none of the words, one of which follows a word: the end symbol of
   *     the search, for one word; also a space, for many
   * @throws IllegalArgumentException if there is no word or no boundary, or a word is empty or has
   *     a boundary in it
   */
  static Constraint words(Iterable<int[]> words, int... boundaries) {
    return new Words(words, boundaries);
  }
}
