package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.RecordException;
import io.github.cudnn4j.model.SequenceClassifier.Classification;
import io.github.cudnn4j.model.SequenceClassifier.Example;
import io.github.cudnn4j.model.SequenceClassifier.Pooling;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.Evaluator;
import io.github.cudnn4j.train.Metric;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import io.github.cudnn4j.train.TrainingSummary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SequenceClassifierTest {

  private static final List<String> LABELS = List.of("bad", "good");

  @TempDir private Path folder;

  /** Words between which one tells the label. */
  private static List<Example> examples(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Example> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String label = LABELS.get(random.nextInt(2));
      List<String> words = new ArrayList<>(List.of(label));
      int more = random.nextInt(12);
      IntStream.range(0, more).forEach(_ -> words.add("w" + random.nextInt(5)));
      Collections.swap(words, 0, random.nextInt(words.size()));
      examples.add(new Example(label, String.join(" ", words)));
    }
    return examples;
  }

  private static Vocabulary vocabulary(Units units) {
    return Vocabulary.mostFrequent(
        units, examples(50, 1).stream().flatMap(e -> units.split(e.text()).stream()), 40);
  }

  private static SequenceClassifier model(
      Device device, Units units, RnnConfig config, Pooling pooling) {
    return SequenceClassifier.create(device, vocabulary(units), LABELS, config, pooling, 1);
  }

  private static BatchSource source(SequenceClassifier model, List<Example> examples) {
    return model.batches(16, 100).over(examples).shuffled(1);
  }

  @ParameterizedTest
  @CsvSource({"WORDS, LAST, FP32", "WORDS, MEAN, FP16", "CHARACTERS, LAST, FP64"})
  void learnsWhichWordTellsTheLabel(Units units, Pooling pooling, Precision precision)
      throws IOException {
    RnnConfig config = RnnConfig.gru(8, 16).bidirectional().dropout(0.1, 2).precision(precision);
    try (Device device = Device.open();
        SequenceClassifier model = model(device, units, config, pooling);
        Trainer trainer =
            Trainer.of(
                model.parameters(),
                model,
                source(model, examples(320, 1)),
                TrainerConfig.of(Optimizer.adam(0.02)).epochs(4))) {
      List<Example> held = examples(64, 2);
      List<String> texts = held.stream().map(Example::text).toList();
      assertTrue(right(model.classify(texts), held) < 0.8, "knows the labels before it learns");
      trainer.validation(source(model, held), model.metrics().toArray(Metric[]::new));
      TrainingSummary summary = trainer.run();

      assertTrue(summary.metrics().get("accuracy") > 0.95, () -> "learned nothing: " + summary);
      assertEquals(summary.best(), right(model.classify(texts), held), 1e-9);
    }
  }

  private static double right(List<Classification> found, List<Example> examples) {
    long right =
        IntStream.range(0, examples.size())
            .filter(i -> found.get(i).label().equals(examples.get(i).label()))
            .count();
    return (double) right / examples.size();
  }

  @Test
  void comesBackFromACheckpoint() throws IOException {
    RnnConfig config = RnnConfig.lstm(6, 12).layers(2).projection(7).clip(-2, 3).dropout(0.2, 5);
    List<String> texts = examples(70, 3).stream().map(Example::text).toList();
    try (Device device = Device.open();
        SequenceClassifier model = model(device, Units.WORDS, config, Pooling.MEAN);
        Trainer trainer =
            Trainer.of(
                model.parameters(),
                model,
                source(model, examples(32, 1)),
                TrainerConfig.of(Optimizer.adam(0.01)))) {
      trainer.checkpoints(Checkpoints.in(folder, 1)).run();
      Checkpoint checkpoint = Checkpoints.in(folder, 1).latest().orElseThrow();
      try (Model loaded = Model.of(device, checkpoint)) {
        assertEquals(model.configuration(), loaded.configuration());
        assertEquals(model.classify(texts), ((SequenceClassifier) loaded).classify(texts));
      }
    }
  }

  @Test
  void classifiesTextsOfAnyLengthAndNumberOneByOneAsTogether() {
    try (Device device = Device.open();
        SequenceClassifier model =
            model(
                device,
                Units.WORDS,
                RnnConfig.lstm(8, 8).precision(Precision.FP64),
                Pooling.MEAN)) {
      List<String> texts = new ArrayList<>(examples(66, 4).stream().map(Example::text).toList());
      texts.add(1, "");
      texts.add("unheard of " + "w1 ".repeat(300));
      List<Classification> together = model.classify(texts);
      for (int i = 0; i < texts.size(); i += 13) {
        Classification alone = model.classify(List.of(texts.get(i))).getFirst();
        assertEquals(alone.label(), together.get(i).label());
        assertEquals(alone.probability(), together.get(i).probability(), 1e-12);
      }
      assertEquals(List.of(), model.classify(List.of()));
    }
  }

  @Test
  void refusesWhatItCannotLearnFrom() {
    try (Device device = Device.open();
        SequenceClassifier model = model(device, Units.WORDS, RnnConfig.gru(4, 4), Pooling.LAST)) {
      assertRefused(
          "record 2: label failed: java.lang.IllegalArgumentException: label so-so is none of the"
              + " model's",
          model,
          new Example("so-so", "w1"));
      assertRefused(
          "record 2: tokens has 0 steps, must have 1 to 9", model, new Example("bad", " "));
      assertEquals(
          "labels are [a], must be at least 2",
          assertThrows(
                  IllegalArgumentException.class,
                  () ->
                      SequenceClassifier.create(
                          device,
                          model.vocabulary(),
                          List.of("a"),
                          RnnConfig.gru(4, 4),
                          Pooling.LAST,
                          1))
              .getMessage());
    }
  }

  private static void assertRefused(String message, SequenceClassifier model, Example wrong) {
    List<Example> examples = List.of(new Example("good", "w1"), wrong);
    RecordException refused =
        assertThrows(
            RecordException.class,
            () -> Evaluator.loss(model.parameters(), model, model.batches(2, 9).over(examples)));
    assertEquals(message, refused.getMessage());
  }
}
