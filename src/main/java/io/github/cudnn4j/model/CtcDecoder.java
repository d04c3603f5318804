package io.github.cudnn4j.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Finds the labels that the output of a network trained with connectionist temporal classification
 * stands for: what remains of the steps when repetitions, and then blanks, are taken out.
 *
 * <p>The output is a matrix {@code [T][A]} of natural logarithms of probabilities in host memory: T
 * steps, from 0, and A symbols, from 1, of which symbol 0 is the blank. It is not changed. The
 * methods may be called from several threads.
 */
public final class CtcDecoder {
  private static final int BLANK = 0;
  private static final double IMPOSSIBLE = Double.NEGATIVE_INFINITY;

  private CtcDecoder() {}

  /**
   * Labels and the natural logarithm of their probability.
   *
   * @param labels none of them the blank
   */
  public record Decoding(List<Integer> labels, double logProbability) {}

  /**
   * Returns the labels of the likeliest alignment, which takes the likeliest symbol of each step,
   * the first among equals. The probability is that of this one alignment.
   *
   * @throws IllegalArgumentException if the rows have no or different lengths, or contain NaN or a
   *     positive infinity
   */
  public static Decoding greedy(float[][] logProbabilities) {
    check(logProbabilities);
    List<Integer> labels = new ArrayList<>();
    double total = 0;
    int previous = BLANK;
    for (float[] step : logProbabilities) {
      int best = 0;
      for (int symbol = 1; symbol < step.length; symbol++) {
        best = step[symbol] > step[best] ? symbol : best;
      }
      if (best != BLANK && best != previous) {
        labels.add(best);
      }
      total += step[best];
      previous = best;
    }
    return new Decoding(List.copyOf(labels), total);
  }

  /**
   * Returns the likeliest labels that a search finds which, after each step, goes on with the
   * likeliest beginnings only, adding up the alignments of each. The probability is the sum over
   * the alignments that were followed: never too large, and exact if the beam holds everything.
   * Takes time for {@code T * (A + width²)} numbers and memory for {@code T * width}.
   *
   * @param width how many beginnings to keep, from 1
   * @throws IllegalArgumentException if the width is below 1, the rows have no or different
   *     lengths, or contain NaN or a positive infinity
   * @see <a href="https://arxiv.org/abs/1408.2873">Hannun et al. 2014</a>
   */
  public static Decoding beam(float[][] logProbabilities, int width) {
    if (width < 1) {
      throw new IllegalArgumentException("width is " + width + ", but it must be at least 1");
    }
    check(logProbabilities);
    Prefix root = new Prefix(null, BLANK);
    root.nextInBlank = 0;
    root.advance();
    List<Prefix> beam = List.of(root);
    for (float[] step : logProbabilities) {
      int[] likeliest = likeliest(step, width);
      List<Prefix> reached = new ArrayList<>();
      for (Prefix prefix : beam) {
        extend(prefix, step, likeliest, reached);
      }
      reached.forEach(Prefix::advance);
      reached.sort(Comparator.comparingDouble(Prefix::total).reversed());
      beam = List.copyOf(reached.subList(0, Math.min(width, reached.size())));
      beam.forEach(Prefix::keep);
    }
    Prefix best = beam.getFirst();
    return new Decoding(best.labels(), best.total());
  }

  /**
   * Returns, in ascending order, those labels of a step that can bring a beginning into the beam
   * which was not in it. One more than its width are enough: of the beginnings that these make from
   * the same one, all but the one that repeats its last label, and so as many as the beam holds,
   * are at least as likely as what any other label makes.
   */
  private static int[] likeliest(float[] step, int width) {
    int symbols = step.length;
    if (width >= symbols - 2) {
      return IntStream.range(1, symbols).toArray();
    }
    int[] found = new int[width + 1];
    int count = 0;
    for (int label = 1; label < symbols; label++) {
      if (count == found.length && step[label] <= step[found[count - 1]]) {
        continue;
      }
      int at = count < found.length ? count++ : count - 1;
      for (; at > 0 && step[label] > step[found[at - 1]]; at--) {
        found[at] = found[at - 1];
      }
      found[at] = label;
    }
    Arrays.sort(found);
    return found;
  }

  private static void extend(Prefix prefix, float[] step, int[] likeliest, List<Prefix> reached) {
    double total = prefix.total();
    reach(prefix, reached);
    prefix.nextInBlank = logAdd(prefix.nextInBlank, total + step[BLANK]);
    if (prefix.parent != null) {
      prefix.nextInLabel = logAdd(prefix.nextInLabel, prefix.endingInLabel + step[prefix.label]);
    }
    for (int label : prefix.labelsToFollow(likeliest)) {
      Prefix longer = prefix.longer(label);
      reach(longer, reached);
      // Without a blank between them, two equal labels are one.
      double before = label == prefix.label ? prefix.endingInBlank : total;
      longer.nextInLabel = logAdd(longer.nextInLabel, before + step[label]);
    }
  }

  private static void reach(Prefix prefix, List<Prefix> reached) {
    if (!prefix.reached) {
      prefix.reached = true;
      reached.add(prefix);
    }
  }

  private static double logAdd(double a, double b) {
    double high = Math.max(a, b);
    double low = Math.min(a, b);
    return low == IMPOSSIBLE ? high : high + Math.log1p(Math.exp(low - high));
  }

  private static void check(float[][] logProbabilities) {
    for (int t = 0; t < logProbabilities.length; t++) {
      float[] step = logProbabilities[t];
      int symbols = logProbabilities[0].length;
      if (step.length != symbols || symbols == 0) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "step %d has %d symbols, but step 0 has %d, and there must be one at least",
                t,
                step.length,
                symbols));
      }
      for (int symbol = 0; symbol < symbols; symbol++) {
        // Written so that NaN is refused, too.
        if (!(step[symbol] < Float.POSITIVE_INFINITY)) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "step %d, symbol %d is %s, but it must be the logarithm of a probability",
                  t,
                  symbol,
                  step[symbol]));
        }
      }
    }
  }

  /** A beginning of labels, one label longer than its parent. */
  private static final class Prefix {
    final @Nullable Prefix parent;
    final int label;
    private Map<Integer, Prefix> children = Map.of();

    // Of the alignments of the steps so far, apart because only over a blank a label can follow
    // itself; and the same with the step that is being added.
    double endingInBlank = IMPOSSIBLE;
    double endingInLabel = IMPOSSIBLE;
    double total = IMPOSSIBLE;
    double nextInBlank = IMPOSSIBLE;
    double nextInLabel = IMPOSSIBLE;
    boolean reached;

    Prefix(@Nullable Prefix parent, int label) {
      this.parent = parent;
      this.label = label;
    }

    /** Also those of its children: they may be in the beam, and get what this adds to them. */
    int[] labelsToFollow(int[] likeliest) {
      return children.isEmpty()
          ? likeliest
          : IntStream.concat(
                  IntStream.of(likeliest), children.keySet().stream().mapToInt(Integer::intValue))
              .sorted()
              .distinct()
              .toArray();
    }

    /** Returns a child, which is forgotten unless it is kept. */
    Prefix longer(int next) {
      Prefix child = children.get(next);
      return child != null ? child : new Prefix(this, next);
    }

    void keep() {
      if (parent != null) {
        if (parent.children.isEmpty()) {
          parent.children = new HashMap<>();
        }
        parent.children.put(label, this);
      }
    }

    double total() {
      return total;
    }

    void advance() {
      endingInBlank = nextInBlank;
      endingInLabel = nextInLabel;
      total = logAdd(endingInBlank, endingInLabel);
      nextInBlank = IMPOSSIBLE;
      nextInLabel = IMPOSSIBLE;
      reached = false;
    }

    List<Integer> labels() {
      List<Integer> labels = new ArrayList<>();
      for (Prefix prefix = this; prefix.parent != null; prefix = prefix.parent) {
        labels.add(prefix.label);
      }
      return List.copyOf(labels.reversed());
    }
  }
}
