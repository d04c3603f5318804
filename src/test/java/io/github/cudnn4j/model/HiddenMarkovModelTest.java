package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.tape.CountedLabels;
import org.junit.jupiter.api.Test;

class HiddenMarkovModelTest {

  @Test
  void countsOneMoreOfEach() {
    var model = new HiddenMarkovModel(2, 3);
    model.add(new int[] {0, 1, 1}, new int[] {2, 0, 0});
    model.add(new int[] {0}, new int[] {1});
    // 0 was followed by 1 and by the end; 1 by 1 and by the end.
    assertArrayEquals(logs(1 / 5., 2 / 5.), model.transitions()[0], 1e-12);
    assertArrayEquals(logs(1 / 5., 2 / 5.), model.transitions()[1], 1e-12);
    assertArrayEquals(logs(3 / 5., 1 / 5.), model.start(), 1e-12);
    assertArrayEquals(logs(2 / 5., 2 / 5.), model.end(), 1e-12);
    double[][] emissions = model.emissions(2, 0);
    assertArrayEquals(logs(2 / 5., 1 / 5.), emissions[0], 1e-12);
    assertArrayEquals(logs(1 / 5., 3 / 5.), emissions[1], 1e-12);
    double[][] ofNetwork = model.emissions(new double[][] {logs(0.9, 0.1)});
    assertArrayEquals(logs(1.8, 0.2), ofNetwork[0], 1e-12);
  }

  @Test
  void findsTheLabelsThatItHasSeen() {
    var model = new HiddenMarkovModel(2, 4);
    for (int i = 0; i < 20; i++) {
      model.add(new int[] {0, 1, 1, 0}, new int[] {0, 2, 3, 1});
    }
    var any = CountedLabels.atMost(Integer.MAX_VALUE, Integer.MAX_VALUE);
    assertArrayEquals(
        new int[] {0, 1, 1, 0},
        any.bestPath(model.emissions(0, 3, 2, 1), model.transitions(), model.start(), model.end()));
  }

  @Test
  void refusesWhatCannotBe() {
    var model = new HiddenMarkovModel(2, 3);
    assertEquals(
        "2 labels of 1 symbols", refused(() -> model.add(new int[] {0, 1}, new int[] {0})));
    assertEquals(
        "label 2, must be from 0 to 1", refused(() -> model.add(new int[] {2}, new int[] {0})));
    assertEquals("symbol -1, must be from 0 to 2", refused(() -> model.emissions(-1)));
    assertEquals(
        "row 0 has 1 numbers for 2 labels", refused(() -> model.emissions(new double[][] {{0}})));
    assertEquals(
        "0 labels and 3 symbols, both must be positive",
        refused(() -> new HiddenMarkovModel(0, 3)));
    assertEquals(
        "2147483647 labels and 1 symbols make 4611686020574871551 counts, must be at most"
            + " 2147483647",
        refused(() -> new HiddenMarkovModel(Integer.MAX_VALUE, 1)));
    assertEquals(
        "2 labels and 2147483647 symbols make 4294967303 counts, must be at most 2147483647",
        refused(() -> new HiddenMarkovModel(2, Integer.MAX_VALUE)));
  }

  private static String refused(Runnable call) {
    return assertThrows(IllegalArgumentException.class, call::run).getMessage();
  }

  private static double[] logs(double... probabilities) {
    return java.util.Arrays.stream(probabilities).map(Math::log).toArray();
  }
}
