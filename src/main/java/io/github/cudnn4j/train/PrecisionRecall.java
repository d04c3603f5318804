package io.github.cudnn4j.train;

/**
 * How well things of one kind are found, counted.
 *
 * @param correct of those predicted, how many are there
 * @param predicted how many are predicted
 * @param actual how many are there
 */
public record PrecisionRecall(long correct, long predicted, long actual) {

  static final PrecisionRecall NONE = new PrecisionRecall(0, 0, 0);

  PrecisionRecall plus(PrecisionRecall other) {
    return new PrecisionRecall(
        correct + other.correct, predicted + other.predicted, actual + other.actual);
  }

  /** Returns the part of those predicted that is correct; 0 if none is predicted. */
  public double precision() {
    return ratio(correct, predicted);
  }

  /** Returns the part of those there that is found; 0 if none is there. */
  public double recall() {
    return ratio(correct, actual);
  }

  /** Returns the harmonic mean of precision and recall; 0 if nothing is predicted or there. */
  public double f1() {
    return ratio(2 * correct, predicted + actual);
  }

  private static double ratio(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }
}
