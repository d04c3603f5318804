package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.LossScale;
import io.github.cudnn4j.optim.Optimizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Training with weights, activations and gradients of 16 bits. */
class MixedPrecisionTest {

  private static final TrainerConfig CONFIG =
      TrainerConfig.of(Optimizer.adam(0.01)).clip(Clip.byNorm(1)).logEvery(1);

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

  /** The loss of every step against that of FP32, then where both end. */
  @ParameterizedTest
  @CsvSource({"FP16, 2e-3", "BF16, 2e-2", "TF32, 1e-3"})
  void learnsAsSinglePrecisionDoes(Precision precision, double tolerance) throws IOException {
    int[] tokens = TinyModel.repeating(600);
    var config = CONFIG.optimizer(Optimizer.adam(0.02)).epochs(15);
    var expected = new Recorder();
    var found = new Recorder();
    TrainingSummary single = train(Precision.FP32, tokens, config, expected);
    TrainingSummary mixed = train(precision, tokens, config, found);
    for (int step = 0; step < 10; step++) {
      double want = expected.logged.get(step).loss();
      double have = found.logged.get(step).loss();
      assertEquals(want, have, tolerance * want, "loss of step " + (step + 1));
    }
    assertTrue(single.perplexity() < 1.1, single::toString);
    assertTrue(mixed.perplexity() < 1.1, mixed::toString);
    assertTrue(mixed.validationPerplexity() < 1.2, mixed::toString);
    assertTrue(mixed.skipped() <= 3, mixed::toString);
  }

  private TrainingSummary train(
      Precision precision, int[] tokens, TrainerConfig config, Recorder recorder)
      throws IOException {
    try (var model = new TinyModel(device, precision, RnnMode.LSTM, 6, 16, 0);
        var trainer =
            Trainer.of(
                    model.parameters(), model, TextWindows.training(tokens, 4, 10, false), config)
                .validation(TextWindows.evaluation(tokens, 3, 11))
                .listener(recorder)) {
      return trainer.run();
    }
  }

  /** A scale that is far too large at first, as one that has grown too far would be. */
  @Test
  void anOverflowHalvesTheScaleAndChangesNothing() throws IOException {
    var recorder = new Recorder();
    try (var model = model()) {
      var config = CONFIG.epochs(9).steps(40).lossScale(new LossScale(1 << 24, 6));
      var weights = new ArrayList<double[]>();
      weights.add(model.weights());
      recorder.model = model;
      recorder.weights = weights;
      try (var trainer = Trainer.of(model.parameters(), model, text(), config).listener(recorder)) {
        trainer.run();
      }
    }
    double scale = 1 << 24;
    long skipped = 0;
    int good = 0;
    for (int step = 0; step < recorder.logged.size(); step++) {
      Progress progress = recorder.logged.get(step);
      boolean refused = progress.skipped() > skipped;
      skipped = progress.skipped();
      good = refused ? 0 : good + 1;
      scale = refused ? scale / 2 : good % 6 == 0 ? Math.min(2 * scale, 1 << 24) : scale;
      assertEquals(scale, progress.lossScale(), "scale after step " + (step + 1));
      double[] before = recorder.weights.get(step);
      double[] after = recorder.weights.get(step + 1);
      assertEquals(refused, Arrays.equals(before, after), "weights after step " + (step + 1));
    }
    assertTrue(skipped >= 2, skipped + " steps refused");
    assertTrue(recorder.logged.getFirst().skipped() == 1, "the first overflows");
    assertTrue(recorder.logged.size() - skipped > 25, skipped + " steps refused");
  }

  /** No scale helps against a gradient that is not a number. */
  @Test
  void aTrainingThatDivergesEndsInMixedPrecisionToo() throws IOException {
    var spoiling = new int[400];
    Arrays.fill(spoiling, TinyModel.SPOILING);
    try (var model = model();
        var trainer =
            Trainer.of(
                model.parameters(),
                model::spoiled,
                TextWindows.training(spoiling, 1, 10, false),
                CONFIG)) {
      double[] before = model.weights();
      assertEquals(10, assertThrows(TrainingDivergedException.class, trainer::run).badSteps());
      assertArrayEquals(before, model.weights());
    }
  }

  @Test
  void aResumedTrainingKeepsTheScale() throws IOException {
    var config = CONFIG.epochs(2).lossScale(new LossScale(1 << 24, 4));
    var whole = new Recorder();
    double[] expected;
    try (var model = model();
        var trainer = Trainer.of(model.parameters(), model, text(), config).listener(whole)) {
      trainer.run();
      expected = model.weights();
    }
    var checkpoints = Checkpoints.in(folder, 1);
    try (var model = model();
        var trainer =
            Trainer.of(model.parameters(), model, text(), config.steps(5))
                .checkpoints(checkpoints)) {
      trainer.run();
    }
    var rest = new Recorder();
    try (var model = model();
        var trainer = Trainer.of(model.parameters(), model, text(), config).listener(rest)) {
      trainer.resume(checkpoints.latest().orElseThrow());
      trainer.run();
      assertArrayEquals(expected, model.weights());
    }
    assertEquals(
        whole.logged.stream().skip(5).map(Progress::lossScale).toList(),
        rest.logged.stream().map(Progress::lossScale).toList());
  }

  /** What is trained in one precision is measured and continued by name in another. */
  @Test
  void checkpointsHoldTheMasters() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    double[] masters;
    try (var model = model();
        var trainer =
            Trainer.of(model.parameters(), model, text(), CONFIG).checkpoints(checkpoints)) {
      trainer.run();
      masters = model.weights();
    }
    var saved = checkpoints.latest().orElseThrow();
    try (var model = new TinyModel(device, Precision.FP32, RnnMode.LSTM, 6, 6, 0);
        var weights = saved.weights()) {
      model.parameters().load(weights);
      assertArrayEquals(masters, model.weights());
      try (var trainer = Trainer.of(model.parameters(), model, text(), CONFIG)) {
        var error = assertThrows(IOException.class, () -> trainer.resume(saved));
        assertTrue(
            error.getMessage().endsWith("was written with precision FP16, not FP32"),
            error.getMessage());
      }
    }
  }

  private TinyModel model() {
    return new TinyModel(device, Precision.FP16, RnnMode.LSTM, 6, 6, 0.2);
  }

  private static TextWindows text() {
    return TextWindows.training(TinyModel.tokens(400), 5, 8, true);
  }

  private static final class Recorder implements TrainingListener {
    final List<Progress> logged = new ArrayList<>();
    List<double[]> weights = new ArrayList<>();
    TinyModel model;

    @Override
    public void logged(Progress progress) {
      logged.add(progress);
      if (model != null) {
        weights.add(model.weights());
      }
    }
  }
}
