package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Language models of all units, with and without tied vectors. */
class LanguageModelTest {

  private static final LanguageModelConfig CONFIG =
      LanguageModelConfig.of(RnnConfig.lstm(16, 16)).seed(3);
  private static final String SONG = "The cat sat on a mat,\nit's now on (me).\n".repeat(60);

  private static Corpus corpus(Units units, int most) throws IOException {
    Text text =
        units == Units.BYTES ? Text.of(SONG.getBytes(StandardCharsets.UTF_8)) : Text.of(SONG);
    return Corpus.of(text, units, most, 0, 0);
  }

  @ParameterizedTest
  @EnumSource
  void learnsAndWritesTextOfAllUnits(Units units) throws IOException {
    Corpus corpus = corpus(units, 100);
    try (Device device = Device.open();
        LanguageModel model =
            LanguageModel.create(device, corpus.vocabulary(), CONFIG.tied(true))) {
      TextWindows windows = TextWindows.training(corpus.training(), 4, 20, false);
      var config = TrainerConfig.of(Optimizer.adam(0.03)).epochs(units == Units.WORDS ? 40 : 16);
      try (Trainer trainer = Trainer.of(model.parameters(), model, windows, config)) {
        trainer.run();
      }
      try (TextGenerator generator = TextGenerator.of(model)) {
        String rest = " mat,\nit's now on";
        int length = units.split(rest).size();
        assertEquals(
            "The cat sat on a" + rest,
            generator.generate("The cat sat on a", length, Sampling.GREEDY, 1));
        assertThrows(
            IllegalArgumentException.class, () -> generator.generate("", 1, Sampling.GREEDY, 1));
        if (units == Units.WORDS) {
          assertEquals(
              "The cat sat on a mat,",
              generator.generate("The cat sat on a ", 2, Sampling.GREEDY, 1));
          assertEquals(
              "the prefix is empty, at least one word is needed",
              assertThrows(
                      IllegalArgumentException.class,
                      () -> generator.generate(" ", 1, Sampling.GREEDY, 1))
                  .getMessage());
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void comesBackFromItsConfigurationAsJson(Units units) throws IOException {
    Vocabulary vocabulary = corpus(units, 7).vocabulary();
    try (Device device = Device.open();
        LanguageModel model = LanguageModel.create(device, vocabulary, CONFIG.tied(true));
        LanguageModel twin = LanguageModel.of(device, parse(Json.write(model.configuration())))) {
      assertEquals(model.config(), twin.config());
      assertEquals(units, twin.vocabulary().units());
      assertEquals(vocabulary.symbols(), twin.vocabulary().symbols());
    }
  }

  @SuppressWarnings("unchecked")
  private static Map<String, Object> parse(String text) throws IOException {
    return (Map<String, Object>) Json.parse(text);
  }

  /** As models of characters wrote it before there were others. */
  @Test
  void readsAConfigurationThatKnowsOnlyCharacters() throws IOException {
    Map<String, Object> old =
        parse(
            "{\"cell\":\"gru\",\"hiddenSize\":8,\"projectionSize\":8,\"layers\":1,"
                + "\"embeddingSize\":4,\"inputSkipped\":false,\"dropout\":0.0,\"seed\":1,"
                + "\"precision\":\"fp32\",\"algorithm\":\"standard\","
                + "\"characters\":[\" \",\"a\",\"b\"]}");
    try (Device device = Device.open();
        LanguageModel model = LanguageModel.of(device, old)) {
      assertEquals(
          LanguageModelConfig.of(RnnConfig.gru(4, 8).dropout(0, 1)).seed(1), model.config());
      assertFalse(model.config().tied());
      assertArrayEquals(new int[] {2, 1, 3}, model.vocabulary().encode("a b"));
    }
  }

  @Test
  void readsAConfigurationOfSymbolsThatWereFedOneHot() throws IOException {
    Map<String, Object> old =
        parse(
            "{\"cell\":\"lstm\",\"hiddenSize\":8,\"projectionSize\":4,\"layers\":2,"
                + "\"embeddingSize\":0,\"inputSkipped\":false,\"cellClip\":2.5,\"dropout\":0.5,"
                + "\"forgetBias\":1.0,\"seed\":9,\"precision\":\"fp32\",\"algorithm\":\"auto\","
                + "\"characters\":[\"a\",\"b\"]}");
    RnnConfig lstm = RnnConfig.lstm(3, 8).layers(2).projection(4).dropout(0.5, 9);
    assertEquals(
        LanguageModelConfig.of(lstm.clip(-2.5, 2.5).autoAlgorithm())
            .oneHot(true)
            .forgetBias(1.0)
            .seed(9),
        LanguageModelConfig.ofMap(old));
  }

  /** The gradient of vectors that are tied is the sum of what the two get that are not. */
  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64"})
  void tiedVectorsGetTheGradientsOfBothUses(Precision precision) {
    Vocabulary vocabulary = Vocabulary.of("abcdef");
    LanguageModelConfig config = CONFIG.network(CONFIG.network().precision(precision));
    try (Device device = Device.open();
        LanguageModel tied = LanguageModel.create(device, vocabulary, config.tied(true));
        LanguageModel free = LanguageModel.create(device, vocabulary, config)) {
      assertEquals(
          free.parameters().elements() - 7 * 16, tied.parameters().elements(), "one matrix less");
      for (String name : free.parameters().names()) {
        String from = name.equals("linear.weight") ? "embedding.weight" : name;
        free.parameters().write(name, tied.parameters().read(from));
      }
      differentiate(tied);
      differentiate(free);
      double[] expected = free.parameters().readGradient("embedding.weight");
      double[] other = free.parameters().readGradient("linear.weight");
      assertTrue(Arrays.stream(other).anyMatch(value -> value != 0));
      Arrays.setAll(expected, i -> expected[i] + other[i]);
      assertArrayEquals(
          expected,
          tied.parameters().readGradient("embedding.weight"),
          precision == Precision.FP64 ? 1e-12 : 1e-5);
    }
  }

  private static void differentiate(LanguageModel model) {
    try (Tape tape = Tape.training(model.device(), model.precision())) {
      Indices tokens = tape.indices(4, 2);
      Indices labels = tape.indices(4, 2);
      tokens.buffer().copyFrom(new int[] {1, 2, 3, 4, 5, 6, 1, 3});
      labels.buffer().copyFrom(new int[] {3, 4, 5, 6, 1, 3, 2, 2});
      Tensor logits = model.logits(tape, tokens);
      tape.crossEntropy(logits, labels);
      tape.forward();
      tape.backward();
    }
  }

  @Test
  void refusesWhatDoesNotFitTogether() {
    RnnConfig gru = RnnConfig.gru(8, 16);
    assertRefused(
        "tied vectors are as wide as the network's output, 16, but its inputSize is 8",
        () -> LanguageModelConfig.of(gru).tied(true));
    assertRefused(
        "symbols that are fed one-hot have no vectors to be tied",
        () -> CONFIG.tied(true).oneHot(true));
    assertRefused(
        "a backward direction would have read the symbol that is to be predicted",
        () -> CONFIG.network(gru.bidirectional()));
    assertRefused(
        "forgetBias is 1.0 for a cell of kind GRU, must be finite, and the cell an LSTM",
        () -> LanguageModelConfig.of(gru).forgetBias(1.0));
    assertRefused(
        "forgetBias is Infinity for a cell of kind LSTM, must be finite, and the cell an LSTM",
        () -> CONFIG.forgetBias(Double.POSITIVE_INFINITY));
    assertTrue(CONFIG.tied(true).tied());
    try (Device device = Device.open()) {
      assertRefused(
          "one-hot symbols are as wide as the vocabulary, 3, but inputSize is 16",
          () -> LanguageModel.create(device, Vocabulary.of("ab"), CONFIG.oneHot(true)));
    }
  }

  private static void assertRefused(String message, Executable refused) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, refused).getMessage());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aConfigurationIsReadAsItWasWritten(boolean oneHot) {
    Vocabulary vocabulary = Vocabulary.of("abc");
    RnnConfig lstm = RnnConfig.lstm(4, 6).layers(2).projection(4).clip(-2, 3).dropout(0.2, 5);
    LanguageModelConfig config =
        LanguageModelConfig.of(lstm).oneHot(oneHot).tied(!oneHot).forgetBias(1.0).seed(7);
    try (Device device = Device.open();
        LanguageModel model = LanguageModel.create(device, vocabulary, config)) {
      assertEquals(config, LanguageModelConfig.ofMap(model.configuration()));
    }
  }
}
