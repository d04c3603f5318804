package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Weights in and out of a network, and its first ones. */
class WeightExchangeTest {
  private static Device device;
  @TempDir private Path folder;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static double[] read(Rnn rnn, String name) {
    RnnParameter parameter = rnn.weights().parameter(name);
    double[] values = new double[Math.toIntExact(parameter.elements())];
    parameter.copyTo(values);
    return values;
  }

  private static double[] space(Rnn rnn) {
    return RnnFixture.read(rnn.weights().space());
  }

  @ParameterizedTest
  @EnumSource
  void safetensorsBringWeightsBack(Precision precision) throws IOException {
    RnnConfig config =
        RnnConfig.lstm(3, 5).projection(4).layers(2).bidirectional().precision(precision);
    Path file = folder.resolve(precision + ".safetensors");
    try (Rnn rnn = Rnn.create(device, config);
        Rnn other = Rnn.create(device, config)) {
      rnn.initialize(1);
      SafeTensorsWriter writer =
          new SafeTensorsWriter().add("head.bias", new long[] {1}, new float[1]);
      rnn.weights().save(writer, "encoder.rnn.");
      writer.write(file);
      try (SafeTensors tensors = SafeTensors.open(file)) {
        assertArrayEquals(new long[] {20, 8}, tensors.shape("encoder.rnn.weight_ih_l1_reverse"));
        assertArrayEquals(read(rnn, "weight_hh_l1"), tensors.doubles("encoder.rnn.weight_hh_l1"));
        other.weights().load(tensors, "encoder.rnn.");
      }
      assertArrayEquals(space(rnn), space(other));
    }
  }

  @Test
  void aFileThatDoesNotFitChangesNothing() throws IOException {
    Path file = folder.resolve("lstm.safetensors");
    try (Rnn rnn = Rnn.create(device, RnnConfig.lstm(3, 5).layers(2));
        Rnn shallow = Rnn.create(device, RnnConfig.lstm(3, 5));
        Rnn narrow = Rnn.create(device, RnnConfig.lstm(3, 4).layers(2));
        Rnn deep = Rnn.create(device, RnnConfig.lstm(3, 5).layers(3))) {
      SafeTensorsWriter writer = new SafeTensorsWriter();
      rnn.weights().save(writer, "");
      writer.write(file);
      try (SafeTensors tensors = SafeTensors.open(file)) {
        for (Rnn unfit : new Rnn[] {shallow, narrow, deep}) {
          unfit.initialize(2);
          double[] before = space(unfit);
          IOException e = assertThrows(IOException.class, () -> unfit.weights().load(tensors, ""));
          assertTrue(e.getMessage().contains("_l"), e::getMessage);
          assertArrayEquals(before, space(unfit));
        }
        String shape =
            assertThrows(IOException.class, () -> narrow.weights().load(tensors, "")).getMessage();
        assertEquals("weight_ih_l0 has shape [20, 3] in the file, but [16, 3] in " + narrow, shape);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void kerasAndOnnxThereAndBack(RnnMode mode) {
    RnnConfig config = RnnConfig.of(mode, 3, 4).layers(2).bidirectional().precision(Precision.FP64);
    try (Rnn rnn = Rnn.create(device, config);
        Rnn keras = Rnn.create(device, config);
        Rnn onnx = Rnn.create(device, config)) {
      rnn.initialize(1);
      for (int layer = 0; layer < 2; layer++) {
        ForeignWeights.Onnx all = ForeignWeights.onnx(rnn.weights(), layer);
        ForeignWeights.setOnnx(
            onnx.weights(), layer, onnxAttributes(mode), all.w(), all.r(), all.b());
        for (boolean reverse : new boolean[] {false, true}) {
          ForeignWeights.Keras one = ForeignWeights.keras(rnn.weights(), layer, reverse);
          ForeignWeights.setKeras(
              keras.weights(),
              layer,
              reverse,
              Map.of("activation", mode == RnnMode.RELU ? "relu" : "tanh"),
              one.kernel(),
              one.recurrentKernel(),
              one.bias());
        }
      }
      assertArrayEquals(space(rnn), space(onnx));
      assertArrayEquals(read(rnn, "weight_hh_l1_reverse"), read(keras, "weight_hh_l1_reverse"));
      double[] expected = read(rnn, "bias_ih_l1");
      if (mode == RnnMode.GRU) {
        assertArrayEquals(space(rnn), space(keras));
      } else {
        double[] onState = read(rnn, "bias_hh_l1");
        for (int i = 0; i < expected.length; i++) {
          expected[i] += onState[i];
        }
      }
      assertArrayEquals(expected, read(keras, "bias_ih_l1"));
    }
  }

  private static Map<String, ?> onnxAttributes(RnnMode mode) {
    return switch (mode) {
      case GRU -> Map.of("linear_before_reset", 1);
      case RELU -> Map.of("activations", new String[] {"Relu", "Relu"});
      default -> Map.of();
    };
  }

  @ParameterizedTest
  @EnumSource
  void layersWithoutABias(RnnMode mode) {
    RnnConfig config = RnnConfig.of(mode, 3, 4).bidirectional().precision(Precision.FP64);
    Map<String, ?> keras = Map.of("activation", mode == RnnMode.RELU ? "relu" : "tanh");
    try (Rnn rnn = Rnn.create(device, config.bias(BiasMode.NONE));
        Rnn none = Rnn.create(device, config.bias(BiasMode.NONE));
        Rnn zeros = Rnn.create(device, config)) {
      rnn.initialize(1);
      zeros.initialize(2);
      ForeignWeights.Onnx all = ForeignWeights.onnx(rnn.weights(), 0);
      assertNull(all.b());
      ForeignWeights.setOnnx(none.weights(), 0, onnxAttributes(mode), all.w(), all.r(), null);
      assertArrayEquals(space(rnn), space(none));
      for (boolean reverse : new boolean[] {false, true}) {
        ForeignWeights.Keras one = ForeignWeights.keras(rnn.weights(), 0, reverse);
        assertNull(one.bias());
        ForeignWeights.setKeras(
            zeros.weights(), 0, reverse, keras, one.kernel(), one.recurrentKernel(), null);
      }
      assertArrayEquals(read(rnn, "weight_hh_l0_reverse"), read(zeros, "weight_hh_l0_reverse"));
      assertArrayEquals(new double[read(zeros, "bias_hh_l0").length], read(zeros, "bias_hh_l0"));
      double[] bias = new double[2 * 2 * read(zeros, "bias_hh_l0").length];
      assertEquals(
          "the layer has a bias, but the network's bias mode is NONE",
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      ForeignWeights.setOnnx(
                          none.weights(), 0, onnxAttributes(mode), all.w(), all.r(), bias))
              .getMessage());
    }
  }

  @Test
  void whatTheNetworkDoesNotComputeIsRefused() {
    try (Rnn gru = Rnn.create(device, RnnConfig.gru(3, 4));
        Rnn tanh = Rnn.create(device, RnnConfig.of(RnnMode.TANH, 3, 4))) {
      double[] before = space(gru);
      ForeignWeights.Onnx all = ForeignWeights.onnx(gru.weights(), 0);
      assertThrows(
          IllegalArgumentException.class,
          () -> ForeignWeights.setOnnx(gru.weights(), 0, Map.of(), all.w(), all.r(), all.b()));
      ForeignWeights.Keras keras = ForeignWeights.keras(gru.weights(), 0, false);
      assertThrows(
          IllegalArgumentException.class,
          () ->
              ForeignWeights.setKeras(
                  gru.weights(),
                  0,
                  false,
                  Map.of("reset_after", false),
                  keras.kernel(),
                  keras.recurrentKernel(),
                  null));
      assertArrayEquals(before, space(gru));
      ForeignWeights.Onnx plain = ForeignWeights.onnx(tanh.weights(), 0);
      assertEquals(
          "the activation is relu, but the network's cell is TANH",
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      ForeignWeights.setOnnx(
                          tanh.weights(),
                          0,
                          Map.of("activations", List.of("Relu")),
                          plain.w(),
                          plain.r(),
                          plain.b()))
              .getMessage());
    }
  }

  @Test
  void unfitArraysAreRefused() {
    try (Rnn rnn = Rnn.create(device, RnnConfig.lstm(3, 4));
        Rnn projects = Rnn.create(device, RnnConfig.lstm(3, 4).projection(2));
        Rnn single = Rnn.create(device, RnnConfig.lstm(3, 4).bias(BiasMode.SINGLE_INPUT))) {
      assertThrows(
          IllegalArgumentException.class, () -> ForeignWeights.onnx(projects.weights(), 0));
      assertEquals(
          "R has 63 elements, but it must have 64",
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      ForeignWeights.setOnnx(
                          rnn.weights(),
                          0,
                          Map.of(),
                          new double[48],
                          new double[63],
                          new double[32]))
              .getMessage());
      assertEquals(
          "Keras and ONNX have two biases or none, but the bias mode is SINGLE_INPUT",
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      ForeignWeights.setOnnx(
                          single.weights(),
                          0,
                          Map.of(),
                          new double[48],
                          new double[64],
                          new double[32]))
              .getMessage());
    }
  }

  @Test
  void xavierStaysInItsBoundsAndRepeats() {
    try (Rnn rnn = Rnn.create(device, RnnConfig.gru(8, 16));
        Rnn again = Rnn.create(device, RnnConfig.gru(8, 16))) {
      again.initialize(3);
      RnnInitializer.xavier(rnn, 1);
      RnnInitializer.xavier(again, 1);
      assertArrayEquals(space(rnn), space(again));
      double sum = 0;
      double bound = Math.sqrt(6.0 / (8 + 16));
      double[] values = read(rnn, "weight_ih_l0");
      for (double value : values) {
        assertTrue(Math.abs(value) <= bound);
        sum += value * value;
      }
      assertEquals(bound * bound / 3, sum / values.length, bound * bound / 12);
      assertArrayEquals(new double[48], read(rnn, "bias_hh_l0"));
      double length = Arrays.stream(read(rnn, "weight_hh_l0")).limit(16).map(v -> v * v).sum();
      assertNotEquals(
          1, length, 1e-3, "a row of the state's matrix is as long as an orthogonal one");
    }
  }

  @Test
  void orthogonalMatricesAre() {
    for (int[] size : new int[][] {{1, 1}, {7, 7}, {4, 9}, {9, 4}, {40, 40}}) {
      double[] matrix = RnnInitializer.orthogonal(new SplittableRandom(1), size[0], size[1]);
      assertOrthonormal(matrix, size[0], size[1], 1e-13);
    }
    try (Rnn rnn = Rnn.create(device, RnnConfig.lstm(3, 6).layers(2).precision(Precision.FP64))) {
      RnnInitializer.orthogonal(rnn, 5);
      for (int id = 4; id < 8; id++) {
        assertOrthonormal(RnnFixture.read(rnn.weights().matrix(1, id)), 6, 6, 1e-13);
      }
    }
  }

  private static void assertOrthonormal(double[] matrix, int rows, int columns, double bound) {
    boolean wide = rows <= columns;
    int count = Math.min(rows, columns);
    for (int a = 0; a < count; a++) {
      for (int b = 0; b <= a; b++) {
        double sum = 0;
        for (int i = 0; i < Math.max(rows, columns); i++) {
          sum +=
              wide
                  ? matrix[a * columns + i] * matrix[b * columns + i]
                  : matrix[i * columns + a] * matrix[i * columns + b];
        }
        assertEquals(a == b ? 1 : 0, sum, bound);
      }
    }
  }

  @Test
  void theForgetGateGetsItsBias() {
    for (BiasMode mode : BiasMode.values()) {
      try (Rnn rnn = Rnn.create(device, RnnConfig.lstm(3, 2).bias(mode))) {
        rnn.initialize(1);
        if (mode == BiasMode.NONE) {
          assertThrows(IllegalArgumentException.class, () -> RnnInitializer.forgetBias(rnn, 1));
          continue;
        }
        RnnInitializer.forgetBias(rnn, 1.5);
        double sum = 0;
        for (RnnParameter parameter : rnn.weights().parameters()) {
          if (parameter.name().startsWith("bias")) {
            sum += RnnFixture.read(parameter.slices().get(1))[1];
          }
        }
        assertEquals(1.5, sum);
      }
    }
    try (Rnn gru = Rnn.create(device, RnnConfig.gru(3, 2))) {
      assertEquals(
          "a cell of kind GRU has no forget gate; only an LSTM has",
          assertThrows(IllegalArgumentException.class, () -> RnnInitializer.forgetBias(gru, 1))
              .getMessage());
    }
  }
}
