package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.data.RecordException;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.ParameterRange;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What objectives, data, metrics and optimizers do wrong is told, costs nothing that lasts and
 * changes no number.
 */
class MisuseTest extends MisuseFixture {

  private static void run(Step step) throws IOException {
    step.begin(new SavableRandom(0), 0);
    while (step.hasNext()) {
      step.run(0.5);
    }
  }

  @Test
  void anObjectiveReturnsALossOfItsTape() {
    try (var other = Tape.training(device, Precision.FP32)) {
      Loss foreign = guess(other, other.indices(2));
      Objective wrong = (_, _) -> foreign;
      try (var trainer = Trainer.of(parameters, wrong, SOURCE, CONFIG)) {
        var e = assertThrows(IllegalArgumentException.class, trainer::run);
        assertEquals("the objective returned a loss of another tape", e.getMessage());
      }
      var e =
          assertThrows(
              IllegalArgumentException.class, () -> Evaluator.loss(parameters, wrong, SOURCE));
      assertEquals("the objective returned a loss of another tape", e.getMessage());
    }
    try (var trainer = Trainer.of(parameters, (_, _) -> null, SOURCE, CONFIG)) {
      var e = assertThrows(NullPointerException.class, trainer::run);
      assertEquals("the loss that the objective returned", e.getMessage());
    }
  }

  /** It would train to the end without a change of anything. */
  @Test
  void aLossDependsOnAParameter() throws IOException {
    Objective constant = (tape, in) -> tape.crossEntropy(tape.input(2, 3), in.labels("label"));
    Objective detached =
        (tape, in) -> {
          Tensor logits = tape.detach(words.on(tape, in.labels("label")));
          return tape.sum(
              tape.crossEntropy(logits, in.labels("label")), tape.loss(tape.slice(logits, 0, 1)));
        };
    Objective chain =
        (tape, in) -> {
          Tensor none = tape.input(3);
          return tape.linearChain(tape.input(3, 3), none, none, in.lengths("words"))
              .loss(tape.oneHot(in.tokens("words"), 3), in.tokens("words"));
        };
    for (Objective each : List.of(constant, detached, chain)) {
      try (var step = Step.create(parameters, each, SOURCE, CONFIG)) {
        var e = assertThrows(IllegalArgumentException.class, () -> run(step));
        assertEquals("the objective's loss depends on no parameter", e.getMessage());
      }
      assertTrue(Double.isFinite(Evaluator.loss(parameters, each, SOURCE)));
    }
    Objective inPart =
        (tape, in) -> tape.sum(constant.record(tape, in), guess(tape, in.labels("label")));
    try (var step = Step.create(parameters, inPart, SOURCE, CONFIG)) {
      run(step);
    }
  }

  /** Also where a captured step would only be played again. */
  @Test
  void aStepWhoseParametersHaveBecomeReadOnlyIsRefused() throws IOException {
    try (var step = Step.create(parameters, guess(), SOURCE, CONFIG)) {
      run(step);
      run(step);
      float[] before = parameters.weights().toFloats();
      parameters.setReadOnly();
      var e = assertThrows(IllegalStateException.class, () -> run(step));
      assertEquals("the parameters are read-only", e.getMessage());
      assertArrayEquals(before, parameters.weights().toFloats());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatCannotBeRecordedLeavesNothing(boolean training) throws IOException {
    boolean[] fails = {true};
    Objective objective =
        (tape, in) -> {
          Loss loss = guess(tape, in.labels("label"));
          if (fails[0]) {
            throw new IllegalStateException("no");
          }
          return loss;
        };
    try (var step = Step.create(parameters, objective, SOURCE, CONFIG);
        var evaluator = Evaluator.create(parameters, objective, SOURCE)) {
      Executable attempt = training ? () -> run(step) : evaluator::evaluate;
      assertThrows(IllegalStateException.class, attempt);
      var before = HostControl.ifHost().map(HostControl::live);
      for (int i = 0; i < 3; i++) {
        assertThrows(IllegalStateException.class, attempt);
      }
      assertEquals(before, HostControl.ifHost().map(HostControl::live));
      fails[0] = false;
      run(step);
      assertTrue(evaluator.loss() < 1);
    }
  }

  @Test
  void aLearningRateIsANumber() throws IOException {
    try (var step = Step.create(parameters, guess(), SOURCE, CONFIG)) {
      step.begin(new SavableRandom(0), 0);
      for (double rate : new double[] {Double.NaN, Double.POSITIVE_INFINITY, -1}) {
        var e = assertThrows(IllegalArgumentException.class, () -> step.run(rate));
        assertEquals("learning rate " + rate + ", must be finite and at least 0", e.getMessage());
      }
      step.run(0.5);
      assertEquals(1, step.read().state().step());
    }
  }

  /** As of a step of other parameters whose objective goes through these. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void gradientsThatOthersLeaveDoNotCount(int microBatches) throws IOException {
    var config = CONFIG.microBatches(microBatches);
    double[][] results = new double[2][];
    for (int i = 0; i < 2; i++) {
      parameters.initialize(1);
      try (var step = Step.create(parameters, guess(), SOURCE, config)) {
        step.begin(new SavableRandom(0), 0);
        while (step.hasNext()) {
          if (i == 1) {
            float[] left = parameters.gradients().toFloats();
            Arrays.fill(left, 9);
            parameters.gradients().copyFrom(left);
          }
          step.run(0.5);
        }
      }
      results[i] = parameters.read("words.weight");
    }
    assertArrayEquals(results[0], results[1]);
  }

  /** Whatever the order of the records, and whoever reads them. */
  @Test
  void aNumberThatTheNetworkCannotTakeIsRefusedBeforeItsStep() throws IOException {
    var labels = Batches.<Integer>of(2).label("label", label -> label);
    var good = List.of(0, 1, -1, 1);
    var bad = List.of(0, 1, -1, 1, 0, 1, 2);
    String message = "record 7: label has 2, must be 0 to 1";
    for (var source : List.of(labels.over(bad), labels.over(bad).shuffled(1).bucketed(2))) {
      for (var config : List.of(CONFIG, CONFIG.microBatches(3), CONFIG.shards(2))) {
        try (var trainer = Trainer.of(parameters, guess(), source, config)) {
          var e = assertThrows(RecordException.class, trainer::run);
          assertEquals(message, e.getMessage());
          assertEquals(7, e.number());
        }
      }
    }
    try (var step = Step.create(parameters, guess(), labels.over(bad), CONFIG)) {
      assertThrows(RecordException.class, () -> run(step));
      assertThrows(RecordException.class, () -> step.run(0.5));
      assertEquals(3, step.read().state().step());
    }
    assertTrue(Evaluator.loss(parameters, guess(), labels.over(good)) < 2);
    var refused =
        assertThrows(
            RecordException.class, () -> Evaluator.loss(parameters, guess(), labels.over(bad)));
    assertEquals(message, refused.getMessage());
    refused =
        assertThrows(
            RecordException.class,
            () ->
                Outputs.of(
                    parameters,
                    Batches.<Integer>of(2)
                        .tokens("words", 3, n -> new int[] {0, n})
                        .shapes(1)
                        .over(List.of(2, 3)),
                    (tape, in) -> in.lengths("words").last(words.on(tape, in.tokens("words")))));
    assertEquals("record 2: words has 3 at step 1, must be 0 to 2", refused.getMessage());
  }

  @Test
  void eachOperationSaysWhichNumbersItCannotTake() {
    refuses(
        "record 1: numbers has 3 at step 1, must be 0 to 2",
        (tape, in) -> tape.loss(tape.oneHot(in.tokens("numbers"), 3)),
        1,
        3);
    refuses(
        "record 1: numbers has 3 at step 0, must be 0 to 2",
        (tape, in) -> tape.loss(tape.gather(words.weight().tensor(), in.tokens("numbers"))),
        3);
    // The blank is no label.
    refuses(
        "record 1: numbers has 0 at step 1, must be 1 to 1",
        (tape, in) -> {
          var numbers = in.lengths("numbers");
          Tensor logits = words.on(tape, tape.indices(3, 1));
          return tape.ctc(logits, tape.lengths(1), in.tokens("numbers"), numbers);
        },
        1,
        0);
    Objective chain =
        (tape, in) -> {
          Tensor emissions = words.on(tape, tape.indices(3, 1));
          var zeros = tape.input(2);
          return tape.linearChain(tape.input(2, 2), zeros, zeros, in.lengths("numbers"))
              .loss(emissions, in.labels("labels"));
        };
    refuses("record 1: labels has 2 at step 0, must be 0 to 1", chain, 2, -1);
    refuses("record 1: labels has -1 at step 1, must be 0 to 1", chain, 0, -1);
    refuses("record 1: labels has -1 at step 2, must be 0 to 1", chain, 0, 1, -1);
  }

  private void refuses(String message, Objective objective, int... numbers) {
    var source =
        Batches.<int[]>of(1)
            .tokens("numbers", 3, record -> IntStream.of(record).map(n -> Math.max(n, 0)).toArray())
            .labels("labels", "numbers", record -> record)
            .shapes(1)
            .over(List.of(numbers));
    var e =
        assertThrows(RecordException.class, () -> Evaluator.loss(parameters, objective, source));
    assertEquals(message, e.getMessage());
  }

  /** As of a text, which is not made of records. */
  @Test
  void aNumberOfNoRecordIsRefusedToo() {
    var text = TextWindows.training(new int[] {0, 1, 0, 9, 0, 1, 0, 1, 0, 1}, 2, 4, false);
    Objective next = (tape, in) -> guess(tape, in.labels(TextWindows.LABELS));
    try (var trainer = Trainer.of(parameters, next, text, CONFIG)) {
      var e = assertThrows(IOException.class, trainer::run);
      assertEquals("row 0 of a batch: labels has 9 at step 2, must be 0 to 1", e.getMessage());
    }
  }

  @Test
  void stepsThatAreSkippedAreToldWhileTraining() throws IOException {
    var numbers = Batches.<Float>of(2).vector("x", 2, x -> new float[] {x, 1});
    try (var model = Parameters.on(device, Precision.FP32);
        var out = new ByteArrayOutputStream()) {
      var linear = model.linear("linear", 2, 2);
      model.initialize(1);
      Objective same =
          (tape, in) -> tape.meanSquaredError(linear.on(tape, in.vector("x")), in.vector("x"));
      var source = numbers.over(List.of(0f, 1f, Float.NaN, 1f, 0f, 1f));
      try (var trainer = Trainer.of(model, same, source, CONFIG)) {
        trainer.validation(numbers.over(List.of(0f, 1f)));
        trainer.listener(TrainingListener.printing(new PrintStream(out))).run();
      }
      List<String> lines = out.toString(StandardCharsets.UTF_8).lines().toList();
      assertFalse(lines.getFirst().contains("skipped"), lines.getFirst());
      assertTrue(lines.get(1).endsWith(" tokens/s  1 skipped: not finite"), lines.get(1));
      String last = lines.getLast();
      assertTrue(last.matches("validation after 3 steps: loss [0-9.]+  \\(best\\)"), last);
    }
  }

  /** Each shape of a batch has states of its own. */
  @Test
  void aRefusedStepOfManyBatchesLeavesNoSpoiledState() throws IOException {
    int spoiling = 3;
    var source =
        Batches.<int[]>of(1)
            .tokens("words", 3, words -> words)
            .label("label", _ -> 1)
            .shapes(3)
            .over(
                List.of(
                    new int[] {spoiling},
                    new int[] {1, 2, 1},
                    new int[] {1},
                    new int[] {2, 1, 2},
                    new int[] {2},
                    new int[] {1, 1, 1}));
    try (var model = Parameters.on(device, Precision.FP32)) {
      var embedding = model.embedding("words", 4, 2);
      var rnn = model.rnn("rnn", RnnConfig.gru(2, 2));
      var linear = model.linear("linear", 2, 2);
      model.initialize(1);
      double[] vectors = model.read("words.weight");
      vectors[2 * spoiling] = Double.NaN;
      model.write("words.weight", vectors);
      Objective objective =
          (tape, in) -> {
            var x = embedding.on(tape, in.tokens("words"));
            var last = in.lengths("words").last(rnn.carried(tape, x));
            return tape.crossEntropy(linear.on(tape, last), in.labels("label"));
          };
      try (var trainer = Trainer.of(model, objective, source, CONFIG.microBatches(2))) {
        assertEquals(1, trainer.run().skipped());
      }
    }
  }

  @Test
  void aPassIsNotLeftOpenByWhatIsClosed() throws IOException {
    int[] open = {0};
    class Numbers implements Iterator<Integer>, AutoCloseable {
      private final Iterator<Integer> numbers = List.of(1, 2, 3).iterator();

      Numbers() {
        open[0]++;
      }

      @Override
      public boolean hasNext() {
        return numbers.hasNext();
      }

      @Override
      public Integer next() {
        return numbers.next();
      }

      @Override
      public void close() {
        open[0]--;
      }
    }
    var source = BATCHES.over(Numbers::new);
    var step = Step.create(parameters, guess(), source, CONFIG);
    step.close();
    var e = assertThrows(IllegalStateException.class, () -> step.begin(new SavableRandom(0), 0));
    assertEquals("the feed is closed", e.getMessage());
    assertEquals(0, open[0]);
    var left = Step.create(parameters, guess(), source, CONFIG);
    assertThrows(IllegalArgumentException.class, () -> left.begin(new SavableRandom(0), -1));
    assertEquals(0, open[0]);
    left.close();
  }

  @Test
  void dataToMeasureOnAreNotEmpty() {
    var none = BATCHES.over(List.of());
    var e =
        assertThrows(
            IOException.class,
            () -> Evaluator.evaluate(parameters, guess(), none, Metric.accuracy()));
    assertEquals("a pass without a batch: there are no data", e.getMessage());
  }

  @Test
  void metricsAreToldApart() {
    var e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                Evaluator.create(
                    parameters, guess(), SOURCE, Metric.accuracy(), Metric.accuracy()));
    assertEquals("two metrics accuracy", e.getMessage());
    for (String name : List.of("kind", "epoch", "step", "best")) {
      var taken = Metric.of(name, true, (_, _, loss) -> Metric.Meter.of(loss.meter()), _ -> 0);
      e =
          assertThrows(
              IllegalArgumentException.class,
              () -> Evaluator.create(parameters, guess(), SOURCE, taken));
      assertEquals("a metric named " + name + ", which is something else in a log", e.getMessage());
    }
    var nothing = Metric.of("mine", true, (_, _, _) -> null, _ -> 0);
    var n =
        assertThrows(
            NullPointerException.class,
            () -> Evaluator.evaluate(parameters, guess(), SOURCE, nothing));
    assertEquals("meter of mine", n.getMessage());
  }

  @Test
  void aBatchIsOfNoUseWhenItsStepIsClosed() throws IOException {
    var kept = new ArrayList<Batch>();
    Objective keeping =
        (tape, in) -> {
          kept.add(in);
          return guess(tape, in.labels("label"));
        };
    try (var step = Step.create(parameters, keeping, SOURCE, CONFIG)) {
      run(step);
    }
    var batch = kept.getFirst();
    for (Executable use :
        List.<Executable>of(
            () -> batch.labels("label"),
            () -> batch.tokens("words"),
            () -> batch.lengths("words"),
            batch::counted)) {
      var e = assertThrows(IllegalStateException.class, use);
      assertEquals("the feed is closed", e.getMessage());
    }
  }

  @Test
  void anOptimizerBindsARuleAndNamesItsMoments() {
    var nothing = new Own(_ -> null);
    var e =
        assertThrows(
            NullPointerException.class,
            () -> Step.create(parameters, guess(), SOURCE, TrainerConfig.of(nothing)));
    assertEquals("what the optimizer bound", e.getMessage());
    var nameless = new Own(range -> () -> range.moment(null));
    e =
        assertThrows(
            NullPointerException.class,
            () -> {
              try (var step =
                  Step.create(parameters, guess(), SOURCE, TrainerConfig.of(nameless))) {
                run(step);
              }
            });
    assertEquals("name", e.getMessage());
  }

  private record Own(Function<ParameterRange, Runnable> rule) implements Optimizer {
    @Override
    public double learningRate() {
      return 1;
    }

    @Override
    public Optimizer withLearningRate(double rate) {
      return this;
    }

    @Override
    public Runnable bind(ParameterRange range) {
      return rule.apply(range);
    }
  }
}
