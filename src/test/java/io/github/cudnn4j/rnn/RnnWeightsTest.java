package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.SafeTensorsWriter;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RnnWeightsTest {
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static void assertRefused(String message, Executable executable) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, executable).getMessage());
  }

  private static double[] numbered(long elements) {
    double[] values = new double[Math.toIntExact(elements)];
    Arrays.setAll(values, i -> i + 1);
    return values;
  }

  @Test
  void aProjectionIsOneMoreMatrix() {
    RnnConfig config = RnnConfig.lstm(3, 5).projection(2).layers(2).bias(BiasMode.NONE);
    try (Rnn rnn = Rnn.create(device, config)) {
      assertEquals(
          "[weight_ih_l0 [20, 3], weight_hh_l0 [20, 2], weight_hr_l0 [2, 5],"
              + " weight_ih_l1 [20, 2], weight_hh_l1 [20, 2], weight_hr_l1 [2, 5]]",
          rnn.weights().parameters().toString());
      assertEquals(20 * 3 + 3 * 20 * 2 + 2 * 2 * 5, Rnn.weightElements(device, config));
      RnnParameter projection = rnn.weights().parameter("weight_hr_l1");
      projection.copyFrom(numbered(10));
      assertArrayEquals(numbered(10), widened(rnn.weights().matrix(1, 8)));
      assertRefused("the projection has no bias", () -> rnn.weights().bias(1, 8));
    }
  }

  private static double[] widened(DeviceBuffer buffer) {
    float[] values = buffer.toFloats();
    double[] result = new double[values.length];
    Arrays.setAll(result, i -> values[i]);
    return result;
  }

  @Test
  void aSkippedInputHasNoMatrixButItsBias() {
    RnnConfig config = RnnConfig.gru(4, 4).skipInput().layers(2);
    try (Rnn rnn = Rnn.create(device, config)) {
      assertEquals(
          List.of(
              "weight_hh_l0",
              "bias_ih_l0",
              "bias_hh_l0",
              "weight_ih_l1",
              "weight_hh_l1",
              "bias_ih_l1",
              "bias_hh_l1"),
          rnn.weights().names());
      assertEquals(4, rnn.weights().bias(0, 2).elements());
      assertRefused(
          "linear layer 2 of pseudo-layer 0 has no matrix in " + config,
          () -> rnn.weights().matrix(0, 2));
    }
  }

  @Test
  void namesAndShapesArePyTorchs() {
    try (Rnn rnn = Rnn.create(device, RnnConfig.lstm(3, 5).layers(2).bidirectional())) {
      List<String> texts = rnn.weights().parameters().stream().map(Object::toString).toList();
      assertEquals(
          List.of(
              "weight_ih_l0 [20, 3]",
              "weight_hh_l0 [20, 5]",
              "bias_ih_l0 [20]",
              "bias_hh_l0 [20]",
              "weight_ih_l0_reverse [20, 3]",
              "weight_hh_l0_reverse [20, 5]",
              "bias_ih_l0_reverse [20]",
              "bias_hh_l0_reverse [20]",
              "weight_ih_l1 [20, 10]",
              "weight_hh_l1 [20, 5]",
              "bias_ih_l1 [20]",
              "bias_hh_l1 [20]",
              "weight_ih_l1_reverse [20, 10]",
              "weight_hh_l1_reverse [20, 5]",
              "bias_ih_l1_reverse [20]",
              "bias_hh_l1_reverse [20]"),
          texts);
      assertEquals(rnn.weights().names(), rnn.gradients().names());
    }
  }

  @ParameterizedTest
  @EnumSource(BiasMode.class)
  void biasesFollowTheMode(BiasMode bias) {
    try (Rnn rnn = Rnn.create(device, RnnConfig.gru(2, 3).bias(bias))) {
      List<String> expected =
          switch (bias) {
            case NONE -> List.of("weight_ih_l0", "weight_hh_l0");
            case SINGLE_INPUT -> List.of("weight_ih_l0", "weight_hh_l0", "bias_ih_l0");
            case DOUBLE -> List.of("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0");
            case SINGLE_RECURRENT -> List.of("weight_ih_l0", "weight_hh_l0", "bias_hh_l0");
          };
      assertEquals(expected, rnn.weights().names());
      if (!bias.onInput()) {
        assertRefused(
            "linear layer 0 has no bias with bias mode " + bias, () -> rnn.weights().bias(0, 0));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(RnnMode.class)
  void parametersCoverTheSpaceWithoutOverlap(RnnMode mode) {
    RnnConfig config = RnnConfig.of(mode, 3, 5).layers(2).bidirectional();
    try (Rnn rnn = Rnn.create(device, config.precision(Precision.FP64))) {
      double start = 0;
      for (RnnParameter parameter : rnn.weights().parameters()) {
        double[] values = numbered(parameter.elements());
        for (int i = 0; i < values.length; i++) {
          values[i] += start;
        }
        parameter.copyFrom(values);
        start += values.length;
      }
      double[] space = rnn.weights().space().toDoubles();
      double[] sorted = Arrays.stream(space).filter(v -> v != 0).sorted().toArray();
      assertArrayEquals(numbered((long) start), sorted);
      for (RnnParameter parameter : rnn.weights().parameters()) {
        double[] values = new double[Math.toIntExact(parameter.elements())];
        parameter.copyTo(values);
        for (int i = 1; i < values.length; i++) {
          assertEquals(values[0] + i, values[i], parameter.name());
        }
      }
    }
  }

  @Test
  void slicesAreTheGatesByNumber() {
    try (Rnn rnn = Rnn.create(device, RnnConfig.lstm(3, 5).layers(2).bidirectional())) {
      RnnParameter reverse = rnn.weights().parameter("weight_hh_l1_reverse");
      float[] values = new float[20 * 5];
      for (int i = 0; i < values.length; i++) {
        values[i] = i;
      }
      reverse.copyFrom(values);
      for (int gate = 0; gate < 4; gate++) {
        DeviceBuffer matrix = rnn.weights().matrix(3, 4 + gate);
        assertEquals(reverse.slices().get(gate).address(), matrix.address());
        assertArrayEquals(
            Arrays.copyOfRange(values, gate * 25, (gate + 1) * 25), matrix.toFloats());
      }
      assertEquals(
          rnn.weights().parameter("bias_ih_l1").slices().get(2).address(),
          rnn.weights().bias(2, 2).address());
    }
  }

  @Test
  void arraysAreConvertedToTheTypeOfTheNetwork() {
    for (Precision precision : Precision.values()) {
      try (Rnn rnn = Rnn.create(device, RnnConfig.gru(2, 3).precision(precision))) {
        RnnParameter parameter = rnn.weights().parameter("weight_ih_l0");
        double[] doubles = numbered(18);
        float[] floats = new float[18];
        parameter.copyFrom(doubles);
        parameter.copyTo(floats);
        assertEquals(18f, floats[17]);
        floats[3] = -0.5f;
        parameter.copyFrom(floats);
        parameter.copyTo(doubles);
        assertEquals(-0.5, doubles[3]);
      }
    }
  }

  @Test
  void whatDoesNotExistIsRefusedByName() {
    try (Rnn rnn = Rnn.create(device, RnnConfig.tanh(2, 3))) {
      RnnWeights weights = rnn.weights();
      assertRefused(
          "no parameter \"weight_ih_l1\" in TANH I 2 H 3 L 1 D 1 bias DOUBLE dropout 0.0 FP32;"
              + " there are weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0",
          () -> weights.parameter("weight_ih_l1"));
      assertRefused(
          "pseudoLayer is 1, but in " + rnn + " it must be in [0, 0]", () -> weights.matrix(1, 0));
      assertRefused(
          "linearLayerId is -1, but in " + rnn + " it must be in [0, 1]",
          () -> weights.bias(0, -1));
      assertRefused(
          "weight_hh_l0 [3, 3] has 9 elements, but the array has 8",
          () -> weights.parameter("weight_hh_l0").copyFrom(new float[8]));
      assertRefused(
          "bias_ih_l0 [3] has 3 elements, but the array has 4",
          () -> weights.parameter("bias_ih_l0").copyTo(new double[4]));
    }
  }

  @Test
  void initializationIsUniformAndFollowsTheSeed() {
    try (Rnn rnn = Rnn.create(device, RnnConfig.lstm(16, 64));
        Rnn twin = Rnn.create(device, RnnConfig.lstm(16, 64))) {
      rnn.initialize(42);
      twin.initialize(42);
      float[] values = rnn.weights().space().toFloats();
      assertArrayEquals(values, twin.weights().space().toFloats());
      double min = 1;
      double max = -1;
      double sum = 0;
      for (float value : values) {
        min = Math.min(min, value);
        max = Math.max(max, value);
        sum += value;
      }
      assertTrue(min >= -0.125 && min < -0.12, "min " + min);
      assertTrue(max <= 0.125 && max > 0.12, "max " + max);
      assertEquals(0, sum / values.length, 0.003);
      twin.initialize(43);
      assertTrue(!Arrays.equals(values, twin.weights().space().toFloats()));
    }
  }

  @Test
  void whatIsMissingIsNamed() {
    missing("recurrentKernel", () -> new ForeignWeights.Keras(new double[1], null, null));
    missing("w", () -> new ForeignWeights.Onnx(null, new double[1], null));
    try (var rnn = Rnn.create(device, RnnConfig.lstm(2, 3))) {
      missing("prefix", () -> rnn.weights().save(new SafeTensorsWriter(), null));
      missing("writer", () -> rnn.weights().save(null, ""));
      missing("file", () -> rnn.weights().load(null, ""));
    }
  }

  private static void missing(String name, Executable action) {
    assertEquals(name, assertThrows(NullPointerException.class, action).getMessage());
  }
}
