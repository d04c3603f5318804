package io.github.cudnn4j.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Finds likely sequences that a network predicts symbol by symbol: of all sequences that are one
 * symbol longer than those in the beam, it goes on with the likeliest.
 *
 * <p>A hypothesis is complete when it has its end symbol or the most symbols there may be, and then
 * leaves the beam. Complete ones are ranked by log P / ((5 + n) / 6)<sup>α</sup>, P being the
 * product of the n probabilities that made it, the end symbol's included, and α the length penalty.
 * A search ends early only where no hypothesis in the beam can become one of the best any more. A
 * beam as wide as there are sequences of the greatest length finds the best of all of them. Equals
 * are taken in the order of the hypotheses that they come from, then of their last symbols.
 *
 * <p>Immutable; safe for use by several threads, as far as the constraint is.
 *
 * @param width how many hypotheses of a sequence are followed
 * @param end the symbol that ends a sequence, -1 for none
 * @param most the most symbols of a hypothesis, the end symbol included
 * @param lengthPenalty α: 0 ranks by probability, more prefers longer sequences
 * @param best how many hypotheses of a sequence are returned at most
 * @param constraint what forbids symbols; the length of a hypothesis does not forbid any
 * @see <a href="https://arxiv.org/abs/1609.08144">Wu et al., 2016 (GNMT), equation 14</a>
 */
public record BeamSearch(
    int width, int end, int most, double lengthPenalty, int best, Constraint constraint) {

  private static final double IMPOSSIBLE = Double.NEGATIVE_INFINITY;

  /** The logarithm of 1, with room for rounding. */
  private static final double CERTAIN = 1e-6;

  /**
   * A sequence that was found.
   *
   * @param symbols without the end symbol
   * @param logProbability natural logarithm of the product of all probabilities
   * @param score what hypotheses are ranked by
   */
  public record Hypothesis(List<Integer> symbols, double logProbability, double score) {}

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if {@code width}, {@code most} or {@code best} is below 1,
   *     {@code end} is below -1, or {@code lengthPenalty} is negative or not finite
   */
  public BeamSearch {
    atLeast("width", width, 1);
    atLeast("end", end, -1);
    atLeast("most", most, 1);
    atLeast("best", best, 1);
    if (!(lengthPenalty >= 0 && lengthPenalty < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "lengthPenalty is " + lengthPenalty + ", must be finite and 0 or more");
    }
    Objects.requireNonNull(constraint, "constraint");
  }

  private static void atLeast(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(name + " is " + value + ", must be " + least + " or more");
    }
  }

  /** Returns a search for the likeliest sequence. */
  public static BeamSearch of(int width, int end, int most) {
    return new BeamSearch(width, end, most, 0, 1, Constraint.NONE);
  }

  /** Returns the same with another length penalty. */
  public BeamSearch lengthPenalty(double alpha) {
    return new BeamSearch(width, end, most, alpha, best, constraint);
  }

  /** Returns the same with another number of results. */
  public BeamSearch best(int hypotheses) {
    return new BeamSearch(width, end, most, lengthPenalty, hypotheses, constraint);
  }

  /** Returns the same with another constraint. */
  public BeamSearch constraint(Constraint other) {
    return new BeamSearch(width, end, most, lengthPenalty, best, other);
  }

  /** Searches for one sequence. */
  public List<Hypothesis> search(StepFunction step, int start) {
    return search(step, new int[] {start}).getFirst();
  }

  /**
   * Searches for several sequences at once.
   *
   * @param step is called at most {@link #most} times, with B · {@link #width} rows, those of a
   *     sequence next to each other
   * @param starts the symbol that each of the B sequences reads first, no part of the result
   * @return for each sequence its hypotheses, the best first; fewer than asked for if there are no
   *     more, none if everything is forbidden
   * @throws IllegalArgumentException if there is no sequence or more rows than an int counts, or
   *     {@code step} returns another number of rows or rows that do not fit, or the constraint
   *     raises a probability above 1
   * @throws ArithmeticException if a logit is NaN or positive infinity, or all of a row are
   *     negative infinity
   */
  public List<List<Hypothesis>> search(StepFunction step, int[] starts) {
    atLeast("the number of sequences", starts.length, 1);
    Beam[] beams = IntStream.of(starts).mapToObj(Beam::new).toArray(Beam[]::new);
    int rows = rows(starts.length);
    int[] parents = IntStream.range(0, rows).map(row -> row / width).toArray();
    int[] symbols = IntStream.range(0, rows).map(row -> starts[row / width]).toArray();
    for (int length = 0; length < most && !Arrays.stream(beams).allMatch(Beam::isDone); length++) {
      float[][] logits = step.advance(parents, symbols);
      checkRows(logits, rows);
      for (int i = 0; i < beams.length; i++) {
        beams[i].advance(logits, i * width);
        beams[i].fill(parents, symbols, i * width);
      }
    }
    return Arrays.stream(beams).map(Beam::results).toList();
  }

  /** Returns how many rows a step of as many sequences has. */
  int rows(int sequences) {
    long rows = (long) sequences * width;
    if (rows > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%d sequences with a width of %d have %d rows, must be at most %d",
              sequences,
              width,
              rows,
              Integer.MAX_VALUE));
    }
    return (int) rows;
  }

  private void checkRows(float[][] logits, int rows) {
    if (logits.length != rows) {
      throw new IllegalArgumentException(
          "the step function returned " + logits.length + " rows of logits for " + rows);
    }
    for (float[] row : logits) {
      if (row.length != logits[0].length || row.length <= end) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "the step function returned %d and %d logits, must be as many in each row and more"
                    + " than the end symbol, %d",
                logits[0].length,
                row.length,
                end));
      }
    }
  }

  private double score(double logProbability, int length) {
    return logProbability / Math.pow((5.0 + length) / 6, lengthPenalty);
  }

  /** A hypothesis in the beam, or a candidate to be in it. */
  private record Candidate(int parent, int symbol, double logProbability) {}

  /** The likeliest candidates, in the order in which they are taken. */
  private static final class Likeliest {
    private final int most;
    private final List<Candidate> candidates = new ArrayList<>();

    Likeliest(int most) {
      this.most = most;
    }

    /** Adds a candidate that comes after those that were added before and are as likely. */
    void add(int parent, int symbol, double logProbability) {
      if (!(logProbability > IMPOSSIBLE)
          || candidates.size() == most && logProbability <= candidates.getLast().logProbability) {
        return;
      }
      if (candidates.size() == most) {
        candidates.removeLast();
      }
      int at = candidates.size();
      while (at > 0 && logProbability > candidates.get(at - 1).logProbability) {
        at--;
      }
      candidates.add(at, new Candidate(parent, symbol, logProbability));
    }
  }

  /** The hypotheses of one sequence. */
  private final class Beam {
    private final int start;
    private List<Candidate> live = List.of(new Candidate(0, -1, 0));

    /** The symbols of each hypothesis in the beam. */
    private int[][] prefixes = {{}};

    /** Complete hypotheses, the best first. */
    private final List<Hypothesis> complete = new ArrayList<>();

    Beam(int start) {
      this.start = start;
    }

    boolean isDone() {
      return live.isEmpty();
    }

    /** Makes hypotheses longer by one symbol. */
    void advance(float[][] logits, int firstRow) {
      Likeliest likeliest = new Likeliest(width);
      for (int i = 0; i < live.size(); i++) {
        float[] row = logits[firstRow + i];
        double before = live.get(i).logProbability;
        double total = logSumExp(row);
        constraint.restrict(prefixes[i], row);
        for (int symbol = 0; symbol < row.length; symbol++) {
          double logProbability = row[symbol] - total;
          if (!(logProbability <= CERTAIN)) {
            throw new IllegalArgumentException(
                "the constraint made the logit of symbol "
                    + symbol
                    + " "
                    + row[symbol]
                    + ", which is more than certain");
          }
          if (symbol == end) {
            complete(prefixes[i], prefixes[i].length + 1, before + logProbability);
          } else {
            likeliest.add(i, symbol, before + logProbability);
          }
        }
      }
      live = likeliest.candidates;
      prefixes = live.stream().map(this::prefix).toArray(int[][]::new);
      int length = live.isEmpty() ? 0 : prefixes[0].length;
      if (length == most) {
        for (int i = 0; i < live.size(); i++) {
          complete(prefixes[i], length, live.get(i).logProbability);
        }
        live = List.of();
      } else if (!live.isEmpty() && complete.size() == best) {
        // Probabilities only fall, and the penalty of the greatest length is the mildest.
        double bound = score(live.getFirst().logProbability, most);
        if (bound <= complete.getLast().score) {
          live = List.of();
        }
      }
    }

    private int[] prefix(Candidate candidate) {
      int[] parent = prefixes[candidate.parent];
      int[] longer = Arrays.copyOf(parent, parent.length + 1);
      longer[parent.length] = candidate.symbol;
      return longer;
    }

    private void complete(int[] symbols, int length, double logProbability) {
      double score = score(logProbability, length);
      if (!(score > IMPOSSIBLE) || complete.size() == best && score <= complete.getLast().score) {
        return;
      }
      if (complete.size() == best) {
        complete.removeLast();
      }
      int at = complete.size();
      while (at > 0 && score > complete.get(at - 1).score) {
        at--;
      }
      complete.add(
          at, new Hypothesis(IntStream.of(symbols).boxed().toList(), logProbability, score));
    }

    /** Tells the next call what this beam's rows go on from; rows of no hypothesis go nowhere. */
    void fill(int[] parents, int[] symbols, int firstRow) {
      for (int i = 0; i < width; i++) {
        boolean lives = i < live.size();
        parents[firstRow + i] = firstRow + (lives ? live.get(i).parent : 0);
        symbols[firstRow + i] = lives ? live.get(i).symbol : start;
      }
    }

    List<Hypothesis> results() {
      return List.copyOf(complete);
    }
  }

  private static double logSumExp(float[] logits) {
    float largest = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      // Written so that NaN is refused, too.
      if (!(logit < Float.POSITIVE_INFINITY)) {
        throw new ArithmeticException("the step function returned a logit of " + logit);
      }
      largest = Math.max(largest, logit);
    }
    if (largest == Float.NEGATIVE_INFINITY) {
      throw new ArithmeticException("the step function returned logits of -Infinity only");
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - largest);
    }
    return largest + Math.log(sum);
  }
}
