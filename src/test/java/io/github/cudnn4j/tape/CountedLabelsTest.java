package io.github.cudnn4j.tape;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Best paths with bounded counts, against all paths. */
class CountedLabelsTest {

  private static final int TIME = 5;
  private static final int LABELS = 3;
  private static final int MANY = Integer.MAX_VALUE;

  private final SplittableRandom random = new SplittableRandom(5);

  private double[] numbers(int count) {
    // Some are forbidden.
    return random.doubles(count, -2, 2).map(x -> x < -1.8 ? Double.NEGATIVE_INFINITY : x).toArray();
  }

  private double[][] numbers(int rows, int columns) {
    var numbers = new double[rows][];
    Arrays.setAll(numbers, i -> numbers(columns));
    return numbers;
  }

  private static double score(double[][] e, double[][] a, double[] start, double[] end, int[] y) {
    double score = start[y[0]] + end[y[y.length - 1]];
    for (int t = 0; t < y.length; t++) {
      score += e[t][y[t]] + (t == 0 ? 0 : a[y[t - 1]][y[t]]);
    }
    return score;
  }

  private static boolean allowed(int[] path, int[] least, int[] most) {
    var counts = new int[LABELS];
    for (int label : path) {
      counts[label]++;
    }
    for (int k = 0; k < LABELS; k++) {
      if (counts[k] < least[k] || counts[k] > most[k]) {
        return false;
      }
    }
    return true;
  }

  private void check(int[] least, int[] most) {
    for (int trial = 0; trial < 20; trial++) {
      double[][] e = numbers(TIME, LABELS);
      double[][] a = numbers(LABELS, LABELS);
      double[] start = numbers(LABELS);
      double[] end = numbers(LABELS);
      int[] best = null;
      for (int i = 0; i < Math.pow(LABELS, TIME); i++) {
        var path = new int[TIME];
        for (int t = 0, rest = i; t < TIME; t++, rest /= LABELS) {
          path[t] = rest % LABELS;
        }
        if (allowed(path, least, most)
            && score(e, a, start, end, path)
                > (best == null ? Double.NEGATIVE_INFINITY : score(e, a, start, end, best))) {
          best = path;
        }
      }
      assertArrayEquals(best, new CountedLabels(least, most).bestPath(e, a, start, end));
    }
  }

  @Test
  void bestPathsAreThoseOfAllPaths() {
    check(new int[] {0, 0, 0}, new int[] {MANY, MANY, MANY});
    check(new int[] {1, 2, 2}, new int[] {1, 2, 2});
    check(new int[] {0, 0, 0}, new int[] {2, 2, 2});
    check(new int[] {0, 0, 0}, new int[] {MANY, 1, 0});
    check(new int[] {2, 0, 1}, new int[] {MANY, 5, 2});
    check(new int[] {TIME + 1, 0, 0}, new int[] {MANY, MANY, MANY});
    check(new int[] {TIME, 0, 0}, new int[] {TIME, MANY, MANY});
  }

  @Test
  void impossibleCountsHaveNoPath() {
    double[][] zeros = new double[LABELS][LABELS];
    double[] ends = new double[LABELS];
    assertNull(CountedLabels.exactly(1, 1, 2).bestPath(zeros, zeros, ends, ends));
    assertNull(CountedLabels.atMost(1, 1, 0).bestPath(zeros, zeros, ends, ends));
    assertNull(CountedLabels.exactly(1, 0, 0).bestPath(new double[0][], zeros, ends, ends));
    assertArrayEquals(
        new int[0], CountedLabels.atMost(1, 0, 0).bestPath(new double[0][], zeros, ends, ends));
  }

  @Test
  void refusesWhatDoesNotFit() {
    double[][] zeros = new double[LABELS][LABELS];
    double[] ends = new double[LABELS];
    refuses("2 lower bounds and 1 upper bounds", () -> new CountedLabels(new int[2], new int[1]));
    refuses(
        "label 1 at least 2 times and at most 1",
        () -> new CountedLabels(new int[] {0, 2}, new int[] {0, 1}));
    refuses("label 0 at least 0 times and at most -1", () -> CountedLabels.atMost(-1));
    refuses(
        "end has 2 scores, needed are 3",
        () -> CountedLabels.atMost(1, 1, 1).bestPath(zeros, zeros, ends, new double[2]));
    refuses(
        "2 rows of transitions for 3 labels",
        () -> CountedLabels.atMost(1, 1, 1).bestPath(zeros, new double[2][3], ends, ends));
    var steps = new double[1000][LABELS];
    refuses(
        "1000 steps of 3 labels have too many counts for 67108864 states",
        () -> CountedLabels.exactly(200, 300, 500).bestPath(steps, zeros, ends, ends));
  }
}
