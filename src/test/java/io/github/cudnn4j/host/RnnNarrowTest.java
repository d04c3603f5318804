package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.host.RawRnn.Setup;
import io.github.cudnn4j.testing.Closeness;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Recurrent networks in HALF and BFLOAT16 against the same networks in wider types that get the
 * same, rounded numbers.
 */
class RnnNarrowTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int DOUBLE = Cudnn.CUDNN_DATA_DOUBLE();
  private static final int HALF = Cudnn.CUDNN_DATA_HALF();
  private static final int BFLOAT16 = Cudnn.CUDNN_DATA_BFLOAT16();
  private static final int UNPACKED = Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED();

  /** The pairs of data type and math precision, with half a unit in the last place of 1. */
  enum Pair {
    HALF_FLOAT(HALF, FLOAT, 0x1p-11),
    BFLOAT16_FLOAT(BFLOAT16, FLOAT, 0x1p-8),
    HALF_HALF(HALF, HALF, 0x1p-11);

    private final int type;
    private final int math;
    private final double epsilon;

    Pair(int type, int math, double epsilon) {
      this.type = type;
      this.math = math;
      this.epsilon = epsilon;
    }
  }

  private RawCudnn cudnn;

  @BeforeEach
  void open() {
    cudnn = new RawCudnn();
  }

  @AfterEach
  void close() {
    cudnn.close();
  }

  private static void train(RawRnn rnn) {
    // Between the calls the workspace may be used for anything.
    rnn.poisonWorkspace();
    succeed(rnn.forward());
    rnn.poisonWorkspace();
    succeed(rnn.backwardData());
    rnn.poisonWorkspace();
    succeed(rnn.backwardWeights());
  }

  @ParameterizedTest
  @EnumSource
  void resultsAreThoseOfDoubleButForRounding(Pair pair) {
    // With so small weights a rounding hardly outlives its step.
    var outputs = Closeness.within(2 * pair.epsilon);
    var gradients = Closeness.within(4 * pair.epsilon);
    for (int seed = 0; seed < 60; seed++) {
      try (var scope = new RawCudnn()) {
        var setup = any(new Random(seed)).type(pair.type, pair.math);
        var narrow = new RawRnn(scope, setup);
        var expected = new RawRnn(scope, setup.type(DOUBLE, DOUBLE));
        // So small that a state does not grow from step to step.
        var weights = narrow.read(RawRnn.Buffer.WEIGHTS);
        Arrays.setAll(weights, i -> weights[i] / Math.sqrt(setup.hidden()));
        scope.write(narrow.weights, pair.type, weights);
        expected.copyFrom(narrow);
        train(narrow);
        train(expected);
        for (var buffer : RawRnn.Buffer.RESULTS) {
          (buffer.isGradient() ? gradients : outputs)
              .check(
                  "seed " + seed + ", " + setup + ": " + buffer,
                  expected.read(buffer),
                  narrow.read(buffer));
        }
      }
    }
  }

  /** Any network that cuDNN takes with small sizes, and any sequences of up to eight steps. */
  private static Setup any(Random random) {
    int[] cells = {
      Cudnn.CUDNN_RNN_RELU(), Cudnn.CUDNN_RNN_TANH(), Cudnn.CUDNN_LSTM(), Cudnn.CUDNN_GRU()
    };
    int[] layouts = {
      UNPACKED,
      Cudnn.CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_PACKED(),
      Cudnn.CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED()
    };
    int cell = cells[random.nextInt(4)];
    int hidden = random.nextInt(1, 40);
    int output =
        cell == Cudnn.CUDNN_LSTM() && random.nextBoolean() ? random.nextInt(1, hidden + 1) : hidden;
    boolean skips = random.nextInt(4) == 0;
    int layout = layouts[random.nextInt(3)];
    int time = random.nextInt(1, 9);
    int[] lengths = random.ints(random.nextInt(1, 20), 1, time + 1).toArray();
    if (layout == layouts[1]) {
      lengths[0] = time;
      int[] ascending = Arrays.stream(lengths).sorted().toArray();
      Arrays.setAll(lengths, i -> ascending[ascending.length - 1 - i]);
    }
    return Setup.lstm(FLOAT)
        .cell(cell)
        .bias(random.nextInt(4))
        .layers(random.nextInt(1, 4), random.nextBoolean())
        .sizes(skips ? hidden : random.nextInt(1, 40), hidden, output)
        .skipsInput(skips)
        .sequences(layout, time, lengths);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "HALF_HALF")
  void oneStepGivesTheRoundedResultOfFloat(Pair pair) {
    assumeTrue(RawCudnn.onHost(), "on a GPU FLOAT's products are summed in another order");
    for (int cell = 0; cell < 4; cell++) {
      var setup =
          Setup.lstm(pair.type).cell(cell).layers(1, true).sizes(37, 50, 50).sequences(0, 1, 1, 1);
      var narrow = new RawRnn(cudnn, setup);
      var expected = new RawRnn(cudnn, setup.type(FLOAT, FLOAT));
      expected.copyFrom(narrow);
      train(narrow);
      train(expected);
      for (var buffer : RawRnn.Buffer.RESULTS) {
        var rounded = expected.read(buffer);
        Arrays.setAll(rounded, i -> RawCudnn.rounded(pair.type, rounded[i]));
        assertArrayEquals(rounded, narrow.read(buffer), "cell " + cell + ": " + buffer);
      }
    }
  }

  /** A unit that passes on what it gets: y = max(0, w x). */
  private RawRnn unit(int type, double weight, double x, int time) {
    var rnn =
        new RawRnn(
            cudnn,
            Setup.lstm(type)
                .cell(Cudnn.CUDNN_RNN_RELU())
                .bias(Cudnn.CUDNN_RNN_NO_BIAS())
                .layers(1, false)
                .sizes(1, 1, 1)
                .sequences(UNPACKED, time, time));
    var inputs = new double[time];
    Arrays.fill(inputs, x);
    cudnn.write(rnn.x, type, inputs);
    cudnn.write(rnn.weights, type, weight, 0);
    Arrays.fill(inputs, 1);
    cudnn.write(rnn.dy, type, inputs);
    cudnn.write(rnn.gradients, type, 0, 0);
    rnn.dhy = MemorySegment.NULL;
    return rnn;
  }

  @Test
  void whatIsTooLargeBecomesInfiniteAndNanStays() {
    for (int type : new int[] {HALF, BFLOAT16}) {
      double[] xs = {300, 0x1p-20, Double.NaN};
      double[] ys = {type == HALF ? Double.POSITIVE_INFINITY : 90112, 0x1.2cp-12, Double.NaN};
      for (int i = 0; i < xs.length; i++) {
        var rnn = unit(type, 300, xs[i], 1);
        succeed(rnn.forward());
        assertEquals(ys[i], rnn.read(rnn.y, 1)[0], "type " + type);
      }
    }
  }

  @Test
  void weightGradientsAreSummedInFloat() {
    // Summed one after the other in HALF they would end at 2048, in BFLOAT16 at 256. The host
    // device
    // sums at most 4096 steps at a time.
    for (int type : new int[] {HALF, BFLOAT16}) {
      for (int time = 4096; time <= 3 * 4096; time += 4096) {
        var rnn = unit(type, 1, 1, time);
        rnn.hx = MemorySegment.NULL;
        train(rnn);
        double[] expected = {time, RawCudnn.rounded(type, time - 1)};
        assertArrayEquals(
            expected, rnn.read(rnn.gradients, 2), "type " + type + ", " + time + " steps");
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void paddingIsNeitherReadNorLeftUnfilled(Pair pair) {
    var setup = Setup.lstm(pair.type).type(pair.type, pair.math).sequences(UNPACKED, 3, 1, 3);
    var rnn = new RawRnn(cudnn, setup, MemorySegment.NULL, cudnn.scalar(pair.type, -1.5));
    var inputs = rnn.read(rnn.x, setup.inputElements());
    // Row 0 has one step of three.
    for (int t = 1; t < 3; t++) {
      int from = t * setup.batch() * setup.input();
      Arrays.fill(inputs, from, from + setup.input(), Double.NaN);
    }
    cudnn.write(rnn.x, pair.type, inputs);
    succeed(rnn.forward());
    var outputs = rnn.read(rnn.y, setup.outputElements());
    int width = setup.hidden() * setup.directions();
    for (int i = 0; i < outputs.length; i++) {
      boolean padding = i / width % setup.batch() == 0 && i / width / setup.batch() > 0;
      assertEquals(padding, outputs[i] == -1.5, "y[" + i + "] = " + outputs[i]);
      assertEquals(false, Double.isNaN(outputs[i]), "y[" + i + "]");
    }
  }

  @ParameterizedTest
  @EnumSource
  void theSameSeedDropsTheSameElements(Pair pair) {
    assumeTrue(RawCudnn.onHost(), "cuDNN does not say which elements a seed drops");
    var setup = Setup.lstm(pair.type).type(pair.type, pair.math).sizes(16, 24, 24);
    var narrow = new RawRnn(cudnn, setup, dropout(), MemorySegment.NULL);
    var expected = new RawRnn(cudnn, setup.type(DOUBLE, DOUBLE), dropout(), MemorySegment.NULL);
    expected.copyFrom(narrow);
    train(narrow);
    train(expected);
    for (var buffer : RawRnn.Buffer.RESULTS) {
      Closeness.within(8 * pair.epsilon)
          .check(buffer.toString(), expected.read(buffer), narrow.read(buffer));
    }
  }

  private MemorySegment dropout() {
    var dropout =
        cudnn.create(Cudnn::cudnnCreateDropoutDescriptor, Cudnn::cudnnDestroyDropoutDescriptor);
    long bytes = cudnn.size(out -> Cudnn.cudnnDropoutGetStatesSize(cudnn.handle, out));
    succeed(
        Cudnn.cudnnSetDropoutDescriptor(
            dropout, cudnn.handle, 0.4f, cudnn.allocate(bytes), bytes, 7));
    return dropout;
  }
}
