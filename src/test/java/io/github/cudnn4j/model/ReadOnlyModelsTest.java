package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.model.SequenceClassifier.Classification;
import io.github.cudnn4j.model.SequenceClassifier.Pooling;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.AttentionKind;
import io.github.cudnn4j.testing.Closeness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ready-made models answer the same once their parameters are read-only. */
class ReadOnlyModelsTest {
  private static final List<String> TEXTS = List.of("abc", "c", "bacabd", "dd");

  private final Vocabulary letters = Vocabulary.of("abcd");
  private final RnnConfig config = RnnConfig.lstm(16, 24).layers(2);
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  private static <T> void answersTheSame(Model model, Supplier<T> answer) {
    T before = answer.get();
    model.parameters().setReadOnly();
    for (int times = 0; times < 2; times++) {
      assertEquals(before, answer.get());
    }
    assertThrows(IllegalStateException.class, model.parameters()::requireWritable);
  }

  @ParameterizedTest
  @EnumSource
  void classifiers(Pooling pooling) {
    try (var model =
        SequenceClassifier.create(device, letters, List.of("x", "y"), config, pooling, 1)) {
      double[] before = probabilities(model);
      answersTheSame(
          model, () -> model.classify(TEXTS).stream().map(Classification::label).toList());
      Closeness.within(1e-5).check("probabilities", before, probabilities(model));
    }
  }

  private static double[] probabilities(SequenceClassifier model) {
    return model.classify(TEXTS).stream().mapToDouble(Classification::probability).toArray();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void taggers(boolean chained) {
    var tags = List.of("O", "B-x", "I-x");
    try (var model = SequenceTagger.create(device, letters, tags, config, chained, 1)) {
      var sentences = TEXTS.stream().map(text -> List.of(text.split(""))).toList();
      answersTheSame(model, () -> model.tag(sentences));
    }
  }

  @ParameterizedTest
  @EnumSource
  void translators(AttentionKind attention) {
    var gru = RnnConfig.gru(16, 24).bidirectional();
    try (var model = Translator.create(device, letters, letters, gru, attention, 1)) {
      answersTheSame(model, () -> model.translate(TEXTS, 3, 8));
    }
  }

  @Test
  void recognisers() {
    var random = new SplittableRandom(1);
    var recordings = new ArrayList<float[][]>();
    for (int time = 3; time < 9; time++) {
      var vectors = new float[time][16];
      for (float[] vector : vectors) {
        for (int i = 0; i < vector.length; i++) {
          vector[i] = (float) random.nextDouble(-1, 1);
        }
      }
      recordings.add(vectors);
    }
    try (var model = Recogniser.create(device, letters, config, 1)) {
      answersTheSame(model, () -> model.recognise(recordings, 3));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void languageModels(boolean tied) {
    var sizes = LanguageModelConfig.of(RnnConfig.lstm(24, 24)).tied(tied);
    try (var model = LanguageModel.create(device, letters, sizes);
        var steps = model.steps(3, 3)) {
      double[] before = logits(steps);
      model.parameters().setReadOnly();
      for (int times = 0; times < 2; times++) {
        Closeness.within(1e-5).check("logits", before, logits(steps));
      }
    }
  }

  private static double[] logits(StepRunner steps) {
    steps.reset();
    steps.advance(new int[] {0, 1, 2}, new int[] {0, 1, 2});
    float[][] logits = steps.advance(new int[] {2, 0, 1}, new int[] {3, 2, 0});
    return Arrays.stream(logits)
        .flatMapToDouble(row -> IntStream.range(0, row.length).mapToDouble(i -> row[i]))
        .toArray();
  }
}
