package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.data.Records;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.ParameterGroup;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Steps of a user's own network on a user's own data, of rows of any lengths. */
class StepTest {

  private static final TrainerConfig CONFIG =
      TrainerConfig.of(Optimizer.adam(0.02)).clip(Clip.byNorm(1)).logEvery(5);

  /** Whether a word comes twice in a row. */
  private record Row(int[] words, int label) {}

  /** A classifier: an embedding, a bidirectional network with dropout, its last states. */
  private static final class Classifier implements Objective, AutoCloseable {
    final Parameters parameters;
    private final EmbeddingLayer embedding;
    private final RnnLayer rnn;
    private final LinearLayer linear;
    private final boolean lengths;
    private final double dropout;

    Classifier(Device device, Precision precision, boolean lengths) {
      this(device, precision, lengths, 0.1);
    }

    Classifier(Device device, Precision precision, boolean lengths, double dropout) {
      this.lengths = lengths;
      this.dropout = dropout;
      parameters = Parameters.on(device, precision);
      embedding = parameters.embedding("embedding", 5, 6);
      var config = RnnConfig.lstm(6, 8).layers(2).bidirectional().dropout(dropout, 5);
      rnn = parameters.rnn("rnn", config);
      linear = parameters.linear("linear", rnn.outputSize(), 2);
      parameters.initialize(3);
    }

    @Override
    public Loss record(Tape tape, Batch in) {
      var x = tape.dropout(embedding.on(tape, in.tokens("words")), dropout, 7);
      var y = lengths ? rnn.on(tape, x, in.lengths("words")) : rnn.on(tape, x);
      return tape.crossEntropy(linear.on(tape, y.last()), in.labels("label"));
    }

    double[] weights() {
      return parameters.names().stream()
          .flatMapToDouble(name -> Arrays.stream(parameters.read(name)))
          .toArray();
    }

    @Override
    public void close() {
      parameters.close();
    }
  }

  @TempDir private Path folder;
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  private static List<Row> rows(int count, int least, int most) {
    var random = new SplittableRandom(11);
    return IntStream.range(0, count)
        .mapToObj(
            _ -> {
              int[] words = new int[random.nextInt(least, most + 1)];
              boolean twice = random.nextBoolean();
              for (int i = 0; i < words.length; i++) {
                words[i] = i == 0 ? random.nextInt(5) : (words[i - 1] + random.nextInt(1, 5)) % 5;
              }
              if (twice) {
                int at = random.nextInt(1, words.length);
                words[at] = words[at - 1];
              }
              boolean found =
                  IntStream.range(1, words.length).anyMatch(i -> words[i] == words[i - 1]);
              return new Row(words, found ? 1 : 0);
            })
        .toList();
  }

  private static Records<Row> source(List<Row> rows, int batch) {
    return Batches.<Row>of(batch)
        .tokens("words", 12, Row::words)
        .label("label", Row::label)
        .shapes(3)
        .over(rows)
        .shuffled(1)
        .bucketed(4);
  }

  /** A vector of zeros is as good as any: it takes the batch to tell which rows are there. */
  @Test
  void rowsThatFillUpABatchDoNotCount() throws IOException {
    record Pair(float[] x, float[] y) {}
    var pairs =
        List.of(
            new Pair(new float[] {1, 2}, new float[] {2, 4}),
            new Pair(new float[] {0, 0}, new float[] {0, 0}),
            new Pair(new float[] {3, 3}, new float[] {3, 0}));
    var source = Batches.<Pair>of(2).vector("x", 2, Pair::x).vector("y", 2, Pair::y).over(pairs);
    Objective error =
        (tape, in) -> tape.meanSquaredError(in.vector("x"), in.vector("y"), in.counted());
    try (var parameters = Parameters.on(device, Precision.FP32)) {
      assertEquals((2.5 + 0 + 4.5) / 3, Evaluator.loss(parameters, error, source), 1e-6);
    }
  }

  @Test
  void aClassifierOfRowsOfAnyLengthsLearns() throws IOException {
    var rows = rows(600, 3, 12);
    var held = source(rows.subList(0, 100), 16);
    try (var model = new Classifier(device, Precision.FP32, true);
        var trainer =
            Trainer.of(
                    model.parameters, model, source(rows.subList(100, 600), 16), CONFIG.epochs(18))
                .validation(held, Metric.loss(), Metric.perplexity(), Metric.accuracy())) {
      var summary = trainer.run();
      double right = 100 * summary.metrics().get("accuracy");
      assertEquals(Math.rint(right), right, 1e-9, "of 100 rows");
      assertTrue(right >= 80, summary::toString);
      assertTrue(summary.loss() < 0.25, summary::toString);
      assertTrue(summary.validationLoss() < 0.45, summary::toString);
      assertEquals(summary.validationLoss(), summary.metrics().get("loss"), 1e-12);
      assertEquals(Math.exp(summary.validationLoss()), summary.metrics().get("perplexity"), 1e-9);
      var again = Evaluator.evaluate(model.parameters, model, held, Metric.accuracy());
      assertEquals(Map.of("accuracy", summary.metrics().get("accuracy")), again.metrics());
    }
  }

  /**
   * The token is what is predicted: of the labels 0, 0, 0, 1, 1, 2 these are 0, 0, 1, 1, 0, 1, in
   * batches of three shapes and with rows that do not count. Label 0 has precision 2/3, recall 2/3;
   * 1 has 1/3 and 1/2, so its F1 is 2 · 1 / (3 + 2); 2 is never predicted, 3 neither nor there.
   */
  @Test
  void metricsOfLabelsAreThoseByHand() throws IOException {
    var pairs =
        List.of(
            new Row(new int[] {0}, 0),
            new Row(new int[] {0, 3}, 0),
            new Row(new int[] {1, 3, 3}, 0),
            new Row(new int[] {1}, 1),
            new Row(new int[] {0, 2, 3}, 1),
            new Row(new int[] {1, 0}, 2));
    var source =
        Batches.<Row>of(4)
            .tokens("words", 3, Row::words)
            .label("label", Row::label)
            .shapes(3)
            .over(pairs);
    Objective first =
        (tape, in) ->
            tape.crossEntropy(
                tape.reshape(tape.slice(tape.oneHot(in.tokens("words"), 4), 0, 0, 1), 4, 4),
                in.labels("label"));
    Metric errors =
        Metric.of(
            "errors",
            false,
            (tape, in, loss) -> Metric.Meter.of(tape.accuracy(loss).buffer()),
            counts -> 1 - counts[0] / counts[1]);
    try (var parameters = Parameters.on(device, Precision.FP32)) {
      var result =
          Evaluator.evaluate(
              parameters, first, source, Metric.macroF1(), Metric.accuracy(), errors);
      assertEquals((2 / 3.0 + 2 / 5.0 + 0) / 3, result.metrics().get("macroF1"), 1e-12);
      assertEquals(3 / 6.0, result.metrics().get("accuracy"), 1e-12);
      assertEquals(3 / 6.0, result.metrics().get("errors"), 1e-12);
      double[] expected = {2 / 3.0, 2 / 5.0, 0, 0};
      for (int label = 0; label < 4; label++) {
        var one = Evaluator.evaluate(parameters, first, source, Metric.f1(label));
        assertEquals(expected[label], one.metrics().get("f1"), 1e-12, "label " + label);
      }
    }
  }

  /** Shuffled, in buckets of several shapes, with dropout. */
  @ParameterizedTest
  @ValueSource(ints = {7, 25, 31})
  void whatGoesOnEndsAsWhatWasNeverStopped(int stop) throws IOException {
    var rows = rows(400, 3, 12);
    var config = CONFIG.epochs(2);
    var checkpoints = Checkpoints.in(folder, 1);
    double[] whole;
    try (var model = new Classifier(device, Precision.FP32, true);
        var trainer = Trainer.of(model.parameters, model, source(rows, 16), config)) {
      assertEquals(50, trainer.run().steps());
      whole = model.weights();
    }
    try (var model = new Classifier(device, Precision.FP32, true);
        var trainer =
            Trainer.of(model.parameters, model, source(rows, 16), config.steps(stop))
                .checkpoints(checkpoints)) {
      trainer.run();
    }
    Path state = checkpoints.latest().orElseThrow().folder().resolve("state.safetensors");
    try (var saved = SafeTensors.open(state)) {
      var generators =
          saved.names().stream().filter(name -> name.startsWith("generator.")).toList();
      assertFalse(generators.isEmpty());
      for (String name : generators) {
        assertTrue(name.matches("generator\\.\\d\\.\\d"), () -> name + ", without ranks");
      }
    }
    try (var model = new Classifier(device, Precision.FP32, true);
        var trainer = Trainer.of(model.parameters, model, source(rows, 16), config)) {
      trainer.resume(checkpoints.latest().orElseThrow());
      assertEquals(50, trainer.run().steps());
      assertArrayEquals(whole, model.weights());
    }
    var others = source(rows(399, 3, 12), 16);
    try (var model = new Classifier(device, Precision.FP32, true);
        var trainer = Trainer.of(model.parameters, model, others, config)) {
      var latest = checkpoints.latest().orElseThrow();
      assertThrows(OtherDataException.class, () -> trainer.resume(latest));
    }
  }

  /** At a learning rate of 0 each pass over a text has the same losses. */
  @Test
  void aPassBeginsWithoutTheStatesOfTheOneBefore() throws IOException {
    var text = TextWindows.training(TinyModel.tokens(200), 4, 7, false);
    try (var model =
            new TinyModel(device, Precision.FP64, RnnMode.LSTM, TinyModel.VOCABULARY, 6, 0);
        var step =
            Step.create(model.parameters(), model, text, TrainerConfig.of(Optimizer.sgd(1)))) {
      var losses = new double[2];
      for (int pass = 0; pass < 2; pass++) {
        step.begin(new SavableRandom(0), 0);
        while (step.hasNext()) {
          step.run(0);
        }
        losses[pass] = step.read().lossSum();
      }
      assertEquals(losses[0], losses[1], 1e-12);
    }
  }

  /** The gradient of one batch of 24 rows is the mean of three batches of 8. */
  @Test
  void microBatchesAreOneLargeBatch() throws IOException {
    var rows = rows(96, 3, 12);
    var results = new double[2][];
    for (int i = 0; i < 2; i++) {
      var config =
          TrainerConfig.of(Optimizer.sgd(0.5)).clip(Clip.byNorm(0.3)).microBatches(i == 0 ? 1 : 3);
      var batches =
          Batches.<Row>of(i == 0 ? 24 : 8)
              .tokens("words", 12, Row::words)
              .label("label", Row::label)
              .shapes(1)
              .over(rows);
      try (var model = new Classifier(device, Precision.FP64, true, 0);
          var step = Step.create(model.parameters, model, batches, config)) {
        step.begin(new SavableRandom(0), 0);
        for (int n = 0; n < 4; n++) {
          assertEquals(i == 0 ? 1 : 3, step.run(0.5));
        }
        assertFalse(step.hasNext());
        results[i] = model.weights();
      }
    }
    assertArrayEquals(results[0], results[1], 1e-12);
  }

  @Test
  void frozenParametersStay() throws IOException {
    var config = CONFIG.groups(ParameterGroup.of("embedding.*").frozen(true)).epochs(1);
    try (var model = new Classifier(device, Precision.FP32, true);
        var trainer = Trainer.of(model.parameters, model, source(rows(64, 3, 12), 16), config)) {
      double[] embedding = model.parameters.read("embedding.weight");
      double[] linear = model.parameters.read("linear.weight");
      trainer.run();
      assertArrayEquals(embedding, model.parameters.read("embedding.weight"));
      assertFalse(Arrays.equals(linear, model.parameters.read("linear.weight")));
    }
  }

  /** What all devices of a training would do: here they are one, and add nothing. */
  @Test
  void whatComesAfterBackwardSeesTheGradients() throws IOException {
    var rows = rows(160, 12, 12);
    double[][] results = new double[2][];
    for (int i = 0; i < 2; i++) {
      double factor = i == 0 ? 1 : 0;
      var batches =
          Batches.<Row>of(16)
              .tokens("words", 12, 12, Row::words)
              .label("label", Row::label)
              .over(rows);
      try (var model = new Classifier(device, Precision.FP32, false);
          var step = Step.create(model.parameters, model, batches, CONFIG)) {
        step.afterBackward(() -> device.blas().scal(factor, model.parameters.gradients()));
        results[i] = model.weights();
        double[] before = results[i];
        step.begin(new SavableRandom(0), 0);
        while (step.hasNext()) {
          step.run(0.01);
        }
        assertEquals(i == 1, Arrays.equals(before, model.weights()));
        assertThrows(IllegalStateException.class, () -> step.afterBackward(() -> {}));
      }
    }
  }

  /** Every allocation fails once, each shape of a batch has many; the batch is tried again. */
  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void aBatchThatFindsNoMemoryIsNotLost(int microBatches) throws IOException {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    var host = HostControl.get();
    int outOfMemory = 2;
    var rows = rows(160, 3, 12);
    var config = CONFIG.microBatches(microBatches);
    double[][] results = new double[2][];
    int failures = 0;
    for (int i = 0; i < 2; i++) {
      try (var model = new Classifier(device, Precision.FP32, true);
          var step = Step.create(model.parameters, model, source(rows, 16), config)) {
        step.begin(new SavableRandom(0), 0);
        long batches = 0;
        int k = 1;
        while (step.hasNext()) {
          if (i == 1) {
            host.fail("cudaMalloc", k, outOfMemory, false);
          }
          try {
            batches += step.run(0.01);
            k = 1;
          } catch (DeviceOutOfMemoryException e) {
            failures++;
            k++;
          } finally {
            host.clearFault();
          }
        }
        assertEquals(10, batches);
        results[i] = model.weights();
      }
    }
    assertTrue(failures > 50, failures + " failures");
    assertArrayEquals(results[0], results[1]);
  }

  @ParameterizedTest
  @CsvSource({"true, 1", "false, 1", "true, 2"})
  void stepsOfAnyLengthsAllocateNothing(boolean lengths, int microBatches) throws IOException {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    var rows = rows(16 * 1500 * microBatches, lengths ? 3 : 12, 12);
    var config = CONFIG.microBatches(microBatches);
    try (var model = new Classifier(device, Precision.FP32, lengths);
        var step = Step.create(model.parameters, model, source(rows, 16), config)) {
      var random = new SavableRandom(0);
      step.begin(random, 0);
      while (step.hasNext()) {
        step.run(0.01);
      }
      long allocations = allocations();
      step.begin(random, 0);
      long least = Long.MAX_VALUE;
      // Until all that runs is compiled.
      for (int round = 0; least > 0 && round < 15; round++) {
        long start = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
          step.run(0.01);
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - start);
      }
      assertEquals(0, least, "bytes of Java heap in 100 steps");
      assertEquals(allocations, allocations(), "allocations of the device in the first epoch");
    }
  }

  /** Those of any memory that a device can use. */
  private static long allocations() {
    return HostControl.ifHost()
        .map(host -> host.calls("cudaMalloc") + host.calls("cudaHostAlloc"))
        .orElse(0L);
  }
}
