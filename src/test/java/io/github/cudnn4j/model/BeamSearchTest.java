package io.github.cudnn4j.model;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.model.BeamSearch.Hypothesis;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BeamSearchTest {
  private static final int START = 9;
  private static final int END = 0;

  /** A network whose state is all that it has read, and whose logits depend on all of that. */
  private static final class Memory implements StepFunction {
    private final int classes;
    private final int seed;
    private List<List<Integer>> states = new ArrayList<>();
    private boolean begun;
    private int calls;

    Memory(int classes, int seed) {
      this.classes = classes;
      this.seed = seed;
    }

    float[] logits(List<Integer> read) {
      SplittableRandom random = new SplittableRandom(31L * seed + read.hashCode());
      float[] logits = new float[classes];
      for (int i = 0; i < classes; i++) {
        // Few values, so that there are equals.
        logits[i] = random.nextInt(7) * 0.5f;
      }
      return logits;
    }

    @Override
    public float[][] advance(int[] parents, int[] symbols) {
      List<List<Integer>> next = new ArrayList<>();
      for (int row = 0; row < parents.length; row++) {
        List<Integer> read = new ArrayList<>();
        if (begun) {
          read.addAll(states.get(parents[row]));
        } else {
          read.add(-1 - parents[row]);
        }
        read.add(symbols[row]);
        next.add(read);
      }
      states = next;
      begun = true;
      calls++;
      return next.stream().map(this::logits).toArray(float[][]::new);
    }
  }

  /** Goes through every sequence of one network; the best first, equals in the order of symbols. */
  private static List<Hypothesis> enumerate(Memory network, int sequence, BeamSearch search) {
    List<Hypothesis> all = new ArrayList<>();
    extend(network, List.of(-1 - sequence, START), 0, search, all);
    all.sort(Comparator.comparingDouble(Hypothesis::score).reversed());
    return all;
  }

  private static void extend(
      Memory network,
      List<Integer> read,
      double logProbability,
      BeamSearch search,
      List<Hypothesis> all) {
    float[] logits = network.logits(read);
    double total = 0;
    for (float logit : logits) {
      total += Math.exp(logit);
    }
    List<Integer> symbols = read.subList(2, read.size());
    search.constraint().restrict(symbols.stream().mapToInt(i -> i).toArray(), logits);
    for (int symbol = 0; symbol < logits.length; symbol++) {
      double next = logProbability + logits[symbol] - Math.log(total);
      List<Integer> longer = new ArrayList<>(read);
      longer.add(symbol);
      int length = longer.size() - 2;
      if (next == Double.NEGATIVE_INFINITY) {
        continue;
      }
      if (symbol == search.end() || length == search.most()) {
        double score =
            next
                * Math.pow(6, search.lengthPenalty())
                / Math.pow(5 + length, search.lengthPenalty());
        List<Integer> found = symbol == search.end() ? symbols : longer.subList(2, longer.size());
        all.add(new Hypothesis(List.copyOf(found), next, score));
      } else {
        extend(network, longer, next, search, all);
      }
    }
  }

  private static void assertSame(List<Hypothesis> expected, List<Hypothesis> found) {
    assertEquals(expected.size(), found.size());
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).score(), found.get(i).score(), 1e-9, "number " + i);
      assertEquals(expected.get(i).logProbability(), found.get(i).logProbability(), 1e-9);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "2, 1, 0",
    "2, 5, 0",
    "3, 4, 0",
    "4, 4, 0",
    "5, 3, 0",
    "2, 6, 0.6",
    "3, 4, 1",
    "4, 4, 2.5",
    "6, 3, 0.6"
  })
  void aBeamThatHoldsEverythingFindsTheBestOfAll(int classes, int most, double lengthPenalty) {
    int everything = (int) Math.pow(classes, most);
    for (int end : new int[] {END, -1}) {
      for (int seed = 0; seed < 5; seed++) {
        BeamSearch search =
            BeamSearch.of(everything, end, most).lengthPenalty(lengthPenalty).best(10);
        Memory network = new Memory(classes, seed);
        List<Hypothesis> all = enumerate(network, 0, search);

        List<Hypothesis> found = search.search(network, START);

        assertSame(all.subList(0, Math.min(10, all.size())), found);
        assertEquals(found, search.search(new Memory(classes, seed), START), "twice the same");
        for (Hypothesis each : found) {
          assertTrue(
              all.stream()
                  .anyMatch(
                      one ->
                          one.symbols().equals(each.symbols())
                              && Math.abs(one.logProbability() - each.logProbability()) < 1e-9),
              () -> each + " is none of them");
        }
        assertEquals(found.size(), found.stream().map(Hypothesis::symbols).distinct().count());
      }
    }
  }

  /** The search as it is written down, without a bound on what can still be found. */
  private static List<Hypothesis> plain(Memory network, int sequence, BeamSearch search) {
    record HostCounter(List<Integer> read, double logProbability) {}
    List<HostCounter> beam = List.of(new HostCounter(List.of(-1 - sequence, START), 0));
    List<Hypothesis> complete = new ArrayList<>();
    for (int length = 1; length <= search.most(); length++) {
      List<HostCounter> longer = new ArrayList<>();
      for (HostCounter live : beam) {
        float[] logits = network.logits(live.read);
        double total = 0;
        for (float logit : logits) {
          total += Math.exp(logit);
        }
        for (int symbol = 0; symbol < logits.length; symbol++) {
          double next = live.logProbability + (logits[symbol] - Math.log(total));
          List<Integer> read = new ArrayList<>(live.read);
          read.add(symbol);
          longer.add(new HostCounter(read, next));
        }
      }
      longer.sort(Comparator.comparingDouble(HostCounter::logProbability).reversed());
      List<HostCounter> next = new ArrayList<>();
      for (HostCounter live : longer) {
        if (live.read.getLast() == search.end() || length == search.most()) {
          int from = live.read.getLast() == search.end() ? 1 : 0;
          if (from == 1 || next.size() < search.width()) {
            double score =
                live.logProbability / Math.pow((5.0 + length) / 6, search.lengthPenalty());
            complete.add(
                new Hypothesis(
                    List.copyOf(live.read.subList(2, live.read.size() - from)),
                    live.logProbability,
                    score));
          }
        }
        if (live.read.getLast() != search.end() && next.size() < search.width()) {
          next.add(live);
        }
      }
      beam = next;
    }
    complete.sort(Comparator.comparingDouble(Hypothesis::score).reversed());
    return complete.subList(0, Math.min(search.best(), complete.size()));
  }

  /** Several sequences at once, each with its own states, and none ends too early. */
  @ParameterizedTest
  @CsvSource({"1, 0, 1", "2, 0, 1", "3, 0.6, 2", "5, 1, 5", "8, 0, 3", "4, 3, 4"})
  void aNarrowBeamIsTheSearchAsItIsWrittenDown(int width, double lengthPenalty, int best) {
    for (int seed = 0; seed < 20; seed++) {
      BeamSearch search = BeamSearch.of(width, END, 12).lengthPenalty(lengthPenalty).best(best);
      Memory network = new Memory(5, seed);

      List<List<Hypothesis>> found = search.search(network, new int[] {START, START, START});

      for (int sequence = 0; sequence < 3; sequence++) {
        assertSame(plain(network, sequence, search), found.get(sequence));
      }
    }
  }

  @Test
  void aWidthOfOneIsGreedy() {
    Memory network = new Memory(6, 4);
    List<Integer> read = new ArrayList<>(List.of(-1, START));
    while (read.size() < 22) {
      float[] logits = network.logits(read);
      read.add(Sampling.GREEDY.draw(logits, 0));
    }
    List<Hypothesis> found = BeamSearch.of(1, -1, 20).search(network, START);
    assertEquals(read.subList(2, 22), found.getFirst().symbols());
    assertEquals(20, network.calls);
  }

  @Test
  void endsWhenNothingBetterCanCome() {
    int[] calls = {0};
    StepFunction certain =
        (parents, symbols) -> {
          calls[0]++;
          float[][] logits = new float[parents.length][];
          Arrays.setAll(logits, row -> new float[] {10, 0, 0});
          return logits;
        };
    assertEquals(List.of(), BeamSearch.of(3, END, 50).search(certain, START).getFirst().symbols());
    assertEquals(1, calls[0]);
  }

  @Test
  void constraintsForbidForceAndKeepToWords() {
    Memory network = new Memory(6, 1);
    BeamSearch all = BeamSearch.of(1_000, END, 4).best(1_000);
    Constraint[] constraints = {
      Constraint.forbid(2, 3),
      Constraint.beginWith(4, 4),
      Constraint.noRepeat(1),
      Constraint.noRepeat(2).and(Constraint.forbid(5)),
      Constraint.words(List.of(new int[] {1}, new int[] {1, 2}, new int[] {3, 4}), END),
      Constraint.words(List.of(new int[] {1}, new int[] {1, 2}, new int[] {3, 4}), END, 5),
    };
    int[] counts = new int[constraints.length];
    for (int i = 0; i < constraints.length; i++) {
      BeamSearch search = all.constraint(constraints[i]);
      List<Hypothesis> expected = enumerate(network, 0, search);
      List<Hypothesis> found = search.search(new Memory(6, 1), START);
      assertSame(expected.subList(0, Math.min(1_000, expected.size())), found);
      counts[i] = found.size();
      List<List<Integer>> symbols = found.stream().map(Hypothesis::symbols).toList();
      switch (i) {
        case 0 ->
            assertTrue(symbols.stream().noneMatch(each -> each.contains(2) || each.contains(3)));
        case 1 ->
            assertTrue(symbols.stream().allMatch(each -> each.subList(0, 2).equals(List.of(4, 4))));
        case 2 ->
            assertTrue(symbols.stream().allMatch(e -> e.stream().distinct().count() == e.size()));
        case 3 ->
            assertTrue(symbols.contains(List.of(1, 1, 2)) && !symbols.contains(List.of(1, 1, 1)));
        case 4 -> {
          assertEquals(3, symbols.size());
          assertTrue(symbols.containsAll(List.of(List.of(1), List.of(1, 2), List.of(3, 4))));
        }
        default ->
            assertTrue(symbols.contains(List.of(1, 5, 1)) && symbols.contains(List.of(1, 2, 5, 3)));
      }
    }
    // 1 + 3 + 9 + 27 that end, 81 that do not; [4, 4] and behind it the end, or 5 more.
    assertEquals(1 + 3 + 9 + 27 + 81, counts[0]);
    assertEquals(1 + 5 + 25, counts[1]);
    assertEquals(1 + 5 + 20 + 60 + 120, counts[2]);
  }

  @Test
  void nothingIsFoundWhereEverythingIsForbidden() {
    assertEquals(
        List.of(),
        BeamSearch.of(3, END, 4)
            .constraint(Constraint.forbid(0, 1, 2))
            .search(new Memory(3, 1), START));
  }

  @Test
  void refusesWhatDoesNotFit() {
    refuses("width is 0, must be 1 or more", () -> BeamSearch.of(0, END, 1));
    refuses("end is -2, must be -1 or more", () -> BeamSearch.of(1, -2, 1));
    refuses("most is 0, must be 1 or more", () -> BeamSearch.of(1, END, 0));
    refuses("best is 0, must be 1 or more", () -> BeamSearch.of(1, END, 1).best(0));
    refuses(
        "lengthPenalty is NaN, must be finite and 0 or more",
        () -> BeamSearch.of(1, END, 1).lengthPenalty(Double.NaN));
    BeamSearch search = BeamSearch.of(2, END, 3);
    refuses(
        "the number of sequences is 0, must be 1 or more",
        () -> search.search(new Memory(3, 1), new int[0]));
    refuses(
        "the step function returned 1 rows of logits for 2",
        () -> search.search((parents, symbols) -> new float[1][3], START));
    refuses(
        "the step function returned 3 and 2 logits, must be as many in each row and more than the"
            + " end symbol, 0",
        () -> search.search((parents, symbols) -> new float[][] {{1, 2, 3}, {1, 2}}, START));
    refuses(
        "the constraint made the logit of symbol 1 99.0, which is more than certain",
        () ->
            search.constraint((symbols, logits) -> logits[1] = 99).search(new Memory(3, 1), START));
    refuses(
        "4 sequences with a width of 1073741824 have 4294967296 rows, must be at most 2147483647",
        () -> BeamSearch.of(1 << 30, END, 3).search(new Memory(3, 1), new int[4]));
    refuses("n is 0, must be 1 or more", () -> Constraint.noRepeat(0));
    refuses(
        "symbol 0 of word [1, 0] is a boundary",
        () -> Constraint.words(List.of(new int[] {1, 0}), 0));
    refuses(
        "at least one word and one boundary are needed, and no word without a symbol",
        () -> Constraint.words(List.of(), 0));
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      assertEquals(
          "the step function returned a logit of " + wrong,
          assertThrows(
                  ArithmeticException.class,
                  () -> search.search((p, s) -> new float[][] {{0, wrong}, {0, 0}}, START))
              .getMessage());
    }
  }
}
