package io.github.cudnn4j.tape;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.proof.Numbers;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class InitTest {

  private static final int ROWS = 60;
  private static final int COLUMNS = 90;

  private static double[] draw(Init init, int... shape) {
    return init.draw(new SplittableRandom(5), shape);
  }

  @Test
  void drawsWithTheDeviationThatItsNameStandsFor() {
    assertDeviation(0.25 / Math.sqrt(3), Init.uniform(0.25));
    assertDeviation(0.25, Init.normal(0.25));
    assertDeviation(Math.sqrt(2.0 / 150), Init.xavierUniform());
    assertDeviation(Math.sqrt(2.0 / 150), Init.xavierNormal());
    assertDeviation(Math.sqrt(2.0 / 90), Init.kaimingUniform());
    assertDeviation(Math.sqrt(2.0 / 90), Init.kaimingNormal());
    assertDeviation(0.5, Init.normal(0.25).times(2));
    assertArrayEquals(new double[] {3, 3, 3}, draw(Init.constant(3), 3));
    assertArrayEquals(new double[] {0, 0}, draw(Init.zeros(), 1, 2));
  }

  private static void assertDeviation(double expected, Init init) {
    double[] values = draw(init, ROWS, COLUMNS);
    assertEquals(ROWS * COLUMNS, values.length);
    double mean = Arrays.stream(values).average().orElseThrow();
    double square = Arrays.stream(values).map(v -> v * v).average().orElseThrow();
    assertEquals(0, mean / expected, 0.05);
    assertEquals(1, Math.sqrt(square) / expected, 0.03);
  }

  @Test
  void boundsWhatIsUniform() {
    assertBound(0.25, Init.uniform(0.25));
    assertBound(Math.sqrt(6.0 / 150), Init.xavierUniform());
    assertBound(Math.sqrt(6.0 / 90), Init.kaimingUniform());
  }

  private static void assertBound(double bound, Init init) {
    double most = Arrays.stream(draw(init, ROWS, COLUMNS)).map(Math::abs).max().orElseThrow();
    assertTrue(most <= bound && most > 0.99 * bound, most + " of " + bound);
  }

  @Test
  void theShorterSideOfAnOrthogonalMatrixIsOrthonormal() {
    double[] wide = draw(Init.orthogonal(), 3, 5);
    double[] high = draw(Init.orthogonal(), 5, 3);
    for (int i = 0; i < 3; i++) {
      for (int j = 0; j < 3; j++) {
        double rows = 0;
        double columns = 0;
        for (int k = 0; k < 5; k++) {
          rows += wide[i * 5 + k] * wide[j * 5 + k];
          columns += high[k * 3 + i] * high[k * 3 + j];
        }
        assertEquals(i == j ? 1 : 0, rows, 1e-12);
        assertEquals(i == j ? 1 : 0, columns, 1e-12);
      }
    }
  }

  @Test
  void refusesNumbersAndShapesThatItCannotDraw() {
    refuses("bound 0.0, must be above 0 and finite", () -> Init.uniform(0));
    refuses("deviation NaN, must be above 0 and finite", () -> Init.normal(Double.NaN));
    refuses("constant Infinity, must be finite", () -> Init.constant(Double.POSITIVE_INFINITY));
    String noFans = "a tensor of [3] has no fans; only a matrix has";
    refuses(noFans, () -> draw(Init.xavierUniform(), 3));
    refuses(noFans, () -> draw(Init.kaimingNormal(), 3));
    refuses(noFans, () -> draw(Init.orthogonal(), 3));
  }

  /** Each layer as in PyTorch; the same values in all precisions, rounded. */
  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64", "FP16", "BF16"})
  void layersBeginAsInPyTorch(Precision precision) {
    try (var device = Device.open();
        var p = Parameters.on(device, precision);
        var rnn = Rnn.create(device, RnnConfig.lstm(3, 4).precision(precision))) {
      p.embedding("embed", 5, 3);
      p.rnn("rnn", RnnConfig.lstm(3, 4));
      p.linear("head", 4, 2);
      p.layerNorm("norm", 2);
      p.initialize(7);
      var random = new SplittableRandom(7);
      assertDrawn(p, "embed.weight", Init.normal(1).draw(random, 5, 3));
      rnn.initialize(random.nextLong());
      for (RnnParameter parameter : rnn.weights().parameters()) {
        double[] expected = new double[(int) parameter.elements()];
        parameter.copyTo(expected);
        double[] found = p.read("rnn." + parameter.name());
        assertArrayEquals(expected, Numbers.round(p.type(), found), parameter.name());
      }
      assertDrawn(p, "head.weight", Init.uniform(0.5).draw(random, 2, 4));
      assertDrawn(p, "head.bias", Init.uniform(0.5).draw(random, 2));
      assertDrawn(p, "norm.weight", new double[] {1, 1});
      assertDrawn(p, "norm.bias", new double[] {0, 0});
    }
  }

  /** Weights of 16 bits are read from their masters, which have 32. */
  private static void assertDrawn(Parameters p, String name, double[] expected) {
    double[] masters = Numbers.round(p.masters().type(), expected);
    assertArrayEquals(masters, p.read(name), name);
    double[] weights = Numbers.read(p.parameter(name).tensor().value());
    assertArrayEquals(Numbers.round(p.type(), masters), weights, name);
  }

  @Test
  void theLatestRuleForATensorHolds() {
    try (var device = Device.open();
        var p = Parameters.on(device, Precision.FP64)) {
      p.init("*", Init.constant(1)).init("*.weight_hh*", Init.orthogonal());
      p.init("head.b?as", Init.constant(2));
      p.rnn("rnn", RnnConfig.gru(3, 4));
      p.linear("head", 4, 2);
      p.initialize(1);
      assertArrayEquals(new double[] {1, 1, 1, 1, 1, 1, 1, 1}, p.read("head.weight"));
      assertArrayEquals(new double[] {2, 2}, p.read("head.bias"));
      double[] gates = p.read("rnn.weight_hh_l0");
      for (int gate = 0; gate < 3; gate++) {
        double length = 0;
        for (int column = 0; column < 4; column++) {
          length += Math.pow(gates[16 * gate + column], 2);
        }
        assertEquals(1, length, 1e-12, "the first row of gate " + gate);
      }
      assertFalse(Arrays.equals(gates, 0, 16, gates, 16, 32), "gates have the same matrix");
      p.init("head.bias", Init.constant(3)).initialize(1);
      assertArrayEquals(new double[] {3, 3}, p.read("head.bias"));
      assertArrayEquals(gates, p.read("rnn.weight_hh_l0"));
      refuses(
          "no tensor tail among [rnn.weight_ih_l0, rnn.weight_hh_l0, rnn.bias_ih_l0,"
              + " rnn.bias_hh_l0, head.weight, head.bias]",
          () -> p.init("tail", Init.zeros()));
    }
  }

  @Test
  void aRuleThatCannotBeFollowedLeavesNoMemory() {
    try (var device = Device.open();
        var p = Parameters.on(device, Precision.FP32)) {
      p.tensor("a", (random, shape) -> new double[2], 3);
      refuses("2 values drawn for a, which has 3", () -> p.initialize(1));
      assertThrows(IllegalStateException.class, p::weights);
      p.init("b", Init.zeros());
      refuses("no tensor b among [a]", () -> p.initialize(1));
      p.tensor("b", Init.constant(1), 2);
      p.init("a", Init.constant(2)).initialize(1);
      assertArrayEquals(new double[] {2, 2, 2}, p.read("a"));
      assertArrayEquals(new double[2], p.read("b"));
    }
  }
}
