package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.precision;
import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.write;
import static io.github.cudnn4j.tape.Gradients.play;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Blas;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Gradients through operations that share tensors, against differences of the loss. */
class TapeGradientTest {

  private static final int TIME = 3;
  private static final int BATCH = 2;

  private Device device;
  private DrawnParameters parameters;

  @BeforeEach
  void open() {
    device = Device.open();
    parameters = new DrawnParameters(device, new SplittableRandom(5));
  }

  @AfterEach
  void close() {
    parameters.close();
    device.close();
  }

  private Tensor parameter(int... shape) {
    return parameters.draw(ElementType.FLOAT64, shape);
  }

  private Rnn network(RnnConfig config) {
    var rnn = Rnn.create(device, config.precision(Precision.FP64));
    parameters.add(rnn);
    rnn.initialize(3);
    return rnn;
  }

  private interface Network {
    /** Records operations on the parameters; returns logits {@code [..., V]}. */
    Tensor on(Tape tape);
  }

  /** Compares the gradients of the cross-entropy with differences, also replayed from a graph. */
  private void check(Network network) {
    try (var tape = Tape.training(device, Precision.FP64)) {
      var logits = network.on(tape);
      var targets = tape.indices(Arrays.copyOf(logits.shape(), logits.rank() - 1));
      var labels = new int[logits.rows()];
      Arrays.setAll(labels, i -> i % logits.columns());
      targets.buffer().copyFrom(labels);
      var loss = tape.crossEntropy(logits, targets);
      Gradients.check(tape, loss, parameters.all());
    }
  }

  private double[][] gradients(Runnable step) {
    return Gradients.of(parameters.all(), step);
  }

  @Test
  void aTensorThatFeedsManyOperations() {
    var x = parameter(4, 3);
    var weight = parameter(3, 3);
    check(
        tape -> {
          var y = tape.linear(x, weight, null);
          var a = tape.multiply(y, tape.tanh(y));
          var b = tape.add(tape.scale(y, -0.7), tape.sigmoid(a));
          return tape.add(tape.multiply(b, b), tape.relu(y));
        });
  }

  @Test
  void aParameterThatFeedsManyOperations() {
    var x = parameter(2, 3);
    check(tape -> tape.add(tape.multiply(x, x), tape.add(x, tape.scale(x, 3))));
  }

  @Test
  void weightsThatAreComputed() {
    var table = parameter(3, 3);
    var bias = parameter(3);
    check(
        tape -> {
          var weight = tape.tanh(table);
          var shift = tape.tanh(bias);
          var x = tape.reshape(tape.embedding(tape.indices(2), weight), 2, 3);
          var y = tape.linear(tape.linear(x, weight, shift), weight, shift);
          var z = tape.layerNorm(y, shift, shift, 1e-5);
          return tape.concatenate(tape.reshape(z, 3, 2), tape.multiply(weight, weight));
        });
  }

  /** One row is a part without gaps, of fewer columns than the whole. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void columnsTakenApartAndPutTogether(int rows) {
    var x = parameter(rows, rows, 5);
    var z = parameter(rows, rows, 1);
    check(
        tape -> {
          var y = tape.tanh(x);
          return tape.concatenate(
              tape.slice(y, 3, 2), z, tape.slice(y, 0, 4), tape.multiply(z, z), y);
        });
  }

  @Test
  void partsOfAnyExtent() {
    var x = parameter(3, 2, 4);
    check(
        tape -> {
          var y = tape.tanh(x);
          var time = tape.concatenate(0, tape.slice(y, 0, 1, 2), y, tape.slice(x, 0, 0, 1));
          var batch = tape.concatenate(1, tape.slice(time, 1, 1, 1), time);
          return tape.slice(batch, 0, 1, 5);
        });
  }

  @Test
  void stepsOfASequenceAndASequenceOfSteps() {
    var x = parameter(4, 2, 3);
    var state = parameter(2, 3);
    check(
        tape -> {
          var steps = tape.unbind(tape.tanh(x));
          var first = tape.add(state, steps.get(0));
          var second = tape.multiply(first, steps.get(3));
          var third = tape.add(tape.multiply(second, steps.get(3)), steps.get(0));
          var again = tape.unbind(x).get(2);
          return tape.stack(first, tape.tanh(second), third, tape.multiply(again, state));
        });
  }

  @Test
  void aVectorForEachStep() {
    var x = parameter(4, 2, 3);
    var vector = parameter(3);
    check(
        tape -> {
          var once = tape.repeat(tape.tanh(vector), 2);
          var often = tape.reshape(tape.repeat(vector, 8), 4, 2, 3);
          return tape.multiply(tape.add(x, tape.repeat(once, 4)), often);
        });
  }

  @Test
  void quotientsPowersAndLogarithms() {
    var x = parameter(2, 3);
    var y = parameter(2, 3);
    check(
        tape -> {
          var power = tape.exp(y);
          return tape.divide(tape.log(tape.add(tape.multiply(x, x), power)), power);
        });
  }

  @ParameterizedTest
  @EnumSource
  void statesFromEncoderToDecoder(Cell cell) {
    var x = parameter(TIME, BATCH, 2);
    var z = parameter(TIME + 1, BATCH, 3);
    var encoder = network(cell.config(2, 3));
    var decoder = network(cell.config(3, 3));
    check(
        tape -> {
          var encoded = tape.rnn(encoder, x);
          var decoded = tape.rnn(decoder, z, encoded.h(), encoded.c());
          // The encoder's states and outputs are used again.
          var last = tape.add(decoded.h(), encoded.h());
          var rows = tape.concatenate(last, tape.tanh(encoded.h()));
          return decoded.c() == null ? rows : tape.concatenate(rows, decoded.c());
        });
  }

  @Test
  void learnedInitialStates() {
    var x = parameter(TIME, BATCH, 2);
    var h0 = parameter(4, BATCH, 3);
    var c0 = parameter(4, BATCH, 3);
    var rnn = network(RnnConfig.lstm(2, 3).layers(2).bidirectional());
    check(tape -> tape.tanh(tape.rnn(rnn, tape.tanh(x), h0, c0).y()));
  }

  @ParameterizedTest
  @EnumSource
  void statesAndOutputsOfSequencesOfAnyLengths(Cell cell) {
    var x = parameter(TIME, 3, 2);
    var encoder = network(cell.config(2, 3).bidirectional());
    var decoder = network(cell.config(6, 3).bidirectional());
    check(
        tape -> {
          var lengths = tape.lengths(3);
          lengths.set(2, TIME, 1);
          var encoded = tape.rnn(encoder, tape.tanh(x), lengths);
          var decoded = tape.rnn(decoder, encoded.y(), lengths, encoded.h(), encoded.c());
          return tape.concatenate(
              encoded.last(), decoded.last(), lengths.mean(encoded.y()), lengths.sum(decoded.y()));
        });
  }

  @Test
  void theLastStateOfTheLastLayer() {
    var x = parameter(TIME, BATCH, 2);
    var rnn = network(RnnConfig.lstm(2, 3).projection(2).layers(2).bidirectional());
    check(
        tape -> {
          var out = tape.rnn(rnn, tape.tanh(x));
          return tape.concatenate(out.last(), tape.scale(out.last(), 2));
        });
  }

  enum Cell {
    LSTM,
    PROJECTED,
    GRU,
    TANH;

    RnnConfig config(int inputs, int hidden) {
      return switch (this) {
        case LSTM -> RnnConfig.lstm(inputs, hidden);
        case PROJECTED -> RnnConfig.lstm(inputs, hidden).projection(hidden);
        case GRU -> RnnConfig.gru(inputs, hidden);
        case TANH -> RnnConfig.tanh(inputs, hidden);
      };
    }
  }

  @Test
  void softmaxAndItsLogarithm() {
    var x = parameter(2, 2, 5);
    check(
        tape -> {
          var y = tape.tanh(x);
          return tape.add(tape.softmax(y), tape.logSoftmax(tape.scale(y, 2)));
        });
  }

  @Test
  void layerNorm() {
    var x = parameter(2, 3, 5);
    var weight = parameter(5);
    var bias = parameter(5);
    check(
        tape -> {
          var y = tape.layerNorm(tape.tanh(x), weight, bias, 1e-3);
          return tape.layerNorm(y, weight, bias, 1e-3);
        });
  }

  @ParameterizedTest
  @CsvSource({"false, false", "false, true", "true, false", "true, true"})
  void productsOfMatrices(boolean transX, boolean transY) {
    var x = transX ? parameter(2, 4, 3) : parameter(2, 3, 4);
    var y = transY ? parameter(2, 5, 4) : parameter(2, 4, 5);
    check(tape -> tape.product(tape.tanh(x), transX, tape.tanh(y), transY));
  }

  @Test
  void sequencesOfAnyLengths() {
    var x = parameter(4, 3, 2);
    check(
        tape -> {
          var lengths = tape.lengths(3);
          lengths.set(2, 0, 4);
          var y = tape.tanh(x);
          var vectors = tape.concatenate(lengths.last(y), lengths.sum(y), lengths.mean(y));
          var steps = tape.add(lengths.mask(y), tape.scale(lengths.reverse(y), 2));
          return tape.concatenate(vectors, lengths.last(steps), lengths.sum(steps));
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void whatDoesNotCountIsNeitherReadNorLeft(ElementType type) {
    double nan = Double.NaN;
    var x = parameters.draw(type, 3, 2, 1); // [T, B, C]
    write(x.value(), new double[] {1, 4, 2, nan, nan, nan});
    try (var tape = Tape.training(device, precision(type))) {
      var lengths = tape.lengths(2);
      var rows = tape.reshape(tape.transpose(x), 2, 3); // [B, T]
      var outputs =
          List.of(
              lengths.mask(x),
              lengths.reverse(x),
              lengths.last(x),
              lengths.sum(x),
              lengths.mean(x),
              lengths.softmax(rows));
      lengths.set(2, 1);
      tape.forward();
      double p = 1 / (1 + Math.E);
      check(
          outputs,
          new double[][] {
            {1, 4, 2, 0, 0, 0}, {2, 4, 1, 0, 0, 0}, {2, 4}, {3, 4}, {1.5, 4}, {p, 1 - p, 0, 1, 0, 0}
          });
      // One below 0 counts as 0, one above T as T.
      lengths.buffer().copyFrom(new int[] {Integer.MIN_VALUE, Integer.MAX_VALUE});
      write(x.value(), new double[] {nan, 1, nan, 2, nan, 4});
      tape.forward();
      double all = Math.exp(1) + Math.exp(2) + Math.exp(4);
      check(
          outputs,
          new double[][] {
            {0, 1, 0, 2, 0, 4},
            {0, 4, 0, 2, 0, 1},
            {0, 4},
            {0, 7},
            {0, 7 / 3.0},
            {0, 0, 0, Math.exp(1) / all, Math.exp(2) / all, Math.exp(4) / all}
          });
    }
  }

  private static void check(List<Tensor> outputs, double[][] expected) {
    for (int i = 0; i < expected.length; i++) {
      Tensor output = outputs.get(i);
      Closeness.within(EveryTypeTest.rounding(output.type()))
          .check("output " + i + " in " + output.type(), expected[i], read(output.value()));
    }
  }

  @Test
  void viewsShareTheirGradient() {
    var x = parameter(2, 6);
    check(
        tape -> {
          var y = tape.tanh(x);
          var z = tape.reshape(y, 4, 3);
          return tape.multiply(tape.multiply(z, z), tape.reshape(tape.scale(y, 2), 4, 3));
        });
  }

  @Test
  void severalLossesAddUp() {
    var x = parameter(4, 3);
    try (var tape = Tape.training(device, Precision.FP64)) {
      var y = tape.tanh(x);
      var targets = tape.indices(4);
      tape.crossEntropy(y, targets);
      double[] once = gradients(() -> play(tape))[0];
      tape.crossEntropy(y, targets);
      double[] twice = gradients(() -> play(tape))[0];
      new Closeness(1e-15, 1e-15)
          .check("gradient", Arrays.stream(once).map(d -> 2 * d).toArray(), twice);
    }
  }

  @Test
  void statesThatNobodyUsesHaveNoGradient() {
    var x = parameter(TIME, BATCH, 2);
    var rnn = network(RnnConfig.lstm(2, 3));
    double[][] withStates;
    try (var tape = Tape.training(device, Precision.FP64)) {
      tape.crossEntropy(tape.rnn(rnn, x).y(), tape.indices(TIME, BATCH));
      withStates = gradients(() -> play(tape));
    }
    try (var tape = Tape.training(device, Precision.FP64)) {
      tape.crossEntropy(tape.carried(rnn, x), tape.indices(TIME, BATCH));
      double[][] without = gradients(() -> play(tape));
      assertArrayEquals(without[0], withStates[0]);
      assertArrayEquals(without[1], withStates[1]);
    }
  }

  @Test
  void refusesStatesThatDoNotFit() {
    var x = parameter(TIME, BATCH, 2);
    var state = parameter(1, BATCH, 3);
    var lstm = network(RnnConfig.lstm(2, 3));
    var gru = network(RnnConfig.gru(2, 3));
    try (var tape = Tape.training(device, Precision.FP64)) {
      refuses(
          "a cell of kind LSTM needs an initial cell state too",
          () -> tape.rnn(lstm, x, state, null));
      refuses("a cell of kind GRU has no cell state", () -> tape.rnn(gru, x, state, state));
      refuses(
          "h0 is Tensor[3, 2, 2] of FLOAT64, needed is the shape [1, 2, 3]",
          () -> tape.rnn(gru, x, x, null));
      // A refusal leaves the tape as it was.
      assertEquals(List.of(), tape.generatorStates());
      tape.crossEntropy(tape.rnn(gru, x, state, null).y(), tape.indices(TIME, BATCH));
      play(tape);
    }
  }

  /** As {@link Operation} shows it. */
  private record Multiple(Blas blas, double a, Tensor x, Tensor y) implements Operation {
    @Override
    public void forward() {
      y.value().copyFrom(x.value());
      blas.scal(a, y.value());
    }

    @Override
    public void backward() {
      if (x.gradient() != null) {
        x.gradient().copyFrom(y.gradient());
        blas.scal(a, x.gradient());
      }
    }
  }

  @Test
  void anOperationOfAUser() {
    var x = parameter(2, 3);
    check(
        tape -> {
          var y = tape.tanh(x);
          var z =
              tape.record(
                  y.shape(), (in, out) -> new Multiple(device.blas(), 2, in.get(0), out), y);
          return tape.multiply(y, z);
        });
  }

  @Test
  void anOperationThatCannotBeMadeLeavesTheTapeAsItWas() {
    var x = parameter(2, 3);
    check(
        tape -> {
          var y = tape.tanh(x);
          assertThrows(
              UnsupportedOperationException.class,
              () ->
                  tape.record(
                      y.shape(),
                      (in, out) -> {
                        throw new UnsupportedOperationException();
                      },
                      y));
          return tape.multiply(y, y);
        });
  }
}
