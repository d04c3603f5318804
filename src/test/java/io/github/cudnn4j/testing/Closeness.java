package io.github.cudnn4j.testing;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.Assertions;

/**
 * The one rule by which the tests compare numbers: {@code |actual - expected| ≤ abs +
 * rel·|expected|}.
 */
public record Closeness(double abs, double rel) {
  /** What {@link WorstErrors} tells: the worst of each bound, in units of it. */
  static final Map<Closeness, Worst> WORST = new LinkedHashMap<>();

  /** An error in units of the bound, and where it is. */
  record Worst(double ratio, String what) {}

  /** The same bound, absolute for small numbers and relative for large ones. */
  public static Closeness within(double tolerance) {
    return new Closeness(tolerance, tolerance);
  }

  /**
   * The smallest tolerance {@code t} such that {@link #within} {@code (t)} holds; infinite if an
   * element is not a number where another is expected.
   */
  public static double distance(double[] expected, double[] actual) {
    Assertions.assertEquals(expected.length, actual.length, "number of elements");
    double worst = 0;
    for (int i = 0; i < expected.length; i++) {
      if (Double.compare(expected[i], actual[i]) != 0) {
        double ratio = Math.abs(actual[i] - expected[i]) / (1 + Math.abs(expected[i]));
        worst = Math.max(worst, Double.isNaN(ratio) ? Double.POSITIVE_INFINITY : ratio);
      }
    }
    return worst;
  }

  /** Fails with the worst element: its index, both values and the error in units of the bound. */
  public void check(String what, double[] expected, double[] actual) {
    Assertions.assertEquals(expected.length, actual.length, () -> what + ": number of elements");
    int worst = -1;
    double worstRatio = 0;
    for (int i = 0; i < expected.length; i++) {
      double ratio = Math.abs(actual[i] - expected[i]) / (abs + rel * Math.abs(expected[i]));
      boolean same = Double.compare(actual[i], expected[i]) == 0;
      if (!same && !(ratio <= worstRatio)) {
        worst = i;
        worstRatio = ratio;
      }
      if (!same && Double.isNaN(ratio)) {
        worst = i;
        worstRatio = Double.POSITIVE_INFINITY;
        break;
      }
    }
    WORST.merge(this, new Worst(worstRatio, what), (a, b) -> a.ratio >= b.ratio ? a : b);
    if (worstRatio > 1) {
      Assertions.fail(
          String.format(
              Locale.ROOT,
              "%s: element %d of %d is %.9g, expected %.9g: %.3g times the bound %.1e +"
                  + " %.1e·|expected|",
              what,
              worst,
              expected.length,
              actual[worst],
              expected[worst],
              worstRatio,
              abs,
              rel));
    }
  }

  /** {@link #check(String, double[], double[])} of single precision results. */
  public void check(String what, double[] expected, float[] actual) {
    double[] widened = new double[actual.length];
    for (int i = 0; i < actual.length; i++) {
      widened[i] = actual[i];
    }
    check(what, expected, widened);
  }
}
