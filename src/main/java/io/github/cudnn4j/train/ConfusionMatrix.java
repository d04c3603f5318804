package io.github.cudnn4j.train;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Counts how often each label is predicted for each label: accuracy, and precision, recall and F1
 * of each label. Not for concurrent use.
 */
public final class ConfusionMatrix {

  private final int classes;
  private final long[][] counts;

  /**
   * Has counted nothing.
   *
   * @param classes how many labels there are, from 0
   * @throws IllegalArgumentException if there is none
   */
  public ConfusionMatrix(int classes) {
    if (classes < 1) {
      throw new IllegalArgumentException("classes is " + classes + ", must be 1 or more");
    }
    this.classes = classes;
    counts = new long[classes][classes];
  }

  /** Returns counts as {@link io.github.cudnn4j.tape.Tape#confusion} has them, {@code [C, C]}. */
  static ConfusionMatrix of(double[] counts) {
    var matrix = new ConfusionMatrix((int) Math.round(Math.sqrt(counts.length)));
    for (int i = 0; i < counts.length; i++) {
      matrix.counts[i / matrix.classes][i % matrix.classes] = Math.round(counts[i]);
    }
    return matrix;
  }

  /**
   * Counts predictions.
   *
   * @param labels what is right; negative where a place does not count
   * @param predictions as many
   * @throws IllegalArgumentException if there are more of one than of the other, or one that counts
   *     is no label; nothing is counted then
   */
  public void add(int[] labels, int[] predictions) {
    if (labels.length != predictions.length) {
      throw new IllegalArgumentException(
          predictions.length + " predictions for " + labels.length + " labels");
    }
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] >= 0) {
        check("label", labels[i], i);
        check("prediction", predictions[i], i);
      }
    }
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] >= 0) {
        counts[labels[i]][predictions[i]]++;
      }
    }
  }

  private void check(String name, int value, int at) {
    if (value < 0 || value >= classes) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s %d is %d, must be in [0, %d)", name, at, value, classes));
    }
  }

  /** Returns how often {@code predicted} was predicted where {@code label} was right. */
  public long count(int label, int predicted) {
    return counts[label][predicted];
  }

  /** Returns how many places counted. */
  public long total() {
    return Arrays.stream(counts).flatMapToLong(Arrays::stream).sum();
  }

  /** Returns the part of the places where the prediction is right; NaN if nothing was counted. */
  public double accuracy() {
    return (double) IntStream.range(0, classes).mapToLong(i -> counts[i][i]).sum() / total();
  }

  /** Returns how well one label is found. */
  public PrecisionRecall label(int label) {
    return new PrecisionRecall(
        counts[label][label],
        Arrays.stream(counts).mapToLong(row -> row[label]).sum(),
        Arrays.stream(counts[label]).sum());
  }

  /**
   * Returns the mean of the labels' F1, each counting as much as the others, of those that are
   * right or predicted anywhere; NaN if nothing was counted.
   */
  public double macroF1() {
    return IntStream.range(0, classes)
        .mapToObj(this::label)
        .filter(label -> label.predicted() + label.actual() > 0)
        .mapToDouble(PrecisionRecall::f1)
        .average()
        .orElse(Double.NaN);
  }
}
