package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.ParameterGroup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How a training stops and what it goes on from. */
class ResumeTest {

  private static final TrainerConfig CONFIG =
      TrainerConfig.of(Optimizer.adam(0.01)).epochs(3).logEvery(4).checkpointEvery(6);

  @TempDir private Path folder;
  private Device device;
  private Checkpoints checkpoints;

  @BeforeEach
  void open() {
    device = Device.open();
    checkpoints = Checkpoints.in(folder, 2);
  }

  @AfterEach
  void close() {
    device.close();
  }

  /** As {@link java.util.concurrent.Future#cancel} does it. */
  @Test
  void interruptingStopsAfterTheStepWithACheckpoint() throws IOException {
    double[] whole;
    try (var model = model();
        var trainer = Trainer.of(model.parameters(), model, text(), CONFIG)) {
      trainer.run();
      whole = model.weights();
    }
    try (var model = model();
        var trainer =
            Trainer.of(model.parameters(), model, text(), CONFIG).checkpoints(checkpoints)) {
      trainer.listener(
          new TrainingListener() {
            @Override
            public void logged(Progress progress) {
              if (progress.step() == 8) {
                Thread.currentThread().interrupt();
              }
            }
          });
      var summary = trainer.run();
      assertTrue(Thread.interrupted(), "whoever asks must see it");
      assertEquals(8, summary.steps());
      assertTrue(summary.stopped());
    }
    assertEquals(8, checkpoints.latest().orElseThrow().step());
    assertFalse(Files.exists(folder.resolve(".unfinished")));
    try (var model = model();
        var trainer =
            Trainer.of(model.parameters(), model, text(), CONFIG).checkpoints(checkpoints)) {
      Thread.currentThread().interrupt();
      trainer.resume(checkpoints.latest().orElseThrow());
      assertEquals(8, trainer.run().steps(), "interrupted before its first step");
      assertTrue(Thread.interrupted());
      assertFalse(trainer.run().stopped());
      assertArrayEquals(whole, model.weights());
    }
  }

  @Test
  void refusesToGoOnWithAnotherTextUnlessTold() throws IOException {
    train(CONFIG.steps(9));
    var latest = checkpoints.latest().orElseThrow();
    int[] tokens = tokens();
    tokens[300] = (tokens[300] + 1) % TinyModel.VOCABULARY;
    for (int[] other : new int[][] {tokens, Arrays.copyOf(tokens(), 350)}) {
      var batches = TextWindows.training(other, 5, 8, false);
      try (var model = model();
          var trainer =
              Trainer.of(model.parameters(), model, batches, CONFIG.steps(11))
                  .checkpoints(checkpoints)) {
        double[] before = model.weights();
        var error = assertThrows(OtherDataException.class, () -> trainer.resume(latest));
        assertTrue(
            error
                .getMessage()
                .startsWith(
                    latest.folder()
                        + " was written in training on other data: {tokens=400, crc32c="),
            error.getMessage());
        assertTrue(error.getMessage().contains(", not {tokens=" + other.length));
        assertArrayEquals(before, model.weights());
      }
    }
    try (var model = model();
        var trainer =
            Trainer.of(
                    model.parameters(),
                    model,
                    TextWindows.training(tokens, 5, 8, false),
                    CONFIG.steps(11))
                .checkpoints(checkpoints)) {
      trainer.resumeWithOtherData(latest);
      assertEquals(11, trainer.run().steps());
    }
    var described = checkpoints.latest().orElseThrow();
    assertEquals(11, described.step());
    assertEquals(latest.run(), described.run());
    assertEquals(2, described.trainer().count("batchOfEpoch"), "it began with the text");
  }

  /** 9 steps of a text, then two epochs of 5 windows each. */
  @Test
  void countsTheStepsOfAnotherText() throws IOException {
    train(CONFIG.steps(9));
    var smaller = TextWindows.training(Arrays.copyOf(tokens(), 205), 5, 8, false);
    var seen = new ArrayList<Progress>();
    try (var model = model();
        var trainer = Trainer.of(model.parameters(), model, smaller, CONFIG)) {
      trainer.resumeWithOtherData(checkpoints.latest().orElseThrow());
      trainer.listener(
          new TrainingListener() {
            @Override
            public void logged(Progress progress) {
              seen.add(progress);
            }
          });
      assertEquals(19, trainer.run().steps());
    }
    for (Progress progress : seen) {
      assertEquals(19, progress.totalSteps(), progress::toString);
      assertTrue(progress.secondsLeft() >= 0, progress::toString);
    }
    assertEquals(19, seen.getLast().step());
  }

  @Test
  void refusesAPlaceThatTheTextDoesNotHave() throws IOException {
    train(CONFIG.steps(7));
    Path newest = checkpoints.latest().orElseThrow().folder();
    Path file = newest.resolve("checkpoint.json");
    // As the first checkpoints were, which had no checksum, and did not know their data.
    String old =
        Files.readString(file)
            .replace("\"format\":3", "\"format\":1")
            .replaceFirst("\"data\":\\{[^}]*},", "")
            .replaceFirst("\"batchOfEpoch\":7", "\"batchOfEpoch\":999");
    Files.writeString(file, old.substring(0, old.lastIndexOf(",")) + "}");
    try (var model = model();
        var trainer = Trainer.of(model.parameters(), model, text(), CONFIG)) {
      var error = assertThrows(IOException.class, () -> trainer.resume(Checkpoint.open(newest)));
      assertEquals(newest + " is at batch 999 of its data, these have 9", error.getMessage());
    }
  }

  /** Moments, steps and states are not taken from what cannot go on either. */
  @Test
  void whatIsRefusedChangesNothing() throws IOException {
    train(CONFIG.steps(9));
    double[][] results = new double[2][];
    for (int i = 0; i < 2; i++) {
      try (var model = model(0);
          var trainer = Trainer.of(model.parameters(), model, text(), CONFIG)) {
        if (i == 1) {
          var latest = checkpoints.latest().orElseThrow();
          var error = assertThrows(IOException.class, () -> trainer.resume(latest));
          assertEquals(
              "the file is of another model: 2 generator states, needed are 1", error.getMessage());
        }
        trainer.run();
        results[i] = model.weights();
      }
    }
    assertArrayEquals(results[0], results[1]);
  }

  /** What may be another: the rates of parameter groups, the micro-batches; not the moments. */
  @Test
  void goesOnWithAnotherConfigurationOfTheSameOptimizer() throws IOException {
    train(TrainerConfig.of(Optimizer.sgd(0.01)).steps(5));
    var latest = checkpoints.latest().orElseThrow();
    for (var config :
        List.of(
            TrainerConfig.of(Optimizer.sgd(0.02)).seed(9),
            TrainerConfig.of(Optimizer.sgd(0.01)).microBatches(2).capture(false),
            TrainerConfig.of(Optimizer.sgd(0.01))
                .groups(ParameterGroup.of("embed*").frozen(true)))) {
      try (var model = model();
          var trainer = Trainer.of(model.parameters(), model, text(), config.steps(7))) {
        trainer.resume(latest);
        assertEquals(7, trainer.run().steps());
      }
    }
    try (var model = model();
        var trainer =
            Trainer.of(
                model.parameters(),
                model,
                text(),
                TrainerConfig.of(Optimizer.sgd(0.01).withMomentum(0.9)))) {
      var error = assertThrows(IOException.class, () -> trainer.resume(latest));
      assertTrue(error.getMessage().contains(": no tensor optimizer.velocity among"));
    }
  }

  @Test
  void keepsTheCheckpointsOfAnotherTraining() throws IOException {
    train(CONFIG);
    long last = checkpoints.latest().orElseThrow().step();
    assertTrue(
        assertThrows(IOException.class, () -> train(CONFIG))
            .getMessage()
            .contains(" is of another training"));
    assertEquals(last, checkpoints.latest().orElseThrow().step());
    checkpoints.clear();
    train(CONFIG.steps(2));
    assertEquals(2, checkpoints.latest().orElseThrow().step());
  }

  private void train(TrainerConfig config) throws IOException {
    try (var model = model();
        var trainer =
            Trainer.of(model.parameters(), model, text(), config).checkpoints(checkpoints)) {
      trainer.run();
    }
  }

  private TinyModel model() {
    return model(0.2);
  }

  private TinyModel model(double dropout) {
    return new TinyModel(device, Precision.FP32, RnnMode.GRU, TinyModel.VOCABULARY, 6, dropout);
  }

  private static int[] tokens() {
    return TinyModel.tokens(400);
  }

  private static TextWindows text() {
    return TextWindows.training(tokens(), 5, 8, false);
  }
}
