package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.data.SavableRandom;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplingTest {
  private static final float NEVER = Float.NEGATIVE_INFINITY;

  /** The definition, on sorted symbols; independent of how the draw is made. */
  private static double[] distribution(Sampling sampling, float[] logits) {
    double[] weights = new double[logits.length];
    double total = 0;
    for (int i = 0; i < logits.length; i++) {
      weights[i] = Math.exp(logits[i] / sampling.temperature());
    }
    List<Integer> order =
        IntStream.range(0, logits.length)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -logits[i]))
            .limit(sampling.topK())
            .toList();
    double ofTopK = order.stream().mapToDouble(i -> weights[i]).sum();
    double[] left = new double[logits.length];
    for (int i : order) {
      if (sampling.topP() < 1 && total >= sampling.topP() * ofTopK) {
        break;
      }
      left[i] = weights[i];
      total += weights[i];
    }
    for (int i = 0; i < left.length; i++) {
      left[i] /= total;
    }
    return left;
  }

  /** A symbol is followed by the next one, 4 by itself. */
  @Test
  void drawsEachSequenceUntilItsEnd() {
    StepFunction counting =
        (parents, symbols) -> {
          assertArrayEquals(new int[] {0, 1, 2}, parents);
          float[][] logits = new float[symbols.length][5];
          for (int row = 0; row < logits.length; row++) {
            Arrays.fill(logits[row], NEVER);
            logits[row][Math.min(symbols[row] + 1, 4)] = 0;
          }
          return logits;
        };
    List<int[]> drawn =
        Sampling.temperature(1).draw(counting, new int[] {0, 3, 1}, 4, 2, new SplittableRandom(1));
    assertArrayEquals(new int[] {1, 2}, drawn.get(0));
    assertArrayEquals(new int[] {}, drawn.get(1));
    assertArrayEquals(new int[] {2, 3}, drawn.get(2));
    drawn =
        Sampling.temperature(1).draw(counting, new int[] {0, 3, 1}, -1, 3, new SplittableRandom(1));
    assertArrayEquals(new int[] {4, 4, 4}, drawn.get(1));
  }

  /** The seeds are fixed, so that this passes always or never. */
  @ParameterizedTest
  @CsvSource({
    "1, 100, 1",
    "0.5, 100, 1",
    "2.5, 100, 1",
    "1, 4, 1",
    "1, 1, 1",
    "1, 100, 0.8",
    "1, 100, 0.01",
    "0.7, 6, 0.9",
    "3, 5, 0.5"
  })
  void drawsFromTheDistribution(double temperature, int topK, double topP) {
    Sampling sampling = Sampling.temperature(temperature).topK(topK).topP(topP);
    int draws = 20_000;
    for (int seed = 0; seed < 5; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      float[] logits = new float[12];
      for (int i = 0; i < logits.length; i++) {
        logits[i] = i == 5 ? NEVER : (float) random.nextDouble(-2, 2);
      }
      float[] before = logits.clone();
      int[] counts = new int[logits.length];
      SavableRandom generator = new SavableRandom(seed);
      for (int i = 0; i < draws; i++) {
        counts[sampling.draw(logits, generator)]++;
      }
      assertArrayEquals(before, logits);
      double[] expected = distribution(sampling, logits);
      double chiSquare = 0;
      int classes = 0;
      for (int i = 0; i < counts.length; i++) {
        if (expected[i] == 0) {
          assertEquals(0, counts[i], "symbol " + i + " cannot be drawn");
        } else {
          double difference = counts[i] - draws * expected[i];
          chiSquare += difference * difference / (draws * expected[i]);
          classes++;
        }
      }
      // The 0.999 quantile of chi-square with k degrees is below k + 4.4 sqrt(k) + 7.
      int degrees = classes - 1;
      double most = degrees + 4.4 * Math.sqrt(degrees) + 7;
      assertTrue(chiSquare <= (degrees == 0 ? 0 : most), chiSquare + " of " + degrees);
    }
  }

  @Test
  void takesTheUnitIntervalInTheOrderOfTheSymbols() {
    float[] logits = {NEVER, 0, (float) Math.log(3)};

    assertEquals(1, Sampling.temperature(1).draw(logits, 0));
    assertEquals(1, Sampling.temperature(1).draw(logits, 0.24));
    assertEquals(2, Sampling.temperature(1).draw(logits, 0.26));
    assertEquals(2, Sampling.temperature(1).draw(logits, Math.nextDown(1.0)));
    assertEquals(2, Sampling.GREEDY.draw(logits, 0));
    assertEquals(1, Sampling.temperature(0.5).draw(logits, 0.09), "colder: 1 : 9");
    assertEquals(2, Sampling.temperature(0.5).draw(logits, 0.11));
  }

  @Test
  void equalsAreTakenInTheOrderOfTheirNumbers() {
    float[] logits = {0, 1, -0f, 1, 1, 0};
    assertEquals(1, Sampling.GREEDY.draw(logits, 0.99));
    assertEquals(3, Sampling.temperature(1).topK(2).draw(logits, 0.99));
    assertEquals(2, Sampling.temperature(1).topK(5).draw(logits, 4.2 / (2 + 3 * Math.E)));
    assertEquals(4, Sampling.temperature(1).topK(5).draw(logits, 0.999));
  }

  /** A generator goes on from the same place, whatever is drawn. */
  @Test
  void takesOneNumberForEachSymbol() {
    float[] logits = {0, 1};
    for (Sampling sampling : new Sampling[] {Sampling.GREEDY, Sampling.temperature(1).topK(1)}) {
      SavableRandom random = new SavableRandom(3);
      SavableRandom same = new SavableRandom(3);
      sampling.draw(logits, random);
      same.nextDouble();
      assertEquals(same.state(), random.state());
    }
  }

  @Test
  void aSequenceTakesTheRoomItNeedsAndOneRowOfEachStep() {
    StepFunction ending = (parents, symbols) -> new float[parents.length][2];
    int[] starts = {1, 1};
    var found = Sampling.GREEDY.draw(ending, starts, 0, Integer.MAX_VALUE, new Random(1));
    assertArrayEquals(new int[2][0], found.toArray());
    var negative =
        assertThrows(
            IllegalArgumentException.class,
            () -> Sampling.GREEDY.draw(ending, starts, 0, -1, new Random(1)));
    assertEquals("most is -1, must be 0 or more", negative.getMessage());
    var few =
        assertThrows(
            IllegalArgumentException.class,
            () -> Sampling.GREEDY.draw((p, s) -> new float[1][2], starts, 0, 3, new Random(1)));
    assertEquals("the step function returned 1 rows of logits for 2", few.getMessage());
  }

  @Test
  void refusesLogitsThatMeanNothing() {
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      for (int at = 0; at < 3; at++) {
        float[] logits = {0, 1, 2};
        logits[at] = wrong;
        assertEquals(
            "the model predicts nothing: a logit is " + wrong + ", its weights are too large",
            assertThrows(ArithmeticException.class, () -> Sampling.GREEDY.draw(logits, 0.5))
                .getMessage());
      }
    }
    float[] none = new float[3];
    Arrays.fill(none, NEVER);
    assertEquals(
        "no symbol can be drawn: all are forbidden",
        assertThrows(ArithmeticException.class, () -> Sampling.GREEDY.draw(none, 0.5))
            .getMessage());
  }

  @ParameterizedTest
  @CsvSource({
    "-0.5, 1, 1, 'temperature is -0.5, must be finite and 0 or more'",
    "NaN, 1, 1, 'temperature is NaN, must be finite and 0 or more'",
    "1, 0, 1, 'topK is 0, must be 1 or more'",
    "1, 1, 0, 'topP is 0.0, must be above 0 and at most 1'",
    "1, 1, 1.5, 'topP is 1.5, must be above 0 and at most 1'",
    "1, 1, NaN, 'topP is NaN, must be above 0 and at most 1'"
  })
  void refusesBadNumbers(double temperature, int topK, double topP, String message) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> new Sampling(temperature, topK, topP))
            .getMessage());
  }
}
