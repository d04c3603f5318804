package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextGeneratorTest {

  private static final LanguageModelConfig CONFIG =
      LanguageModelConfig.of(RnnConfig.gru(8, 16).layers(2).dropout(0.1, 3)).seed(3);

  @Test
  void sameSeedSameText() {
    try (Device device = Device.open();
        LanguageModel model = LanguageModel.create(device, Vocabulary.of("abcdefghij"), CONFIG);
        TextGenerator generator = TextGenerator.of(model)) {
      String text = generator.generate("abc", 40, 1, 7);

      assertEquals(43, text.length());
      assertTrue(text.startsWith("abc"), text);
      assertEquals(text, generator.generate("abc", 40, 1, 7));
      assertNotEquals(text, generator.generate("abc", 40, 1, 8));
      assertEquals("abc", generator.generate("abc", 0, 1, 7));
    }
  }

  @Test
  void aModelRebuiltFromItsConfigurationIsTheSame() {
    try (Device device = Device.open();
        LanguageModel model = LanguageModel.create(device, Vocabulary.of("abcdefghij"), CONFIG);
        LanguageModel twin = LanguageModel.of(device, model.configuration());
        TextGenerator generator = TextGenerator.of(model);
        TextGenerator twinGenerator = TextGenerator.of(twin)) {
      assertEquals(CONFIG, twin.config());
      assertEquals(generator.generate("a", 30, 1, 1), twinGenerator.generate("a", 30, 1, 1));
    }
  }

  /** PyTorch draws all but the embedding from ±1/√hidden; 16 bits are drawn in 32. */
  @Test
  void initialWeightsArePyTorchs() {
    try (Device device = Device.open();
        LanguageModel wide = create(device, Precision.FP64);
        LanguageModel single = create(device, Precision.FP32);
        LanguageModel brain = create(device, Precision.BF16)) {
      for (String name : wide.parameters().names()) {
        double[] weights = wide.parameters().read(name);
        double largest = Arrays.stream(weights).map(Math::abs).max().orElse(0);
        if (!name.equals("embedding.weight")) {
          assertTrue(largest > 0.15 && largest <= 0.25, name + " reaches " + largest);
        }
        assertTrue(
            Arrays.stream(weights).anyMatch(weight -> weight != (float) weight),
            name + " is of single precision");
        assertArrayEquals(
            single.parameters().read(name), brain.parameters().read(name), name + " of 16 bits");
      }
    }
  }

  /** A seed stands for the same weights from version to version. */
  @Test
  void aSeedGivesTheRecurrentWeightsThenTheLinearOnes() {
    Vocabulary vocabulary = Vocabulary.of("abcdefghij");
    RnnConfig network = RnnConfig.gru(vocabulary.size(), 16).layers(2).dropout(0.1, 3);
    LanguageModelConfig config = LanguageModelConfig.of(network).oneHot(true).seed(3);
    SavableRandom random = new SavableRandom(config.seed());
    double bound = 1 / Math.sqrt(network.hiddenSize());
    try (Device device = Device.open();
        LanguageModel model = LanguageModel.create(device, vocabulary, config);
        Rnn rnn = Rnn.create(device, network)) {
      rnn.initialize(random.nextLong());
      for (RnnParameter parameter : rnn.weights().parameters()) {
        double[] expected = new double[(int) parameter.elements()];
        parameter.copyTo(expected);
        assertArrayEquals(expected, model.parameters().read("rnn." + parameter.name()));
      }
      for (String name : List.of("linear.weight", "linear.bias")) {
        double[] found = model.parameters().read(name);
        for (double weight : found) {
          assertEquals((float) (bound * (2 * random.nextDouble() - 1)), weight, name);
        }
      }
    }
  }

  private static LanguageModel create(Device device, Precision precision) {
    return LanguageModel.create(
        device, Vocabulary.of("abcdefghij"), CONFIG.network(CONFIG.network().precision(precision)));
  }

  /** Without weights the bias alone makes the distribution, the same for every character. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.25, 1, 3})
  void theTemperatureDividesTheLogits(double temperature) {
    float[] logits = {Float.NEGATIVE_INFINITY, 0.5f, -1, 1, 0};
    try (Device device = Device.open();
        LanguageModel model = LanguageModel.create(device, Vocabulary.of("abcd"), CONFIG);
        TextGenerator generator = TextGenerator.of(model)) {
      model.parameters().write("linear.weight", new double[logits.length * 16]);
      model.parameters().write("linear.bias", new double[] {9, 0.5, -1, 1, 0});
      SavableRandom random = new SavableRandom(7);
      StringBuilder expected = new StringBuilder("ab");
      for (int i = 0; i < 60; i++) {
        int id = Sampling.temperature(temperature).draw(logits, random);
        expected.append(model.vocabulary().symbol(id));
      }
      assertEquals(expected.toString(), generator.generate("ab", 60, temperature, 7));
    }
  }

  @Test
  void refusesBadArguments() {
    try (Device device = Device.open();
        LanguageModel model = LanguageModel.create(device, Vocabulary.of("ab"), CONFIG);
        TextGenerator generator = TextGenerator.of(model)) {
      assertRefused("the prefix is empty, at least one character is needed", generator, "", 1, 1);
      assertRefused("length is -1, must be 0 or more", generator, "a", -1, 1);
      assertRefused("temperature is -0.5, must be finite and 0 or more", generator, "a", 1, -0.5);
      assertRefused(
          "temperature is NaN, must be finite and 0 or more", generator, "a", 1, Double.NaN);
    }
  }

  private static void assertRefused(
      String message, TextGenerator generator, String prefix, int length, double temperature) {
    assertEquals(
        message,
        assertThrows(
                IllegalArgumentException.class,
                () -> generator.generate(prefix, length, temperature, 1))
            .getMessage());
  }
}
