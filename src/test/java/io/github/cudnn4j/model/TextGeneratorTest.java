package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.train.SavableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextGeneratorTest {

  private static final CharModelConfig CONFIG =
      CharModelConfig.of(RnnMode.GRU, 16).layers(2).embedding(8).dropout(0.1).seed(3);

  @Test
  void sameSeedSameText() {
    try (Device device = Device.open();
        CharLanguageModel model =
            CharLanguageModel.create(device, Vocabulary.of("abcdefghij"), CONFIG);
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
        CharLanguageModel model =
            CharLanguageModel.create(device, Vocabulary.of("abcdefghij"), CONFIG);
        CharLanguageModel twin = CharLanguageModel.of(device, model.configuration());
        TextGenerator generator = TextGenerator.of(model);
        TextGenerator twinGenerator = TextGenerator.of(twin)) {
      assertEquals(CONFIG, twin.config());
      assertEquals(generator.generate("a", 30, 1, 1), twinGenerator.generate("a", 30, 1, 1));
    }
  }

  @Test
  void drawsFromTheSoftmaxWithoutTheUnknown() {
    float[] logits = {100, 0, (float) Math.log(3)};

    assertEquals(1, TextGenerator.draw(logits, 1, 0.24));
    assertEquals(2, TextGenerator.draw(logits, 1, 0.26));
    assertEquals(2, TextGenerator.draw(logits, 0, 0.0), "temperature 0 takes the likeliest");
    assertEquals(1, TextGenerator.draw(logits, 0.5, 0.09), "colder: 1 : 9");
    assertEquals(2, TextGenerator.draw(logits, 0.5, 0.11));
    for (float wrong : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      for (int at = 1; at < logits.length; at++) {
        float[] spoilt = logits.clone();
        spoilt[at] = wrong;
        assertTrue(
            assertThrows(ArithmeticException.class, () -> TextGenerator.draw(spoilt, 0, 0.5))
                .getMessage()
                .startsWith("the model predicts nothing: a logit is " + wrong));
      }
    }
  }

  /** Without weights the bias alone makes the distribution, the same for every character. */
  @ParameterizedTest
  @ValueSource(doubles = {0, 0.25, 1, 3})
  void theTemperatureDividesTheLogits(double temperature) {
    float[] logits = {9, 0.5f, -1, 1, 0};
    try (Device device = Device.open();
        CharLanguageModel model = CharLanguageModel.create(device, Vocabulary.of("abcd"), CONFIG);
        TextGenerator generator = TextGenerator.of(model)) {
      model.parameters().write("linear.weight", new double[logits.length * 16]);
      model.parameters().write("linear.bias", new double[] {9, 0.5, -1, 1, 0});
      SavableRandom random = new SavableRandom(7);
      StringBuilder expected = new StringBuilder("ab");
      for (int i = 0; i < 60; i++) {
        int id = TextGenerator.draw(logits, temperature, random.nextDouble());
        expected.append(model.vocabulary().character(id));
      }
      assertEquals(expected.toString(), generator.generate("ab", 60, temperature, 7));
    }
  }

  @Test
  void refusesBadArguments() {
    try (Device device = Device.open();
        CharLanguageModel model = CharLanguageModel.create(device, Vocabulary.of("ab"), CONFIG);
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
