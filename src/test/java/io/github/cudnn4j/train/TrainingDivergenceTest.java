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
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.Schedule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps that are not finite are skipped, and a training that only has such ends. */
class TrainingDivergenceTest {

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

  @Test
  void windowsThatAreNotFiniteAreSkippedAndCounted() throws IOException {
    int[] tokens = withoutSpoiling(400);
    tokens[205] = TinyModel.SPOILING;
    var text = TextWindows.training(tokens, 1, 10, false);
    var recorder = new Recorder();
    for (boolean capture : new boolean[] {false, true}) {
      try (var model = model(Precision.FP32, 0);
          var trainer =
              Trainer.of(
                      model.parameters(),
                      model::spoiled,
                      text,
                      CONFIG.epochs(2).capture(capture).logEvery(1))
                  .listener(recorder)) {
        var summary = trainer.run();
        assertEquals(2, summary.skipped());
        assertEquals(2 * text.windows(), summary.steps());
        assertTrue(DoubleStream.of(model.weights()).allMatch(Double::isFinite));
        assertTrue(Double.isFinite(summary.loss()));
        assertEquals(20, recorder.firstSkipped - 1);
      }
    }
  }

  /** A text of which no window's loss is finite. */
  private static TextWindows spoiling() {
    var tokens = new int[400];
    Arrays.fill(tokens, TinyModel.SPOILING);
    return TextWindows.training(tokens, 1, 10, false);
  }

  @Test
  void stopsWhenTooManyStepsInARowAreSkipped() {
    try (var model = model(Precision.FP32, 0);
        var trainer =
            Trainer.of(
                model.parameters(),
                model::spoiled,
                spoiling(),
                CONFIG.maxBadSteps(5).logEvery(3))) {
      double[] before = model.weights();
      var error = assertThrows(TrainingDivergedException.class, trainer::run);
      assertEquals(6, error.step());
      assertEquals(6, error.badSteps());
      assertTrue(error.getMessage().contains("the last 6 steps up to step 6"), error.getMessage());
      assertArrayEquals(before, model.weights());
    }
  }

  @Test
  void aRunOfBadStepsOnlyFailsHoweverShort() {
    try (var model = model(Precision.FP32, 0);
        var trainer = Trainer.of(model.parameters(), model::spoiled, spoiling(), CONFIG.steps(3))) {
      assertEquals(3, assertThrows(TrainingDivergedException.class, trainer::run).badSteps());
    }
  }

  /** The gradient of a saturated network stays finite, however large its loss becomes. */
  @Test
  void stopsWhenTheLossIsFarAboveGuessing() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    try (var model = model(Precision.FP32, 0)) {
      try (var trainer =
          Trainer.of(model.parameters(), model, text(), CONFIG.steps(6)).checkpoints(checkpoints)) {
        trainer.run();
      }
      double[] good = model.weights();
      var wild = CONFIG.optimizer(Optimizer.adam(1e30)).schedule(Schedule.constant());
      try (var trainer =
          Trainer.of(model.parameters(), model, text(), wild.checkpointEvery(1).maxBadSteps(8))) {
        trainer.checkpoints(checkpoints).resume(checkpoints.latest().orElseThrow());
        var error = assertThrows(TrainingDivergedException.class, trainer::run);
        assertTrue(error.badSteps() >= 8 && error.step() <= 22, error.getMessage());
        assertTrue(error.getMessage().contains("lower the learning rate (1.0E30)"));
      }
      assertFalse(Arrays.equals(good, model.weights()));
      // The first of these steps does not know yet what it has done.
      assertTrue(checkpoints.latest().orElseThrow().step() <= 7);
    }
  }

  /** With V classes, one logit b below the others and that class the target, the loss is known. */
  @ParameterizedTest
  @ValueSource(doubles = {9.99, 10.01})
  void aLossTenTimesThatOfGuessingIsBad(double times) throws IOException {
    double loss = times * Math.log(TinyModel.VOCABULARY);
    double[] bias = new double[TinyModel.VOCABULARY];
    bias[0] = -Math.log(Math.expm1(loss) / (TinyModel.VOCABULARY - 1));
    var recorder = new Recorder();
    try (var model = model(Precision.FP64, 0);
        var trainer =
            Trainer.of(
                    model.parameters(),
                    model,
                    TextWindows.training(new int[100], 1, 10, false),
                    TrainerConfig.of(Optimizer.sgd(0)).steps(3))
                .listener(recorder)) {
      model.parameters().write("linear.weight", new double[6 * TinyModel.VOCABULARY]);
      model.parameters().write("linear.bias", bias);
      if (times > 10) {
        assertEquals(3, assertThrows(TrainingDivergedException.class, trainer::run).badSteps());
      } else {
        assertEquals(3, trainer.run().steps());
      }
      assertEquals(loss, recorder.last.loss(), 1e-9);
    }
  }

  @Test
  void oneWindowThatIsNotFiniteMakesAnEvaluationNaN() throws IOException {
    int[] tokens = withoutSpoiling(97);
    tokens[50] = TinyModel.SPOILING;
    var text = TextWindows.evaluation(tokens, 1, 10);
    try (var model = model(Precision.FP32, 0)) {
      assertTrue(Double.isNaN(Evaluator.loss(model.parameters(), model::spoiled, text)));
    }
  }

  private TinyModel model(Precision precision, double dropout) {
    return new TinyModel(device, precision, RnnMode.LSTM, TinyModel.VOCABULARY, 6, dropout);
  }

  private static int[] withoutSpoiling(int count) {
    return IntStream.of(TinyModel.tokens(count)).map(token -> token % TinyModel.SPOILING).toArray();
  }

  private static TextWindows text() {
    return TextWindows.training(TinyModel.tokens(400), 5, 8, true);
  }

  private static final class Recorder implements TrainingListener {
    Progress last;
    long firstSkipped;

    @Override
    public void logged(Progress progress) {
      last = progress;
      if (progress.skipped() == 1 && firstSkipped == 0) {
        firstSkipped = progress.step();
      }
    }
  }
}
