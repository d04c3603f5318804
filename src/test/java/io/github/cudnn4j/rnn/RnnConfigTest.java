package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.DirectionMode;
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
            .dropout(0.25, 7)
            .type(ElementType.FLOAT64);
    assertEquals(
        new RnnConfig(
            RnnMode.LSTM,
            3,
            5,
            2,
            DirectionMode.BIDIRECTIONAL,
            BiasMode.SINGLE_INPUT,
            0.25,
            7,
            ElementType.FLOAT64),
        config);
    assertEquals("LSTM I 3 H 5 L 2 D 2 bias SINGLE_INPUT dropout 0.25 FLOAT64", config.toString());
  }

  @Test
  void sizesFollowFromTheConfiguration() {
    RnnConfig config = RnnConfig.gru(3, 5).layers(4).bidirectional();
    assertEquals(2, config.directions());
    assertEquals(3, config.gates());
    assertEquals(8, config.pseudoLayers());
    assertEquals(10, config.outputSize());
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

  @ParameterizedTest
  @ValueSource(doubles = {-0.1, 1, 1.5, Double.NaN, 0.99999999999})
  void impossibleDropoutIsRefused(double probability) {
    RnnConfig config = RnnConfig.lstm(1, 1);
    assertRefused(
        "dropout is " + probability + ", but it is the probability to drop: in [0, 1)",
        () -> config.dropout(probability, 0));
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"FLOAT32", "FLOAT64"},
      mode = EnumSource.Mode.EXCLUDE)
  void otherTypesAreRefused(ElementType type) {
    RnnConfig config = RnnConfig.lstm(1, 1);
    assertRefused(
        "type is " + type + ", but a recurrent network computes in FLOAT32 or FLOAT64",
        () -> config.type(type));
  }
}
