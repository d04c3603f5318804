package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.model.SequenceTagger.Sentence;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.Metric;
import io.github.cudnn4j.train.SpanScore;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import io.github.cudnn4j.train.TrainingSummary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SequenceTaggerTest {

  private static final List<String> TAGS = List.of("B-PER", "I-PER", "O");

  @TempDir private Path folder;

  @Test
  void readsMarkedSpans() {
    assertEquals(
        new Sentence(
            List.of("In", "May", "1999", "Ann", "left."),
            List.of("O", "B-date", "I-date", "B-name", "O")),
        Sentence.marked("In <START:date> May 1999 <END> <START:name>  Ann <END> left."));
    for (String wrong :
        List.of("a <END>", "<START:x> <END> a", "<START:x> a <START:y> b <END>", "<START:x> a")) {
      assertThrows(IllegalArgumentException.class, () -> Sentence.marked(wrong), wrong);
    }
  }

  /** Two names behind a title are a person, elsewhere none. */
  private static List<Sentence> sentences(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<Sentence> sentences = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      List<String> words = new ArrayList<>();
      List<String> tags = new ArrayList<>();
      for (int part = random.nextInt(1, 5); part > 0; part--) {
        boolean person = random.nextBoolean();
        words.addAll(List.of(person ? "Dr" : "in", "name" + random.nextInt(4), "von"));
        tags.addAll(person ? List.of("O", "B-PER", "I-PER") : List.of("O", "O", "O"));
      }
      sentences.add(new Sentence(words, tags));
    }
    return sentences;
  }

  private static SequenceTagger model(Device device, boolean chained) {
    Vocabulary words =
        Vocabulary.mostFrequent(
            Units.WORDS, sentences(50, 1).stream().flatMap(s -> s.words().stream()), 50);
    return SequenceTagger.create(
        device, words, TAGS, RnnConfig.gru(8, 12).dropout(0.1, 3), chained, 1);
  }

  private static BatchSource source(SequenceTagger model, List<Sentence> sentences) {
    return model.batches(16, 40).over(sentences).shuffled(1);
  }

  private static double f1(SequenceTagger model, List<Sentence> sentences) {
    SpanScore score = SpanScore.lenient();
    List<List<String>> found = model.tag(sentences.stream().map(Sentence::words).toList());
    for (int i = 0; i < found.size(); i++) {
      score.add(sentences.get(i).tags(), found.get(i));
    }
    return score.overall().f1();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void learnsToFindSpans(boolean chained) throws IOException {
    List<Sentence> held = sentences(69, 2);
    try (Device device = Device.open();
        SequenceTagger model = model(device, chained);
        Trainer trainer =
            Trainer.of(
                model.parameters(),
                model,
                source(model, sentences(200, 1)),
                TrainerConfig.of(Optimizer.adam(0.02)).epochs(4))) {
      assertTrue(f1(model, held) < 0.8, "knows the tags before it learns");
      TrainingSummary summary =
          trainer.validation(source(model, held), model.metrics().toArray(Metric[]::new)).run();
      assertTrue(summary.metrics().get("f1") > 0.95, () -> "learned nothing: " + summary);
      assertTrue(summary.metrics().get("accuracy") > 0.95, summary::toString);
      assertEquals(summary.best(), f1(model, held), 1e-12);
    }
  }

  @Test
  void comesBackFromACheckpoint() throws IOException {
    List<List<String>> texts = List.of(List.of("Dr", "who"), List.of(), List.of("in", "von", "x"));
    try (Device device = Device.open();
        SequenceTagger model = model(device, true);
        Trainer trainer =
            Trainer.of(
                model.parameters(),
                model,
                source(model, sentences(32, 1)),
                TrainerConfig.of(Optimizer.adam(0.01)))) {
      trainer.checkpoints(Checkpoints.in(folder, 1)).run();
      Checkpoint checkpoint = Checkpoints.in(folder, 1).latest().orElseThrow();
      try (Model loaded = Model.of(device, checkpoint)) {
        assertEquals(model.configuration(), loaded.configuration());
        List<List<String>> found = ((SequenceTagger) loaded).tag(texts);
        assertEquals(model.tag(texts), found);
        assertEquals(List.of(2, 0, 3), found.stream().map(List::size).toList());
      }
    }
  }
}
