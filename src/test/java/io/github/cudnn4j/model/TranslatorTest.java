package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Feed;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.AttentionKind;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.train.Evaluator;
import io.github.cudnn4j.train.Metric;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.NullSource;

class TranslatorTest {

  private static Device device;

  /** Learns to write words of a to f backwards. */
  private static Translator reversing;

  @BeforeAll
  static void learn() throws IOException {
    device = Device.open();
    var letters = Vocabulary.of("abcdef");
    reversing =
        Translator.create(device, letters, letters, RnnConfig.gru(16, 24).bidirectional(), 1);
    var batches = reversing.batches(32, 6, 6);
    var config =
        TrainerConfig.of(Optimizer.adam(1e-2)).clip(Clip.byNorm(1)).epochs(12).logEvery(1000);
    try (var trainer =
        Trainer.of(
            reversing.parameters(), reversing, batches.over(pairs(600, 1)).shuffled(1), config)) {
      trainer.run();
    }
  }

  @AfterAll
  static void close() {
    reversing.close();
    device.close();
  }

  private static List<Pair> pairs(int count, long seed) {
    var random = new SplittableRandom(seed);
    var pairs = new ArrayList<Pair>();
    for (int i = 0; i < count; i++) {
      var word = new StringBuilder();
      random.ints(random.nextInt(7), 'a', 'g').forEach(word::appendCodePoint);
      pairs.add(new Pair(word.toString(), new StringBuilder(word).reverse().toString()));
    }
    return pairs;
  }

  private static double right(List<Pair> pairs, int width) {
    List<String> found = reversing.translate(pairs.stream().map(Pair::source).toList(), width, 8);
    double right = 0;
    for (int i = 0; i < pairs.size(); i++) {
      right += found.get(i).equals(pairs.get(i).target()) ? 1 : 0;
    }
    return right / pairs.size();
  }

  @Test
  void learnsToReverseWords() throws IOException {
    var held = pairs(70, 2);
    double greedy = right(held, 1);
    assertTrue(greedy > 0.9, "right words: " + greedy);
    var source = reversing.batches(32, 6, 6).over(held);
    try (var evaluator =
        Evaluator.create(
            reversing.parameters(),
            reversing,
            source,
            reversing.metrics().toArray(Metric[]::new))) {
      var result = evaluator.evaluate();
      assertEquals(greedy, result.metrics().get("exactMatch"), "the last batch is incomplete");
      assertEquals(result, evaluator.evaluate());
    }
  }

  @Test
  void drawsTranslations() {
    var words = pairs(40, 4).stream().map(Pair::source).toList();
    var likeliest = reversing.translate(words, 1, 6);
    assertEquals(likeliest, reversing.translate(words, Sampling.GREEDY, 6, new Random(1)));
    var hot = Sampling.temperature(3);
    var drawn = reversing.translate(words, hot, 6, new Random(1));
    assertNotEquals(likeliest, drawn);
    assertEquals(drawn, reversing.translate(words, hot, 6, new Random(1)));
  }

  @Test
  void attentionOfReversingGoesBackwards() {
    int steps = 0;
    int backwards = 0;
    for (Pair pair : pairs(70, 2)) {
      int length = pair.source().length();
      double[][] weights = reversing.attention(pair.source(), pair.target());
      assertEquals(length + 1, weights.length);
      for (int t = 0; t < length; t++) {
        double sum = 0;
        int most = 0;
        for (int s = 0; s < weights[t].length; s++) {
          sum += weights[t][s];
          most = weights[t][s] > weights[t][most] ? s : most;
        }
        assertEquals(1, sum, 1e-5);
        steps++;
        backwards += most == length - 1 - t ? 1 : 0;
      }
    }
    assertTrue(backwards > 0.9 * steps, backwards + " of " + steps);
  }

  @Test
  void writesWhatAConstraintAllows() {
    var texts = List.of("abc", "fed");
    var symbols = reversing.target();
    Constraint noC = Constraint.forbid(symbols.id("c"));
    for (String text : reversing.translate(texts, 3, 8, noC)) {
      assertFalse(text.contains("c"), text);
    }
    assertEquals(List.of("cba", "def"), reversing.translate(texts, 3, 8, Constraint.NONE));
    Constraint notTheEnd = Constraint.forbid(symbols.size());
    reversing
        .translate(texts, 1, 8, notTheEnd)
        .forEach(text -> assertEquals(8, text.length(), text));
    Constraint nothing = (_, logits) -> Arrays.fill(logits, Float.NEGATIVE_INFINITY);
    assertEquals(List.of("", ""), reversing.translate(texts, 1, 8, nothing));
  }

  @Test
  void widerBeamsFindWhatIsAsLikelyOrLikelier() {
    int[][] sources =
        pairs(20, 3).stream()
            .map(pair -> reversing.sourceTokens(pair.source()))
            .toArray(int[][]::new);
    List<List<BeamSearch.Hypothesis>> before = List.of();
    for (int width : new int[] {1, 2, 5}) {
      try (var search =
          new TranslationSearch(
              reversing, sources.length, 7, BeamSearch.of(width, reversing.end(), 8))) {
        var found = search.run(sources);
        for (int i = 0; i < before.size(); i++) {
          double least = before.get(i).getFirst().logProbability() - 1e-4;
          assertTrue(found.get(i).getFirst().logProbability() >= least, "width " + width);
        }
        assertEquals(found, search.run(sources), "states of the search before are gone");
        before = found;
      }
    }
    assertEquals(List.of(), reversing.translate(List.of(), 1, 3));
    assertEquals("", reversing.translate(List.of(""), 1, 3).getFirst(), "as short as its source");
  }

  @Test
  void isMadeAgainFromItsConfigurationAndWeights(@TempDir Path folder) throws IOException {
    var file = folder.resolve("weights.safetensors");
    var writer = new SafeTensorsWriter();
    reversing.parameters().save(writer);
    writer.write(file);
    var configuration = Json.parseObject(Json.write(reversing.configuration()));
    try (var again = Model.of(device, configuration);
        var weights = SafeTensors.open(file)) {
      again.parameters().load(weights);
      assertEquals(reversing.configuration(), again.configuration());
      assertEquals(List.of("dcba"), ((Translator) again).translate(List.of("abcd"), 2, 6));
    }
  }

  private void compare(String name, RnnConfig config) throws IOException, URISyntaxException {
    Path file = Path.of(getClass().getResource("pytorch-translator.safetensors").toURI());
    var pairs =
        List.of(
            new Pair("abcde", "xyz"),
            new Pair("ca", ""),
            new Pair("", "zzxy"),
            new Pair("deed", "y"));
    try (var vectors = SafeTensors.open(file);
        var model =
            Translator.create(device, Vocabulary.of("abcde"), Vocabulary.of("xyz"), config, 0);
        var tape = Tape.training(device, Precision.FP32)) {
      String state = name + ".state.";
      model
          .parameters()
          .load(vectors, key -> key.startsWith(state) ? key.substring(state.length()) : null);
      var batches = model.batches(5, 5, 4).shapes(1).over(pairs);
      try (var feed = Feed.create(device, Precision.FP32, batches.layout())) {
        var loss = model.record(tape, feed.batch(tape, 0));
        feed.start(batches.epoch(new SavableRandom(0)));
        feed.fetch(feed.next(0));
        tape.forward();
        tape.backward();
        feed.done();
        var within = Closeness.within(1e-5);
        within.check("loss", vectors.doubles(name + ".loss"), new double[] {loss.read()});
        for (String parameter : model.parameters().names()) {
          within.check(
              parameter,
              vectors.doubles(name + ".grad." + parameter),
              model.parameters().readGradient(parameter));
        }
      }
    }
  }

  @Test
  void lossAndGradientsArePyTorchs() throws IOException, URISyntaxException {
    compare("gru", RnnConfig.gru(3, 4).layers(2).bidirectional());
    compare("lstm", RnnConfig.lstm(4, 5));
  }

  /** Step by step, over what the encoder's tape has computed, as over all steps at once. */
  @ParameterizedTest
  @NullSource
  @EnumSource(AttentionKind.class)
  void findsTranslationsOfTheProbabilityThatItLearns(@Nullable AttentionKind attention)
      throws IOException {
    var letters = Vocabulary.of("abc");
    try (var model =
        Translator.create(device, letters, letters, RnnConfig.lstm(5, 6), attention, 3)) {
      var beam = BeamSearch.of(25, model.end(), 3).best(25);
      var sources = List.of("abcab", "c");
      int compared = 0;
      try (var again = Model.of(device, model.configuration());
          var search = new TranslationSearch(model, 2, 6, beam)) {
        assertEquals(model.configuration(), again.configuration());
        assertEquals(model.parameters().names(), again.parameters().names());
        var found = search.run(sources.stream().map(model::sourceTokens).toArray(int[][]::new));
        for (int i = 0; i < sources.size(); i++) {
          for (var hypothesis : found.get(i)) {
            int[] symbols = hypothesis.symbols().stream().mapToInt(symbol -> symbol).toArray();
            if (symbols.length < 3 && Arrays.stream(symbols).allMatch(symbol -> symbol > 0)) {
              var pair = new Pair(sources.get(i), letters.decode(symbols));
              var source = model.batches(1, 5, 3).over(List.of(pair));
              double loss = Evaluator.evaluate(model.parameters(), model, source).loss();
              assertEquals(-loss * (symbols.length + 1), hypothesis.logProbability(), 1e-4);
              compared++;
            }
          }
        }
      }
      assertTrue(compared >= 10, "translations: " + compared);
    }
  }

  @Test
  void hasNoWeightsToShowWithoutAttention() {
    var letters = Vocabulary.of("ab");
    try (var model = Translator.create(device, letters, letters, RnnConfig.gru(4, 5), null, 0)) {
      var e = assertThrows(IllegalStateException.class, () -> model.attention("a", "b"));
      assertEquals("the translator has no attention", e.getMessage());
      assertEquals(1, model.translate(List.of("ab"), 1, 3).size());
      for (int most : new int[] {-1, 0, Integer.MAX_VALUE}) {
        var wrong =
            assertThrows(
                IllegalArgumentException.class, () -> model.translate(List.of("ab"), 1, most));
        assertEquals("most is " + most + ", must be from 1 to 2147483646", wrong.getMessage());
      }
    }
  }

  @Test
  void refusesProjections() {
    var letters = Vocabulary.of("ab");
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                Translator.create(device, letters, letters, RnnConfig.lstm(4, 5).projection(3), 0));
    assertEquals("a translator has no projection, but there is one to 3", e.getMessage());
  }
}
