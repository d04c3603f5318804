package io.github.cudnn4j.tape;

import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The best path of one sequence in which each label appears as often as it may, on the host.
 *
 * <p>Scores are those of {@link LinearChain}. The state of the search is the last label and how
 * often each label has appeared; a label with neither bound is not counted, and one without an
 * upper bound only up to its lower one. With c<sub>k</sub> the largest count of label k, the search
 * takes T·K²·Π(c<sub>k</sub> + 1) operations and 4·T·K·Π(c<sub>k</sub> + 1) bytes: this is for few
 * bounds or small ones.
 *
 * <p>Methods may be called by any thread.
 */
public final class CountedLabels {

  /** Of states in all steps together, in 256 MiB. */
  private static final int MOST_STATES = 1 << 26;

  private final int[] least;
  private final int[] most;

  /**
   * Bounds how often each of K labels appears.
   *
   * @param least at least so often, from 0; copied
   * @param most at most so often, {@link Integer#MAX_VALUE} for any number; copied
   * @throws IllegalArgumentException if there are not as many of both, or a lower bound is negative
   *     or above the upper one
   */
  public CountedLabels(int[] least, int[] most) {
    if (least.length != most.length) {
      throw new IllegalArgumentException(
          least.length + " lower bounds and " + most.length + " upper bounds");
    }
    for (int k = 0; k < least.length; k++) {
      if (least[k] < 0 || least[k] > most[k]) {
        throw new IllegalArgumentException(
            "label " + k + " at least " + least[k] + " times and at most " + most[k]);
      }
    }
    this.least = least.clone();
    this.most = most.clone();
  }

  /** Has each label appear exactly so often. */
  public static CountedLabels exactly(int... times) {
    return new CountedLabels(times, times);
  }

  /** Has each label appear at most so often. */
  public static CountedLabels atMost(int... times) {
    return new CountedLabels(new int[times.length], times);
  }

  /**
   * Finds a path of the highest score.
   *
   * @param emissions {@code [T][K]}; minus infinity forbids, here as in the others, and so does NaN
   * @param transitions {@code [K][K]}, from and to
   * @param start {@code [K]}
   * @param end {@code [K]}
   * @return T labels; null if all paths are forbidden
   * @throws IllegalArgumentException if the shapes do not fit, or there are too many states
   */
  public int @Nullable [] bestPath(
      double[][] emissions, double[][] transitions, double[] start, double[] end) {
    int labels = least.length;
    check("start", start, labels);
    check("end", end, labels);
    Arrays.stream(emissions).forEach(row -> check("a row of the emissions", row, labels));
    Arrays.stream(transitions).forEach(row -> check("a row of the transitions", row, labels));
    if (transitions.length != labels) {
      throw new IllegalArgumentException(
          transitions.length + " rows of transitions for " + labels + " labels");
    }
    int time = emissions.length;
    if (time == 0) {
      return Arrays.stream(least).allMatch(bound -> bound == 0) ? new int[0] : null;
    }
    return new Search(time).run(emissions, transitions, start, end);
  }

  private static void check(String what, double[] scores, int labels) {
    if (scores.length != labels) {
      throw new IllegalArgumentException(
          what + " has " + scores.length + " scores, needed are " + labels);
    }
  }

  /** Counts are the digits of a number, of which each label has one. */
  private final class Search {
    private final int labels = least.length;
    private final int time;
    private final int[] place = new int[labels];
    private final int[] largest = new int[labels];
    private final int counts;

    Search(int time) {
      this.time = time;
      long states = 1;
      for (int k = 0; k < labels; k++) {
        place[k] = (int) states;
        largest[k] = most[k] < time ? most[k] : Math.min(least[k], time + 1);
        states *= largest[k] + 1L;
        if (states > MOST_STATES / labels / time) {
          throw new IllegalArgumentException(
              String.format(
                  Locale.ROOT,
                  "%d steps of %d labels have too many counts for %d states",
                  time,
                  labels,
                  MOST_STATES));
        }
      }
      counts = (int) states;
    }

    private int digit(int count, int label) {
      return count / place[label] % (largest[label] + 1);
    }

    /** Returns the counts with one more of a label, -1 if that is too many. */
    private int next(int count, int label) {
      if (digit(count, label) < largest[label]) {
        return count + place[label];
      }
      return most[label] < time ? -1 : count;
    }

    private boolean enough(int count) {
      for (int k = 0; k < labels; k++) {
        if (digit(count, k) < least[k]) {
          return false;
        }
      }
      return true;
    }

    int @Nullable [] run(
        double[][] emissions, double[][] transitions, double[] start, double[] end) {
      var from = new int[time][];
      double[] scores = forbidden();
      for (int j = 0; j < labels; j++) {
        int count = next(0, j);
        if (count >= 0) {
          scores[count * labels + j] = start[j] + emissions[0][j];
        }
      }
      for (int t = 1; t < time; t++) {
        double[] before = scores;
        scores = forbidden();
        from[t] = new int[scores.length];
        for (int state = 0; state < before.length; state++) {
          if (before[state] > Double.NEGATIVE_INFINITY) {
            extend(
                state, before[state], transitions[state % labels], emissions[t], scores, from[t]);
          }
        }
      }
      return path(scores, end, from);
    }

    private double[] forbidden() {
      var scores = new double[counts * labels];
      Arrays.fill(scores, Double.NEGATIVE_INFINITY);
      return scores;
    }

    private void extend(
        int state, double score, double[] into, double[] emissions, double[] scores, int[] from) {
      for (int j = 0; j < labels; j++) {
        int count = next(state / labels, j);
        if (count >= 0) {
          int to = count * labels + j;
          double with = score + into[j] + emissions[j];
          if (with > scores[to]) {
            scores[to] = with;
            from[to] = state;
          }
        }
      }
    }

    private int @Nullable [] path(double[] scores, double[] end, int[][] from) {
      int best = -1;
      double most = Double.NEGATIVE_INFINITY;
      for (int state = 0; state < scores.length; state++) {
        double score = scores[state] + end[state % labels];
        if (score > most && enough(state / labels)) {
          most = score;
          best = state;
        }
      }
      if (best < 0) {
        return null;
      }
      var path = new int[time];
      for (int t = time - 1; t > 0; t--) {
        path[t] = best % labels;
        best = from[t][best];
      }
      path[0] = best % labels;
      return path;
    }
  }
}
