package io.github.cudnn4j.model;

import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.model.BeamSearch.Hypothesis;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.RecurrentOutput;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class StepRunnerTest {
  private static final int TIME = 6;
  private static final String CHARACTERS = "abcdefghij";

  private static final List<String> MADE_BY =
      List.of(
          "cudaMalloc",
          "cudaHostAlloc",
          "cuLaunchKernel",
          "cudaMemcpyAsync",
          "cudnnRNNForward",
          "cudaStreamBeginCapture",
          "cudaGraphInstantiate");

  private static LanguageModel model(Device device, RnnMode mode, Precision precision) {
    return LanguageModel.create(
        device,
        Vocabulary.of(CHARACTERS),
        LanguageModelConfig.of(RnnConfig.of(mode, 8, 12).layers(2).precision(precision)).seed(3));
  }

  /** The logits of each step of each row, {@code [T][B][V]}, all at once. */
  private static float[][][] atOnce(LanguageModel model, int[][] tokens) {
    int batch = tokens[0].length;
    try (Tape tape = Tape.inference(model.device(), model.precision())) {
      Indices in = tape.indices(tokens.length, batch);
      Tensor logits = model.logits(tape, in);
      in.buffer().copyFrom(Arrays.stream(tokens).flatMapToInt(IntStream::of).toArray());
      tape.forward();
      float[] values = floats(logits);
      int classes = logits.columns();
      float[][][] rows = new float[tokens.length][batch][];
      for (int i = 0; i < tokens.length * batch; i++) {
        rows[i / batch][i % batch] = Arrays.copyOfRange(values, i * classes, (i + 1) * classes);
      }
      return rows;
    }
  }

  private static float[] floats(Tensor tensor) {
    if (tensor.type() != ElementType.FLOAT64) {
      return tensor.value().toFloats();
    }
    double[] wide = tensor.value().toDoubles();
    float[] values = new float[wide.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) wide[i];
    }
    return values;
  }

  private static int[][] tokens(int time, int batch) {
    SplittableRandom random = new SplittableRandom(5);
    int[][] tokens = new int[time][batch];
    for (int[] step : tokens) {
      Arrays.setAll(step, i -> random.nextInt(CHARACTERS.length() + 1));
    }
    return tokens;
  }

  /** Sequences that change rows and places at each step, in batches with rows of nobody. */
  @ParameterizedTest
  @CsvSource({
    "LSTM, FP32, 1e-5",
    "GRU, FP32, 1e-5",
    "LSTM, FP64, 1e-6",
    "TANH, FP64, 1e-6",
    "LSTM, FP16, 1e-2",
    "GRU, BF16, 1e-1"
  })
  void stepsOfStatesThatMoveAreTheWholeSequence(
      RnnMode mode, Precision precision, float tolerance) {
    int batch = 3;
    int places = 7;
    int[][] tokens = tokens(TIME, batch);
    try (Device device = Device.open();
        LanguageModel model = model(device, mode, precision);
        StepRunner runner = model.steps(places, 1, 4)) {
      float[][][] expected = atOnce(model, tokens);
      float[] logits = new float[runner.classes()];
      StepPlan plan = runner.plan(batch);
      assertEquals(4, plan.rows());
      for (int t = 0; t < TIME; t++) {
        for (int row = 0; row < batch; row++) {
          int sequence = (row + t) % batch;
          int from = t == 0 ? -1 : (2 * sequence + 3 * (t - 1)) % places;
          plan.set(row, tokens[t][sequence], from, (2 * sequence + 3 * t) % places);
        }
        runner.run(plan, batch);
        for (int row = 0; row < batch; row++) {
          plan.logits(row, logits);
          assertArrayEquals(expected[t][(row + t) % batch], logits, tolerance, "step " + t);
        }
      }
    }
  }

  /** With a projection, h and c are of different widths. */
  @ParameterizedTest
  @CsvSource({"FP32, 1e-5", "FP64, 1e-6", "FP16, 1e-2", "BF16, 1e-1"})
  void readsVectors(Precision precision, float tolerance) {
    RnnConfig config = RnnConfig.lstm(5, 9).projection(4).layers(2).precision(precision);
    float[] vectors = new float[TIME * 5];
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < vectors.length; i++) {
      vectors[i] = (float) random.nextDouble(-1, 1);
    }
    try (Device device = Device.open();
        Rnn rnn = Rnn.create(device, config);
        Tape tape = Tape.inference(device, precision)) {
      rnn.initialize(2);
      Tensor x = tape.input(TIME, 1, 5);
      Tensor y = tape.rnn(rnn, x).y();
      if (precision == Precision.FP64) {
        x.value()
            .copyFrom(IntStream.range(0, vectors.length).mapToDouble(i -> vectors[i]).toArray());
      } else {
        x.value().copyFrom(vectors);
      }
      tape.forward();
      float[] expected = floats(y);
      StepNetwork network =
          (steps, in) -> {
            RecurrentOutput out = steps.rnn(rnn, in.floats(), in.state(0), in.state(1));
            assertThrows(IllegalStateException.class, in::tokens);
            return StepNetwork.Output.of(out.y(), out);
          };
      try (StepRunner runner =
          StepRunner.ofFloats(device, precision, network, StepNetwork.State.of(config), 5, 3, 2)) {
        StepPlan plan = runner.plan(2);
        float[] logits = new float[4];
        for (int t = 0; t < TIME; t++) {
          plan.set(0, -1, t == 0 ? -1 : 2, 2);
          plan.set(0, Arrays.copyOfRange(vectors, t * 5, t * 5 + 5));
          runner.run(plan, 1);
          plan.logits(0, logits);
          assertArrayEquals(
              Arrays.copyOfRange(expected, t * 4, t * 4 + 4), logits, tolerance, "step " + t);
        }
      }
    }
  }

  /** Against a function without states, which computes each hypothesis from its beginning. */
  @Test
  void aBeamOnTheDeviceIsTheBeamOverWholeSequences() {
    BeamSearch search = BeamSearch.of(4, 2, 7).lengthPenalty(0.7).best(3);
    int[] starts = {1, 5, 1};
    try (Device device = Device.open();
        LanguageModel model = model(device, RnnMode.LSTM, Precision.FP32);
        StepRunner runner = model.steps(12, 12)) {
      List<List<Integer>> read = new ArrayList<>();
      StepFunction whole =
          (parents, symbols) -> {
            List<List<Integer>> before = List.copyOf(read);
            read.clear();
            int[][] tokens = new int[before.isEmpty() ? 1 : before.getFirst().size() + 1][12];
            for (int row = 0; row < parents.length; row++) {
              List<Integer> longer =
                  new ArrayList<>(before.isEmpty() ? List.of() : before.get(parents[row]));
              longer.add(symbols[row]);
              read.add(longer);
              for (int t = 0; t < tokens.length; t++) {
                tokens[t][row] = longer.get(t);
              }
            }
            return atOnce(model, tokens)[tokens.length - 1];
          };
      List<List<Hypothesis>> expected = search.search(whole, starts);

      List<List<Hypothesis>> found = search.search(runner, starts);

      for (int i = 0; i < starts.length; i++) {
        assertEquals(3, found.get(i).size());
        for (int k = 0; k < 3; k++) {
          assertEquals(expected.get(i).get(k).symbols(), found.get(i).get(k).symbols());
          assertEquals(expected.get(i).get(k).score(), found.get(i).get(k).score(), 1e-4);
        }
      }
      assertEquals(found.get(0), found.get(2), "the same start");
      runner.reset();
      assertEquals(found, search.search(runner, starts), "once more");
    }
  }

  /** A state that was written is what the first step goes on from. */
  @Test
  void beginsWithTheStatesThatAnEncoderLeft() {
    try (Device device = Device.open();
        StepRunner runner =
            StepRunner.ofTokens(
                device, Precision.FP32, CountingNetwork.NETWORK, CountingNetwork.STATES, 3, 3)) {
      runner.state(0).copyFrom(new float[] {1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9});
      float[][] logits = runner.advance(new int[] {1, 1, 0}, new int[] {1, 2, 3});
      assertArrayEquals(new float[] {2, 1, 0, 0}, logits[0]);
      assertArrayEquals(new float[] {2, 0, 1, 0}, logits[1]);
      assertArrayEquals(new float[] {1, 0, 0, 1}, logits[2]);
      logits = runner.advance(new int[] {2, 0, 0}, new int[] {0, 0, 3});
      assertArrayEquals(new float[] {2, 0, 0, 1}, logits[0]);
      assertArrayEquals(new float[] {3, 1, 0, 0}, logits[1]);
      assertArrayEquals(new float[] {2, 1, 0, 1}, logits[2]);
    }
  }

  /** A call that fails while a graph is captured costs the graph only. */
  @Test
  void whatCannotBeMadeLeavesNothing() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device can be made to fail");
    var host = HostControl.get();
    var warnings = new ArrayList<String>();
    var logger = Logger.getLogger("io.github.cudnn4j");
    logger.setFilter(
        entry -> {
          warnings.add(entry.getMessage());
          return false;
        });
    try (Device device = Device.open();
        LanguageModel model = model(device, RnnMode.LSTM, Precision.FP32)) {
      model.steps(2, 1, 2).close();
      var live = host.live();
      for (String function : MADE_BY) {
        long before = host.calls(function);
        model.steps(2, 1, 2).close();
        long calls = host.calls(function) - before;
        int failed = 0;
        for (long k = 1; k <= calls; k++) {
          host.fail(function, k, Cudart.cudaErrorUnknown(), false);
          try (StepRunner runner = model.steps(2, 1, 2)) {
            host.clearFault();
            assertEquals(11, runner.advance(new int[2], new int[] {1, 2})[0].length);
          } catch (CudaException | CudnnException e) {
            failed++;
          } finally {
            host.clearFault();
          }
          assertEquals(live, host.live(), "after " + function + " " + k + " of " + calls);
        }
        boolean ofCapture = function.startsWith("cudaStream") || function.startsWith("cudaGraph");
        assertEquals(ofCapture, failed == 0, failed + " of " + calls + " of " + function);
      }
    } finally {
      logger.setFilter(null);
    }
    assertTrue(warnings.getFirst().startsWith("A step cannot be captured as a graph"));
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (Device device = Device.open()) {
      refuses("places is 0, must be 1 or more", () -> counting(device, 0, 1));
      refuses("batches are [], at least one of 1 or more is needed", () -> counting(device, 1));
      refuses(
          "batches are [2, 0], at least one of 1 or more is needed",
          () -> counting(device, 1, 2, 0));
      refuses(
          "features is 0, must be 1 or more",
          () ->
              StepRunner.ofFloats(
                  device, Precision.FP32, CountingNetwork.NETWORK, List.of(), 0, 1, 1));
      refuses("a state of 0 x 1, at least 1 x 1 is needed", () -> new StepNetwork.State(0, 1));
      refuses(
          "the network gives 0 states and takes 1",
          () ->
              StepRunner.ofTokens(
                  device,
                  Precision.FP32,
                  (tape, in) -> new StepNetwork.Output(in.state(0), List.of()),
                  CountingNetwork.STATES,
                  1,
                  1));
      refuses(
          "state 0 is Tensor[1, 2, 3] of FLOAT32, must be as before, Tensor[1, 2, 4] of FLOAT32",
          () ->
              StepRunner.ofTokens(
                  device,
                  Precision.FP32,
                  (tape, in) ->
                      new StepNetwork.Output(in.state(0), List.of(tape.oneHot(in.tokens(), 3))),
                  CountingNetwork.STATES,
                  1,
                  2));
      try (StepRunner runner = counting(device, 3, 2, 3)) {
        refuses(
            "2 rows for 3 places, in batches of up to 3; a search needs as many of each",
            () -> runner.advance(new int[2], new int[2]));
        refuses(
            "parent 1 is 3, must be in [0, 3)",
            () -> runner.advance(new int[] {0, 3, 0}, new int[3]));
      }
    }
  }

  private static StepRunner counting(Device device, int places, int... batches) {
    return StepRunner.ofTokens(
        device, Precision.FP32, CountingNetwork.NETWORK, CountingNetwork.STATES, places, batches);
  }
}
