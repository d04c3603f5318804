package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.Schedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTest {

  private static final TrainerConfig CONFIG =
      TrainerConfig.of(Optimizer.adam(0.01))
          .clip(Clip.byNorm(1).andValue(0.5))
          .schedule(Schedule.cosine(5, 60, 0.1))
          .epochs(4)
          .logEvery(7)
          .seed(9);

  @TempDir Path folder;
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @ParameterizedTest
  @EnumSource(RnnMode.class)
  void learnsARepeatingText(RnnMode mode) throws IOException {
    int[] tokens = TinyModel.repeating(600);
    var recorder = new Recorder();
    try (var model = new TinyModel(device, Precision.FP32, mode, TinyModel.VOCABULARY, 16, 0);
        var trainer =
            Trainer.of(
                    model.parameters(),
                    model,
                    TextWindows.training(tokens, 4, 10, true),
                    TrainerConfig.of(Optimizer.adam(0.02))
                        .clip(Clip.byNorm(1))
                        .epochs(15)
                        .validateEvery(100))
                .validation(TextWindows.evaluation(tokens, 3, 11))
                .listener(recorder)) {
      var summary = trainer.run();
      assertTrue(summary.perplexity() < 1.1, summary::toString);
      assertTrue(summary.validationPerplexity() < 1.2, summary::toString);
      assertEquals(15, summary.epochs());
      assertEquals(15, recorder.validations.getLast().epoch());
      assertTrue(summary.tokensPerSecond() > 0);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64", "FP16", "BF16"})
  void capturedStepsGiveTheSameBits(Precision precision) throws IOException {
    var weights = new ArrayList<double[]>();
    for (boolean capture : new boolean[] {false, true}) {
      try (var model = model(precision, 0.3);
          var trainer = Trainer.of(model.parameters(), model, text(), CONFIG.capture(capture))) {
        trainer.run();
        weights.add(model.weights());
      }
    }
    assertArrayEquals(weights.get(0), weights.get(1));
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64", "FP16", "BF16"})
  void resumedTrainingGivesTheSameBits(Precision precision) throws IOException {
    var whole = new Recorder();
    double[] expected;
    try (var model = model(precision, 0.3);
        var trainer = Trainer.of(model.parameters(), model, text(), CONFIG).listener(whole)) {
      trainer.run();
      expected = model.weights();
    }
    // Interrupted within an epoch, at its end, and off the log points.
    for (long[] stops : new long[][] {{3}, {7, 14}, {1, 20, 21}, {windows()}, {2L * windows()}}) {
      var checkpoints = Checkpoints.in(folder.resolve(precision + Arrays.toString(stops)), 2);
      for (long stop : stops) {
        try (var model = model(precision, 0.3);
            var trainer =
                Trainer.of(model.parameters(), model, text(), CONFIG.steps(stop))
                    .checkpoints(checkpoints)) {
          var latest = checkpoints.latest();
          if (latest.isPresent()) {
            trainer.resume(latest.get());
          }
          assertEquals(stop, trainer.run().steps());
        }
      }
      var rest = new Recorder();
      try (var model = model(precision, 0.3);
          var trainer = Trainer.of(model.parameters(), model, text(), CONFIG).listener(rest)) {
        trainer.resume(checkpoints.latest().orElseThrow());
        var summary = trainer.run();
        assertArrayEquals(expected, model.weights(), "stopped at " + Arrays.toString(stops));
        assertEquals(whole.last.loss(), rest.last.loss());
        assertEquals(whole.last.step(), summary.steps());
      }
    }
  }

  @Test
  void resumeRefusesAnotherShapeOrOptimizer() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    try (var model = model(Precision.FP32, 0);
        var trainer =
            Trainer.of(model.parameters(), model, text(), CONFIG.steps(2))
                .checkpoints(checkpoints)) {
      trainer.run();
    }
    var saved = checkpoints.latest().orElseThrow();
    assertResumeFails(
        saved,
        CONFIG.optimizer(Optimizer.sgd(1)),
        5,
        8,
        "was written with optimizer Adam, not Sgd");
    assertResumeFails(
        saved,
        CONFIG,
        4,
        8,
        "was written with batches 5 x (TOKENS tokens[8, 1], LABELS labels[8, 1] of tokens), not 4 x"
            + " (TOKENS tokens[8, 1], LABELS labels[8, 1] of tokens)");
    assertResumeFails(
        saved,
        CONFIG,
        5,
        9,
        "was written with batches 5 x (TOKENS tokens[8, 1], LABELS labels[8, 1] of tokens), not 5 x"
            + " (TOKENS tokens[9, 1], LABELS labels[9, 1] of tokens)");
  }

  private void assertResumeFails(
      Checkpoint saved, TrainerConfig config, int batch, int time, String message) {
    try (var model = model(Precision.FP32, 0);
        var trainer =
            Trainer.of(
                model.parameters(),
                model,
                TextWindows.training(TinyModel.tokens(400), batch, time, true),
                config)) {
      double[] before = model.weights();
      var error = assertThrows(IOException.class, () -> trainer.resume(saved));
      assertTrue(error.getMessage().endsWith(message), error.getMessage());
      assertArrayEquals(before, model.weights());
    }
  }

  @Test
  void theLoggedLossIsTheMeanSinceTheLastOne() throws IOException {
    var single = new Recorder();
    var several = new Recorder();
    for (var recorder : List.of(single, several)) {
      try (var model = model(Precision.FP32, 0);
          var trainer =
              Trainer.of(
                      model.parameters(),
                      model,
                      text(),
                      CONFIG.steps(30).logEvery(recorder == single ? 1 : 7))
                  .listener(recorder)) {
        trainer.run();
      }
    }
    assertEquals(List.of(7L, 14L, 21L, 28L, 30L), several.steps);
    long from = 0;
    for (int i = 0; i < several.steps.size(); i++) {
      long to = several.steps.get(i);
      double mean =
          single.losses.subList((int) from, (int) to).stream()
              .mapToDouble(Double::doubleValue)
              .average()
              .orElseThrow();
      assertEquals(mean, several.losses.get(i), 1e-6, "steps %d to %d".formatted(from + 1, to));
      from = to;
    }
  }

  @Test
  void stopsWhenValidationDoesNotImprove() throws IOException {
    var recorder = new Recorder();
    var checkpoints = Checkpoints.in(folder, 1);
    // Noise cannot be learned: what is learned of the training text makes held-out noise worse.
    try (var model = model(Precision.FP32, 0);
        var trainer =
            Trainer.of(
                    model.parameters(),
                    model,
                    TextWindows.training(TinyModel.tokens(60), 1, 10, false),
                    TrainerConfig.of(Optimizer.adam(0.05)).epochs(500).patience(3))
                .validation(TextWindows.evaluation(TinyModel.tokens(1000), 2, 10))
                .checkpoints(checkpoints)
                .listener(recorder)) {
      var summary = trainer.run();
      assertTrue(summary.stoppedEarly());
      assertTrue(summary.epochs() < 500);
      var last =
          recorder.validations.subList(
              recorder.validations.size() - 4, recorder.validations.size());
      assertTrue(last.get(0).best());
      assertFalse(last.get(1).best() || last.get(2).best() || last.get(3).best());
      assertEquals(summary.best(), last.get(0).loss());
      assertEquals(summary.validationPerplexity(), last.get(3).perplexity());
      assertEquals(last.get(0).step(), checkpoints.best().orElseThrow().step());
      assertEquals(last.get(3).step(), checkpoints.latest().orElseThrow().step());
    }
  }

  @Test
  void countsStepsAndEpochs() throws IOException {
    var recorder = new Recorder();
    try (var model = model(Precision.FP32, 0);
        var trainer =
            Trainer.of(model.parameters(), model, text(), CONFIG.steps(10)).listener(recorder)) {
      var summary = trainer.run();
      assertEquals(10, summary.steps());
      assertEquals(2, summary.epochs());
      assertEquals(List.of(7L, 10L), recorder.steps);
      assertTrue(recorder.last.loss() > 0 && recorder.last.gradientNorm() > 0);
      double factor = CONFIG.schedule().factor(9);
      assertEquals(0.01 * factor, recorder.last.learningRate(), 1e-12);
      assertEquals(10, recorder.last.totalSteps());
      assertTrue(Double.isNaN(summary.validationPerplexity()));
    }
  }

  @Test
  void stopEndsTheRunAndLeavesACheckpoint() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    try (var model = model(Precision.FP32, 0);
        var trainer =
            Trainer.of(model.parameters(), model, text(), CONFIG.epochs(1_000_000))
                .checkpoints(checkpoints)) {
      trainer.listener(
          new TrainingListener() {
            @Override
            public void logged(Progress progress) {
              trainer.stop();
            }
          });
      assertEquals(7, trainer.run().steps());
    }
    assertEquals(7, checkpoints.latest().orElseThrow().step());
  }

  @Test
  void aTrainingThatIsDoneIsNotStopped() throws IOException {
    try (var model = model(Precision.FP32, 0);
        var trainer = Trainer.of(model.parameters(), model, text(), CONFIG.epochs(1))) {
      trainer.listener(
          new TrainingListener() {
            @Override
            public void logged(Progress progress) {
              if (progress.step() == windows()) {
                trainer.stop();
              }
            }
          });
      assertFalse(trainer.run().stopped());
    }
  }

  @Test
  void eachEpochHasAnOrderOfItsOwn() throws IOException {
    var read = new ArrayList<Integer>();
    var source =
        Batches.<Integer>of(4)
            .tokens(
                TextWindows.TOKENS,
                1,
                number -> {
                  read.add(number);
                  return new int[] {number % TinyModel.VOCABULARY};
                })
            .labels(TextWindows.LABELS, TextWindows.TOKENS, number -> new int[] {0})
            .over(IntStream.range(0, 40).boxed().toList())
            .shuffled(3);
    try (var model = model(Precision.FP32, 0);
        var trainer = Trainer.of(model.parameters(), model, source, CONFIG.epochs(3))) {
      trainer.run();
    }
    int epoch = read.size() / 3;
    assertNotEquals(read.subList(0, epoch), read.subList(epoch, 2 * epoch));
    assertNotEquals(read.subList(epoch, 2 * epoch), read.subList(2 * epoch, 3 * epoch));
  }

  @Test
  void aListenersExceptionEndsTheTraining() {
    try (var model = model(Precision.FP32, 0);
        var trainer = Trainer.of(model.parameters(), model, text(), CONFIG)) {
      trainer.listener(
          new TrainingListener() {
            @Override
            public void logged(Progress progress) throws IOException {
              throw new IOException("disk full");
            }
          });
      assertEquals("disk full", assertThrows(IOException.class, trainer::run).getMessage());
    }
  }

  @Test
  void evaluationDoesNotDependOnTheWindows() throws IOException {
    int[] tokens = TinyModel.tokens(97);
    try (var model = model(Precision.FP64, 0.3)) {
      double whole =
          Evaluator.loss(model.parameters(), model, TextWindows.evaluation(tokens, 1, 96));
      for (int time : new int[] {1, 7, 96, 200}) {
        double cut =
            Evaluator.loss(model.parameters(), model, TextWindows.evaluation(tokens, 1, time));
        assertEquals(whole, cut, 1e-12, "windows of " + time);
      }
      try (var evaluator =
          Evaluator.create(model.parameters(), model, TextWindows.evaluation(tokens, 1, 10))) {
        assertEquals(whole, evaluator.loss(), 1e-12);
        assertEquals(whole, evaluator.loss(), 1e-12);
        model.parameters().initialize(2);
        double other =
            Evaluator.loss(model.parameters(), model, TextWindows.evaluation(tokens, 1, 96));
        assertNotEquals(whole, other, 1e-3);
        assertEquals(other, evaluator.loss(), 1e-12);
      }
    }
  }

  @Test
  void configurationNamesWhatIsOutOfRange() {
    var error = assertThrows(IllegalArgumentException.class, () -> CONFIG.logEvery(0));
    assertEquals("logEvery 0, must be at least 1", error.getMessage());
    assertThrows(IllegalArgumentException.class, () -> CONFIG.epochs(0));
    assertThrows(IllegalArgumentException.class, () -> CONFIG.steps(-1));
    assertThrows(IllegalArgumentException.class, () -> CONFIG.maxBadSteps(0));
    assertTrue(CONFIG.capture(), "the default");
  }

  @Test
  void aLapOfTheClockBeginsAnew() {
    var clock = new TrainingClock();
    clock.stepDone(3);
    assertTrue(clock.hasSteps());
    clock.lap();
    assertFalse(clock.hasSteps());
  }

  private TinyModel model(Precision precision, double dropout) {
    return new TinyModel(device, precision, RnnMode.LSTM, TinyModel.VOCABULARY, 6, dropout);
  }

  private static TextWindows text() {
    return TextWindows.training(TinyModel.tokens(400), 5, 8, true);
  }

  private static int windows() {
    return text().windows();
  }

  private static final class Recorder implements TrainingListener {
    final List<Long> steps = new ArrayList<>();
    final List<Double> losses = new ArrayList<>();
    final List<Validation> validations = new ArrayList<>();
    Progress last;

    @Override
    public void logged(Progress progress) {
      steps.add(progress.step());
      losses.add(progress.loss());
      last = progress;
    }

    @Override
    public void validated(Validation validation) {
      validations.add(validation);
    }
  }

  @Test
  void whatATrainingLacksIsNamed() {
    missing("optimizer", () -> TrainerConfig.of(null));
    missing("schedule", () -> CONFIG.schedule(null));
    missing("folder", () -> Checkpoints.in(null, 1));
    missing("file", () -> MetricsLog.append(null));
    missing("parameters", () -> Trainer.of(null, (_, _) -> null, text(), CONFIG));
    try (var model = model(Precision.FP32, 0);
        var trainer = Trainer.of(model.parameters(), model, text(), CONFIG)) {
      missing("objective", () -> Trainer.of(model.parameters(), null, text(), CONFIG));
      missing("source", () -> Evaluator.create(model.parameters(), model, null));
      missing("heldOut", () -> trainer.validation(null));
      missing("listener", () -> trainer.listener(null));
      missing("folder", () -> trainer.checkpoints(null));
    }
  }

  private static void missing(String name, Executable action) {
    assertEquals(name, assertThrows(NullPointerException.class, action).getMessage());
  }
}
