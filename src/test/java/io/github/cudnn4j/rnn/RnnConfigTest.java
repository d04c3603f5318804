package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.CellClip;
import io.github.cudnn4j.cudnn.DirectionMode;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RnnConfigTest {

  private static void assertRefused(String message, Executable executable) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, executable).getMessage());
  }

  @Test
  void withersChangeOneThingEach() {
    RnnConfig config =
        RnnConfig.lstm(3, 5)
            .layers(2)
            .bidirectional()
            .bias(BiasMode.SINGLE_INPUT)
            .projection(4)
            .clip(-1, 2)
            .dropout(0.25, 7)
            .precision(Precision.FP64);
    assertEquals(
        new RnnConfig(
            RnnMode.LSTM,
            3,
            5,
            4,
            2,
            DirectionMode.BIDIRECTIONAL,
            BiasMode.SINGLE_INPUT,
            false,
            new CellClip(-1, 2),
            0.25,
            7,
            Precision.FP64,
            RnnAlgorithm.STANDARD),
        config);
    assertEquals(
        "LSTM I 3 H 5 P 4 L 2 D 2 bias SINGLE_INPUT clip [-1.0, 2.0] dropout 0.25 FP64",
        config.toString());
    assertEquals(
        "GRU I 3 H 3 L 1 D 1 bias DOUBLE skip input dropout 0.0 FP32",
        RnnConfig.gru(3, 3).skipInput().toString());
  }

  @Test
  void sizesFollowFromTheConfiguration() {
    RnnConfig config = RnnConfig.gru(3, 5).layers(4).bidirectional();
    assertEquals(2, config.directions());
    assertEquals(3, config.gates());
    assertEquals(8, config.pseudoLayers());
    assertEquals(10, config.outputSize());
    assertEquals(6, RnnConfig.lstm(3, 5).projection(3).bidirectional().outputSize());
    assertFalse(config.hasCellState());
    assertTrue(RnnConfig.lstm(1, 1).hasCellState());
    assertEquals(4, RnnConfig.lstm(1, 1).gates());
    assertEquals(1, RnnConfig.tanh(1, 1).gates());
    assertEquals(RnnMode.RELU, RnnConfig.relu(1, 1).mode());
  }

  @Test
  void sizesBelowOneAreRefused() {
    assertRefused("inputSize is 0, but it must be at least 1", () -> RnnConfig.lstm(0, 1));
    assertRefused("hiddenSize is -2, but it must be at least 1", () -> RnnConfig.gru(1, -2));
    RnnConfig config = RnnConfig.tanh(1, 1);
    assertRefused("layers is 0, but it must be at least 1", () -> config.layers(0));
  }

  @Test
  void whatACellLacksIsRefused() {
    RnnConfig lstm = RnnConfig.lstm(3, 5);
    RnnConfig gru = RnnConfig.gru(3, 5);
    assertEquals(gru, gru.projection(5));
    String range = "but it must be in [1, 5], the latter being hiddenSize";
    assertRefused("projectionSize is 0, " + range, () -> lstm.projection(0));
    assertRefused("projectionSize is 6, " + range, () -> lstm.projection(6));
    assertRefused(
        "a cell of kind GRU cannot project its output, only an LSTM can", () -> gru.projection(4));
    assertRefused(
        "a cell of kind GRU has no cell state to clip, only an LSTM has", () -> gru.clip(-1, 1));
    assertRefused("the cell state cannot be clipped to [1.0, -1.0]", () -> lstm.clip(1, -1));
    assertRefused("the cell state cannot be clipped to [NaN, 1.0]", () -> lstm.clip(Double.NaN, 1));
    assertRefused(
        "skipping the input matrix needs inputSize to be hiddenSize, but they are 3 and 5",
        lstm::skipInput);
  }

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, 1.5, Double.NaN, 0.99999999999})
  void impossibleDropoutIsRefused(double probability) {
    RnnConfig config = RnnConfig.lstm(1, 1);
    assertRefused(
        "dropout is " + probability + ", but it is the probability to drop: in [0, 1)",
        () -> config.dropout(probability, 0));
  }

  @ParameterizedTest
  @EnumSource
  void everyPrecisionRunsByTheStandardAlgorithm(Precision precision) {
    RnnConfig config = RnnConfig.lstm(3, 5).projection(2).bias(BiasMode.NONE).precision(precision);
    assertEquals(precision.type(), config.type());
    assertEquals(RnnAlgorithm.STANDARD, config.algorithm());
    assertEquals(config, config.autoAlgorithm().algorithm(RnnAlgorithm.STANDARD));
    assertNull(config.autoAlgorithm().algorithm());
    assertEquals(config + " auto", config.autoAlgorithm().toString());
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "STANDARD")
  void whatAPersistentAlgorithmNeverRunsIsRefused(RnnAlgorithm algorithm) {
    RnnConfig lstm = RnnConfig.lstm(3, 5);
    assertEquals(lstm + " " + algorithm, lstm.algorithm(algorithm).toString());
    for (BiasMode bias : BiasMode.values()) {
      if (bias != BiasMode.DOUBLE) {
        assertRefused(
            "algorithm " + algorithm + " needs both biases, but the bias mode is " + bias,
            () -> lstm.bias(bias).algorithm(algorithm));
      }
    }
    assertRefused(
        "algorithm " + algorithm + " cannot project the output, only STANDARD can",
        () -> lstm.algorithm(algorithm).projection(4));
    assertRefused(
        "algorithm " + algorithm + " does not compute in FP16_MATH",
        () -> lstm.algorithm(algorithm).precision(Precision.FP16_MATH));
    RnnConfig doubles = lstm.precision(Precision.FP64);
    if (algorithm == RnnAlgorithm.PERSIST_DYNAMIC) {
      assertEquals(algorithm, doubles.algorithm(algorithm).algorithm());
    } else {
      assertRefused(
          "algorithm " + algorithm + " does not compute in FP64",
          () -> doubles.algorithm(algorithm));
    }
  }

  @Test
  void sizesThatCannotBeCountedAreRefused() {
    int most = Integer.MAX_VALUE;
    assertRefused(
        "layers is 1073741824, must be at most 1073741823 if BIDIRECTIONAL",
        () -> RnnConfig.gru(1, 1).bidirectional().layers(1 << 30));
    assertRefused(
        "1 layers of hiddenSize 2147483647 on inputSize 2147483647 may have 4.2e+19 weights, at"
            + " most 5.8e+17 can be counted",
        () -> RnnConfig.lstm(most, most));
    assertRefused(
        "1 layers of hiddenSize 2147418113 on inputSize 131070 may have 4.2e+19 weights, at most"
            + " 5.8e+17 can be counted",
        () -> RnnConfig.gru(131_070, 2_147_418_113));
    assertEquals(1 << 30, RnnConfig.lstm(1, 1).layers(1 << 30).pseudoLayers());
    int both = RnnConfig.lstm(1, 1).bidirectional().layers((1 << 30) - 1).pseudoLayers();
    assertEquals(most - 1, both);
  }
}
