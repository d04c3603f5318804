package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.model.CtcDecoder.Decoding;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Map.Entry;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CtcDecoderTest {
  private static final int EVERYTHING = 100_000;

  private static float[][] random(long seed, int time, int symbols) {
    SplittableRandom random = new SplittableRandom(seed);
    double[][] weights = new double[time][];
    float[][] logs = new float[time][symbols];
    for (int t = 0; t < time; t++) {
      weights[t] = random.doubles(symbols, -2, 2).map(Math::exp).toArray();
      double sum = 0;
      for (double weight : weights[t]) {
        sum += weight;
      }
      for (int k = 0; k < symbols; k++) {
        logs[t][k] = (float) Math.log(weights[t][k] / sum);
      }
    }
    return logs;
  }

  private static float[][] logs(double[][] probabilities) {
    float[][] logs = new float[probabilities.length][];
    for (int t = 0; t < logs.length; t++) {
      logs[t] = new float[probabilities[t].length];
      for (int k = 0; k < logs[t].length; k++) {
        logs[t][k] = (float) Math.log(probabilities[t][k]);
      }
    }
    return logs;
  }

  /** The probability of every label sequence, by going through every alignment. */
  private static Map<List<Integer>, Double> enumerate(float[][] logs) {
    Map<List<Integer>, Double> sums = new HashMap<>();
    int symbols = logs[0].length;
    long paths = Math.round(Math.pow(symbols, logs.length));
    for (long path = 0; path < paths; path++) {
      List<Integer> labels = new ArrayList<>();
      double log = 0;
      int previous = 0;
      long rest = path;
      for (float[] step : logs) {
        int symbol = (int) (rest % symbols);
        rest /= symbols;
        log += step[symbol];
        if (symbol != 0 && symbol != previous) {
          labels.add(symbol);
        }
        previous = symbol;
      }
      sums.merge(labels, Math.exp(log), Double::sum);
    }
    return sums;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
  void aBeamThatHoldsEverythingFindsTheBestLabels(long seed) {
    float[][] logs = random(seed, 1 + (int) (seed % 6), 2 + (int) (seed % 3));
    Entry<List<Integer>, Double> best =
        enumerate(logs).entrySet().stream()
            .max(Comparator.comparingDouble(Entry::getValue))
            .orElseThrow();

    Decoding decoding = CtcDecoder.beam(logs, EVERYTHING);

    assertEquals(best.getKey(), decoding.labels());
    assertEquals(Math.log(best.getValue()), decoding.logProbability(), 1e-10);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 16})
  void aNarrowBeamNeverClaimsTooMuch(int width) {
    float[][] logs = random(77, 7, 4);
    Decoding decoding = CtcDecoder.beam(logs, width);
    double exact = Math.log(enumerate(logs).get(decoding.labels()));
    assertTrue(decoding.logProbability() <= exact + 1e-10);
  }

  /** Ends of alignments in a blank and in a label, as logarithms. */
  private record Ends(double blank, double label) {
    static final Ends NONE = new Ends(Double.NEGATIVE_INFINITY, Double.NEGATIVE_INFINITY);

    double total() {
      return add(blank, label);
    }

    static double add(double a, double b) {
      return Math.log(Math.exp(a) + Math.exp(b));
    }
  }

  /** The search as it is written down, over all symbols. */
  private static List<Integer> plainBeam(float[][] logs, int width) {
    Map<List<Integer>, Ends> beam = Map.of(List.of(), new Ends(0, Double.NEGATIVE_INFINITY));
    for (float[] step : logs) {
      Map<List<Integer>, Ends> next = new HashMap<>();
      beam.forEach(
          (labels, ends) -> {
            int last = labels.isEmpty() ? 0 : labels.getLast();
            double repeated = last == 0 ? Double.NEGATIVE_INFINITY : ends.label + step[last];
            merge(next, labels, new Ends(ends.total() + step[0], repeated));
            for (int label = 1; label < step.length; label++) {
              List<Integer> longer = new ArrayList<>(labels);
              longer.add(label);
              double before = label == last ? ends.blank : ends.total();
              merge(next, longer, new Ends(Double.NEGATIVE_INFINITY, before + step[label]));
            }
          });
      beam = new HashMap<>();
      for (var entry : likeliestFirst(next).subList(0, Math.min(width, next.size()))) {
        beam.put(entry.getKey(), entry.getValue());
      }
    }
    return likeliestFirst(beam).getFirst().getKey();
  }

  private static void merge(Map<List<Integer>, Ends> all, List<Integer> labels, Ends ends) {
    Ends old = all.getOrDefault(labels, Ends.NONE);
    all.put(labels, new Ends(Ends.add(old.blank, ends.blank), Ends.add(old.label, ends.label)));
  }

  private static List<Entry<List<Integer>, Ends>> likeliestFirst(Map<List<Integer>, Ends> beam) {
    Comparator<Entry<List<Integer>, Ends>> total =
        Comparator.comparingDouble(entry -> entry.getValue().total());
    return beam.entrySet().stream().sorted(total.reversed()).toList();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 8, 13})
  void aNarrowBeamDoesNotMissWhatAnotherSymbolMakes(int width) {
    for (int seed = 0; seed < 60; seed++) {
      float[][] logs = random(1_000 * width + seed, 3 + seed % 9, 2 + seed % 23);
      assertEquals(plainBeam(logs, width), CtcDecoder.beam(logs, width).labels());
    }
  }

  /** As of a recogniser of Chinese; what is allocated bounds what is held, and the time. */
  @Test
  void aLargeAlphabetTakesLittleMemory() {
    float[][] logs = random(5, 300, 6_625);
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();
    Decoding decoding = CtcDecoder.beam(logs, 25);
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated < 50_000_000, allocated + " bytes for " + decoding.labels().size());
  }

  @Test
  void alignmentsAddUpToWhatGreedyMisses() {
    // Blank is likeliest in each step, yet three of the four alignments are of "1".
    float[][] logs = logs(new double[][] {{0.6, 0.4}, {0.6, 0.4}});

    Decoding greedy = CtcDecoder.greedy(logs);
    Decoding beam = CtcDecoder.beam(logs, 2);

    assertEquals(List.of(), greedy.labels());
    assertEquals(Math.log(0.36), greedy.logProbability(), 1e-6);
    assertEquals(List.of(1), beam.labels());
    assertEquals(Math.log(0.64), beam.logProbability(), 1e-6);
  }

  @Test
  void repetitionsAreOneLabelUnlessABlankIsBetween() {
    double[] one = {0.1, 0.8, 0.1};
    double[] two = {0.1, 0.1, 0.8};
    double[] blank = {0.8, 0.1, 0.1};
    float[][] logs = logs(new double[][] {one, one, blank, one, two, two});
    assertEquals(List.of(1, 1, 2), CtcDecoder.greedy(logs).labels());
    assertEquals(List.of(1, 1, 2), CtcDecoder.beam(logs, EVERYTHING).labels());
  }

  @Test
  void impossibleSymbolsAndNoStepsAreFine() {
    float[][] certain = logs(new double[][] {{0, 1}, {1, 0}, {0, 1}});
    assertEquals(new Decoding(List.of(1, 1), 0), CtcDecoder.beam(certain, 3));
    assertEquals(new Decoding(List.of(), 0), CtcDecoder.beam(new float[0][], 3));
    assertEquals(new Decoding(List.of(), 0), CtcDecoder.greedy(new float[0][]));
  }

  @Test
  void refusesWhatIsNoDistribution() {
    assertEquals(
        "width is 0, but it must be at least 1",
        assertThrows(IllegalArgumentException.class, () -> CtcDecoder.beam(new float[][] {{0}}, 0))
            .getMessage());
    assertEquals(
        "step 1 has 1 symbols, but step 0 has 2, and there must be one at least",
        assertThrows(
                IllegalArgumentException.class,
                () -> CtcDecoder.greedy(new float[][] {{0, -1}, {0}}))
            .getMessage());
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      assertEquals(
          "step 0, symbol 1 is " + wrong + ", but it must be the logarithm of a probability",
          assertThrows(
                  IllegalArgumentException.class,
                  () -> CtcDecoder.greedy(new float[][] {{0, wrong}}))
              .getMessage());
    }
  }
}
