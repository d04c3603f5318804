package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.RecordException;
import io.github.cudnn4j.model.Recogniser.Recording;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.train.Evaluator;
import io.github.cudnn4j.train.Metric;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RecogniserTest {

  private static final int BANDS = 5;

  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static Recogniser recogniser() {
    var config = RnnConfig.gru(BANDS, 24).bidirectional();
    return Recogniser.create(device, Vocabulary.of("abcd"), config, 1);
  }

  /** Each symbol is 1 to 3 vectors of its own band in noise, with as much silence between. */
  private static List<Recording> recordings(int count, long seed) {
    var random = new SplittableRandom(seed);
    var recordings = new ArrayList<Recording>();
    for (int i = 0; i < count; i++) {
      var frames = new ArrayList<float[]>();
      var transcript = new StringBuilder();
      int length = random.nextInt(0, 5);
      for (int symbol = 0; symbol <= length; symbol++) {
        int band = symbol == length ? -1 : random.nextInt(4);
        add(frames, -1, random);
        if (band >= 0) {
          add(frames, band, random);
          transcript.append((char) ('a' + band));
        }
      }
      recordings.add(new Recording(frames.toArray(float[][]::new), transcript.toString()));
    }
    return recordings;
  }

  private static void add(List<float[]> frames, int band, SplittableRandom random) {
    for (int left = random.nextInt(1, 4); left > 0; left--) {
      var frame = new float[BANDS];
      for (int i = 0; i < BANDS; i++) {
        frame[i] = (float) (random.nextDouble(-0.3, 0.3) + (i == band ? 1 : 0));
      }
      frames.add(frame);
    }
  }

  @Test
  void learnsToSpell() throws IOException {
    var held = recordings(70, 2);
    var config =
        TrainerConfig.of(Optimizer.adam(1e-2)).clip(Clip.byNorm(1)).epochs(8).logEvery(1000);
    try (var model = recogniser()) {
      var batches = model.batches(32, 30, 4);
      try (var trainer =
          Trainer.of(
              model.parameters(), model, batches.over(recordings(600, 1)).shuffled(1), config)) {
        trainer.run();
      }
      var frames = held.stream().map(Recording::frames).toList();
      for (int width : new int[] {1, 4}) {
        List<String> written = model.recognise(frames, width);
        double right = 0;
        for (int i = 0; i < held.size(); i++) {
          right += written.get(i).equals(held.get(i).transcript()) ? 1 : 0;
        }
        assertTrue(right / held.size() > 0.9, "right transcripts: " + right / held.size());
        if (width == 1) {
          compareWithEvaluation(model, held, right / held.size());
        }
      }
    }
  }

  private static void compareWithEvaluation(Recogniser model, List<Recording> held, double right)
      throws IOException {
    var source = model.batches(32, 30, 4).over(held);
    Metric[] metrics = model.metrics().toArray(Metric[]::new);
    try (var evaluator = Evaluator.create(model.parameters(), model, source, metrics)) {
      var result = evaluator.evaluate();
      assertEquals(right, result.metrics().get("exactMatch"), "the last batch is incomplete");
      assertTrue(result.metrics().get("characterErrorRate") < 0.1);
    }
  }

  /** The rows that fill up the last batch change neither the loss nor the number of what counts. */
  @Test
  void incompleteBatchesHaveTheLossOfTheirRecordings() throws IOException {
    var three = recordings(3, 3);
    try (var model = recogniser()) {
      double exact = Evaluator.loss(model.parameters(), model, model.batches(3, 30, 4).over(three));
      double filled =
          Evaluator.loss(model.parameters(), model, model.batches(8, 30, 4).over(three));
      assertEquals(exact, filled, 1e-5);
    }
  }

  @Test
  void isMadeAgainFromItsConfiguration() {
    try (var model = recogniser();
        var again = Model.of(device, model.configuration())) {
      assertEquals(model.configuration(), again.configuration());
      assertEquals(model.parameters().layout(), again.parameters().layout());
    }
  }

  @Test
  void refusesUnknownSymbols() {
    try (var model = recogniser()) {
      var source = model.batches(1, 3, 3).over(List.of(new Recording(new float[1][BANDS], "ax")));
      var e =
          assertThrows(
              RecordException.class, () -> Evaluator.loss(model.parameters(), model, source));
      assertTrue(
          e.getMessage().contains("\"ax\" has a symbol that is not in the vocabulary"),
          e.getMessage());
    }
  }
}
