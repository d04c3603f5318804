package io.github.cudnn4j.model;

import java.util.Arrays;
import java.util.Locale;

/**
 * A hidden Markov model whose labels are seen while it is learnt: by counting, one more of each
 * pair of neighbours and of each symbol at a label. What it returns are natural logarithms of
 * probabilities, scores as {@link io.github.cudnn4j.tape.CountedLabels#bestPath} takes them; before
 * the first label and behind the last one there is one more label that is nowhere else.
 *
 * @see <a href="https://doi.org/10.1109/5.18626">Rabiner, 1989</a>
 */
public final class HiddenMarkovModel {

  private final int labels;
  private final int symbols;

  /** The last label is the one outside. */
  private final long[][] pairs;

  private final long[][] seen;

  /**
   * Returns a model that has seen nothing.
   *
   * @param labels K; (K + 1)² pairs are counted
   * @param symbols V; K · V of them at labels are counted
   * @throws IllegalArgumentException if a number is not positive, or there are more counts than
   *     {@link Integer#MAX_VALUE}
   */
  public HiddenMarkovModel(int labels, int symbols) {
    if (labels < 1 || symbols < 1) {
      throw new IllegalArgumentException(
          labels + " labels and " + symbols + " symbols, both must be positive");
    }
    long counts = (labels + 1L) * (labels + 1L) + (long) labels * symbols;
    if (counts > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d labels and %d symbols make %d counts, must be at most %d",
              labels,
              symbols,
              counts,
              Integer.MAX_VALUE));
    }
    this.labels = labels;
    this.symbols = symbols;
    pairs = new long[labels + 1][labels + 1];
    seen = new long[labels][symbols];
  }

  /**
   * Counts a sequence.
   *
   * @param labels in [0, K)
   * @param symbols as many, in [0, V)
   * @throws IllegalArgumentException if there are more of one than of the other or one is outside
   *     its range; nothing is counted then
   */
  public void add(int[] labels, int[] symbols) {
    if (labels.length != symbols.length) {
      throw new IllegalArgumentException(
          labels.length + " labels of " + symbols.length + " symbols");
    }
    check("label", labels, this.labels);
    check("symbol", symbols, this.symbols);
    int before = this.labels;
    for (int t = 0; t < labels.length; t++) {
      pairs[before][labels[t]]++;
      seen[labels[t]][symbols[t]]++;
      before = labels[t];
    }
    pairs[before][this.labels]++;
  }

  private static void check(String what, int[] numbers, int limit) {
    for (int number : numbers) {
      if (number < 0 || number >= limit) {
        throw new IllegalArgumentException(
            String.format(Locale.ROOT, "%s %d, must be from 0 to %d", what, number, limit - 1));
      }
    }
  }

  /** Returns log p(label | label before), {@code [K][K]}, from and to. */
  public double[][] transitions() {
    double[][] scores = new double[labels][];
    Arrays.setAll(scores, k -> Arrays.copyOf(logarithms(pairs[k]), labels));
    return scores;
  }

  /** Returns log p(label | begin), {@code [K]}. */
  public double[] start() {
    return Arrays.copyOf(logarithms(pairs[labels]), labels);
  }

  /** Returns log p(end | label), {@code [K]}. */
  public double[] end() {
    double[] scores = new double[labels];
    Arrays.setAll(scores, k -> logarithms(pairs[k])[labels]);
    return scores;
  }

  /**
   * Returns log p(symbol | label) of each symbol of a sequence, {@code [T][K]}.
   *
   * @throws IllegalArgumentException if a symbol is not in [0, V)
   */
  public double[][] emissions(int... sequence) {
    check("symbol", sequence, symbols);
    double[][] each = new double[labels][];
    Arrays.setAll(each, k -> logarithms(seen[k]));
    double[][] scores = new double[sequence.length][labels];
    for (int t = 0; t < sequence.length; t++) {
      for (int k = 0; k < labels; k++) {
        scores[t][k] = each[k][sequence[t]];
      }
    }
    return scores;
  }

  /**
   * Returns what a network's scores are in the place of {@link #emissions}: log p(label | sequence)
   * − log p(label), which differs from log p(sequence | label) by what is equal for all labels.
   *
   * @param logProbabilities {@code [T][K]}
   * @throws IllegalArgumentException if a row has not K numbers
   * @see <a href="https://doi.org/10.1109/34.62605">Bourlard and Wellekens, 1990</a>
   */
  public double[][] emissions(double[][] logProbabilities) {
    long[] counts = new long[labels];
    Arrays.setAll(counts, k -> Arrays.stream(seen[k]).sum());
    double[] prior = logarithms(counts);
    double[][] scores = new double[logProbabilities.length][labels];
    for (int t = 0; t < scores.length; t++) {
      double[] row = logProbabilities[t];
      if (row.length != labels) {
        throw new IllegalArgumentException(
            "row " + t + " has " + row.length + " numbers for " + labels + " labels");
      }
      Arrays.setAll(scores[t], k -> row[k] - prior[k]);
    }
    return scores;
  }

  private static double[] logarithms(long[] counts) {
    double all = Arrays.stream(counts).sum() + counts.length;
    return Arrays.stream(counts).mapToDouble(count -> Math.log((count + 1) / all)).toArray();
  }
}
