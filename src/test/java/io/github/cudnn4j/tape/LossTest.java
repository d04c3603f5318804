package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.precision;
import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.round;
import static io.github.cudnn4j.proof.Numbers.write;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.testing.Closeness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Losses: their means, their sums and their gradients. */
class LossTest {

  private final SplittableRandom random = new SplittableRandom(7);
  private final List<DeviceBuffer> buffers = new ArrayList<>();
  private final List<Tensor> parameters = new ArrayList<>();
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    buffers.forEach(DeviceBuffer::close);
    device.close();
  }

  private DeviceBuffer buffer(ElementType type, double[] values) {
    var buffer = DeviceBuffer.allocate(device, type, values.length);
    buffers.add(buffer);
    write(buffer, round(type, values));
    return buffer;
  }

  private Tensor parameter(ElementType type, int... shape) {
    int elements = (int) Tensor.elements(shape);
    var value = buffer(type, random.doubles(elements, -1, 1).toArray());
    var tensor = new Tensor(value, buffer(type, new double[elements]), shape);
    parameters.add(tensor);
    return tensor;
  }

  private Tensor parameter(int... shape) {
    return parameter(ElementType.FLOAT64, shape);
  }

  private static Indices indices(Tape tape, int[] values, int... shape) {
    var indices = tape.indices(shape);
    indices.buffer().copyFrom(values);
    return indices;
  }

  private void check(Function<Tape, Loss> loss) {
    try (var tape = Tape.training(device, Precision.FP64)) {
      Gradients.check(tape, loss.apply(tape), parameters);
    }
  }

  @Test
  void crossEntropyWithWeightsAndSmoothTargets() {
    var x = parameter(2, 3, 4);
    double[] weights = {0.5, 2, 0, 1};
    int[] labels = {0, -1, 3, 2, 1, -7};
    check(tape -> tape.crossEntropy(tape.scale(x, 3), indices(tape, labels, 2, 3), weights, 0.1));
  }

  /** Of probabilities down to 1e-36, and of classes that are excluded. */
  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP64"})
  void crossEntropyIsAccurateWherePredictionsAreUnlikely(Precision precision) {
    int classes = 650;
    double[] logits = new double[classes];
    Arrays.setAll(logits, c -> c % 7 == 6 ? Double.NEGATIVE_INFINITY : -c / 8.0);
    var x = new Tensor(buffer(precision.type(), logits), buffer(precision.type(), logits), classes);
    double sum = Arrays.stream(logits).map(Math::exp).sum();
    try (var tape = Tape.training(device, precision)) {
      Loss loss = tape.crossEntropy(tape.reshape(x, 1, classes), indices(tape, new int[1], 1));
      x.gradient().clear();
      Gradients.play(tape);
      double[] expected = Arrays.stream(logits).map(logit -> Math.exp(logit) / sum).toArray();
      expected[0] -= 1;
      double[] gradient = read(x.gradient());
      double within = precision == Precision.FP32 ? 4e-7 : 1e-15;
      for (int c = 0; c < classes; c++) {
        assertEquals(expected[c], gradient[c], within * Math.abs(expected[c]), "class " + c);
      }
      assertEquals(Math.log(sum), loss.read(), within * Math.log(sum));
    }
  }

  /** The mean of rows, of which one is not read because it does not count. */
  @Test
  void lossesOfRows() {
    var x = parameter(2, 3);
    var y = parameter(2, 3);
    check(tape -> tape.loss(tape.multiply(tape.tanh(x), y)));
    check(
        tape ->
            tape.loss(
                tape.multiply(tape.tanh(x), y),
                indices(tape, new int[] {0, -1, 5, 0, -3, 1}, 2, 3)));
    write(x.value(), new double[] {0.5, Double.NaN, 0.25, 1, Double.NaN, -2});
    try (var tape = Tape.training(device, Precision.FP64)) {
      var loss = tape.loss(tape.scale(x, 2), indices(tape, new int[] {0, -1, 5, 0, -3, 1}, 2, 3));
      double[] gradient = Gradients.of(List.of(x), () -> Gradients.play(tape))[0];
      assertEquals((0.5 + 0.25 + 1 - 2) / 2, loss.read());
      assertArrayEquals(new double[] {-0.5, 4, 0}, loss.meter().toDoubles());
      assertArrayEquals(new double[] {0.5, 0, 0.5, 0.5, 0, 0.5}, gradient);
    }
  }

  /** A loss as a user writes it: the square of each element, of which a row has the mean. */
  private record Squares(Tape tape, Tensor x, Tensor rows) implements Operation {
    @Override
    public void forward() {
      double[] values = read(x.value());
      int columns = x.columns();
      var losses = new double[x.rows()];
      for (int i = 0; i < values.length; i++) {
        losses[i / columns] += values[i] * values[i] / columns;
      }
      write(rows.value(), losses);
    }

    @Override
    public void backward() {
      double[] values = read(x.value());
      double[] share = read(rows.gradient());
      int columns = x.columns();
      Arrays.setAll(values, i -> 2 * values[i] / columns * share[i / columns]);
      write(x.gradient(), values);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void aLossOfAUserIsNotRoundedTo16Bits(ElementType type) {
    var x = parameter(type, 3, 2);
    write(x.value(), new double[] {300, 400, 0.5, 1, 7, 8});
    var scale = buffer(ElementType.FLOAT64, new double[] {64});
    try (var tape = Tape.training(device, precision(type), scale)) {
      var rows = tape.recordLosses(new int[] {3}, (in, y) -> new Squares(tape, in.get(0), y), x);
      var counted = indices(tape, new int[] {0, 0, -1}, 3);
      var loss = tape.loss(rows, counted);
      var half = tape.loss(rows, counted).times(0.5);
      double[] gradient = Gradients.of(parameters, () -> Gradients.play(tape))[0];
      // FLOAT16 ends at 65504.
      assertEquals((125_000 + 0.625) / 2, loss.read(), 0.005);
      assertEquals(loss.read(), half.read());
      double share = 1.5 * 64 / 2;
      double[] expected = {300 * share, 400 * share, 0.5 * share, share, 0, 0};
      expected = round(type, expected);
      Closeness.within(8e-3).check(type + " gradient", expected, gradient);
    }
  }

  @Test
  void aSumOfLosses() {
    var x = parameter(4, 3);
    var y = parameter(2, 5);
    check(
        tape -> {
          var labels = tape.crossEntropy(x, indices(tape, new int[] {0, 2, -1, 1}, 4));
          var rows = tape.loss(tape.multiply(y, y)).times(3);
          var both = tape.sum(labels, rows.times(0.5)).times(0.25);
          return tape.sum(both, tape.loss(x).times(-2));
        });
    try (var tape = Tape.training(device, Precision.FP64)) {
      var first = tape.loss(tape.scale(x, 1)).times(0.5);
      var second = tape.loss(tape.scale(y, 1)).times(-2);
      var total = tape.sum(first, second);
      for (int play = 1; play <= 2; play++) {
        tape.forward();
        double expected = 0.5 * first.read() - 2 * second.read();
        assertEquals(expected, total.read(), 1e-15);
        assertArrayEquals(
            new double[] {play * expected, play, 0}, total.meter().toDoubles(), 1e-14);
      }
      // A factor may change between steps, and a total that is not finite is left out.
      second.times(0.25);
      write(x.value(), new double[12]);
      tape.forward();
      assertEquals(-0.5 * second.read(), total.read(), 1e-15);
      double[] before = total.meter().toDoubles();
      x.value().copyFrom(new double[] {1 / 0.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
      tape.forward();
      assertEquals(1 / 0.0, total.read());
      before[2]++; // a play that is left out
      assertArrayEquals(before, total.meter().toDoubles());
    }
  }

  @Test
  void binaryCrossEntropy() {
    var x = parameter(2, 3, 4);
    var targets = buffer(ElementType.FLOAT64, random.doubles(24, 0, 1).toArray());
    var y = new Tensor(targets, null, 2, 3, 4);
    double[] weights = {0.5, 2, 0, 1};
    check(tape -> tape.binaryCrossEntropy(tape.scale(x, 3), y));
    int[] rows = {0, 1, -1, 0, -1, 3};
    int[] elements = new int[24];
    Arrays.setAll(elements, i -> i % 5 - 1);
    check(
        tape ->
            tape.sum(
                tape.binaryCrossEntropy(x, y, weights, indices(tape, rows, 2, 3)),
                tape.binaryCrossEntropy(x, y, weights, indices(tape, elements, 2, 3, 4)),
                tape.binaryCrossEntropy(x, y, null, indices(tape, new int[] {-1, 0}, 2))));
  }

  @Test
  void meanSquaredError() {
    var x = parameter(3, 2, 4);
    var y = parameter(3, 2, 4);
    check(
        tape -> {
          var lengths = tape.lengths(2);
          lengths.set(2, 3);
          return tape.sum(
              tape.meanSquaredError(tape.tanh(x), y),
              tape.meanSquaredError(y, x, lengths.steps(3)),
              tape.meanSquaredError(x, x));
        });
  }

  /** Of two rows with squares 1, 4 and 9, 16 of their differences, both or the second count. */
  @Test
  void rowsAreCountedAndWeighted() {
    var x = parameter(2, 2);
    var y = parameter(2, 2);
    write(x.value(), new double[] {1, 2, 3, 4});
    write(y.value(), new double[4]);
    try (var tape = Tape.training(device, Precision.FP64)) {
      var both = tape.meanSquaredError(x, y);
      var second = tape.meanSquaredError(x, y, indices(tape, new int[] {-1, 0}, 2));
      var total = tape.sum(both, second.times(3)).times(0.5);
      double[][] gradients = Gradients.of(List.of(x, y), () -> Gradients.play(tape));
      assertArrayEquals(new double[] {2.5 + 12.5, 2, 0}, both.meter().toDoubles());
      assertArrayEquals(new double[] {12.5, 1, 0}, second.meter().toDoubles());
      assertEquals(0.5 * (7.5 + 3 * 12.5), total.read());
      double[] expected = {0.25, 0.5, 0.5 * (1.5 + 3 * 3), 0.5 * (2 + 3 * 4)};
      assertArrayEquals(expected, gradients[0]);
      assertArrayEquals(Arrays.stream(expected).map(d -> -d).toArray(), gradients[1]);
    }
    double ln2 = Math.log(2);
    write(x.value(), new double[4]);
    var targets = new Tensor(buffer(ElementType.FLOAT64, new double[] {1, 0, 1, 1}), null, 2, 2);
    try (var tape = Tape.training(device, Precision.FP64)) {
      double[] weights = {3, 1};
      var both = tape.binaryCrossEntropy(x, targets, weights, null);
      var second =
          tape.binaryCrossEntropy(x, targets, weights, indices(tape, new int[] {-1, 0}, 2));
      tape.forward();
      assertArrayEquals(new double[] {2 * ln2 + 2 * ln2, 2, 0}, both.meter().toDoubles(), 1e-12);
      assertArrayEquals(new double[] {2 * ln2, 1, 0}, second.meter().toDoubles(), 1e-12);
    }
  }

  @Test
  void whatDoesNotCountIsNotRead() {
    var x = parameter(2, 2);
    var y = parameter(2, 2);
    for (var values : List.of(x.value(), y.value())) {
      write(values, new double[] {0.5, Double.NaN, 0.25, 0.125});
    }
    try (var tape = Tape.training(device, Precision.FP64)) {
      var counted = indices(tape, new int[] {0, -1, 0, 0}, 2, 2);
      var square = tape.meanSquaredError(tape.scale(x, 3), y, counted);
      var logistic = tape.binaryCrossEntropy(x, y, null, counted);
      double[][] gradients = Gradients.of(parameters, () -> Gradients.play(tape));
      assertEquals((1 + 0.25 + 0.0625) / 3, square.read(), 1e-15);
      assertEquals(3, logistic.meter().toDoubles()[1]);
      assertEquals(0, gradients[0][1]);
      assertEquals(0, gradients[1][1]);
      assertEquals(-2 * 2 * 0.5 / 3, gradients[1][0], 1e-15);
    }
  }

  @Test
  void stepsOfEachSequence() {
    try (var tape = Tape.inference(device, Precision.FP16)) {
      var lengths = tape.lengths(3);
      var steps = lengths.steps(2);
      lengths.set(1, 0, 7);
      tape.forward();
      assertArrayEquals(new int[] {0, -1, 0, -1, -1, 1}, steps.buffer().toInts());
      assertArrayEquals(new int[] {2, 3}, steps.shape());
    }
  }

  @Test
  void rowsThatAreGathered() {
    var x = parameter(2, 3, 4);
    int[] rows = {5, 0, -1, 5, 5, 2};
    check(
        tape -> {
          var y = tape.tanh(x);
          var picked = tape.gather(y, indices(tape, rows, 3, 2));
          return tape.loss(tape.multiply(picked, tape.gather(y, indices(tape, rows, 3, 2))));
        });
    try (var tape = Tape.inference(device, Precision.FP64)) {
      var y = tape.gather(x, indices(tape, new int[] {4, -1, 6}, 3));
      tape.forward();
      double[] values = read(x.value());
      var expected = new double[12];
      System.arraycopy(values, 16, expected, 0, 4);
      Arrays.fill(expected, 8, 12, Double.NaN);
      assertArrayEquals(expected, read(y.value()));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void predictionsAreCounted(ElementType type) {
    double nan = Double.NaN;
    double[] logits = {1, 3, 3, 0, -1, -2, -4, -3, -3, nan, nan, nan, nan, 2, 1, 1, 2, 3};
    try (var tape = Tape.inference(device, precision(type))) {
      var x = tape.input(3, 2, 3);
      write(x.value(), logits);
      var targets = indices(tape, new int[] {1, 2, 2, 0, -1, 3}, 3, 2);
      var predicted = tape.argmax(x);
      var loss = tape.crossEntropy(x, targets);
      var accuracy = tape.accuracy(loss);
      var confusion = tape.confusion(loss);
      tape.forward();
      assertArrayEquals(new int[] {1, 0, 1, -1, 1, 2}, predicted.buffer().toInts());
      tape.forward();
      assertArrayEquals(new double[] {2, 8}, accuracy.read());
      assertArrayEquals(new double[] {0, 0, 0, 0, 2, 0, 2, 2, 0}, confusion.read());
      accuracy.clear();
      try (var graph = device.stream().capture(tape::forward)) {
        graph.launch();
        assertArrayEquals(new double[] {1, 4}, accuracy.read());
      }
      refuses("the loss has no classes as targets", () -> tape.accuracy(tape.loss(tape.input(3))));
      refuses(
          "Tensor[3] of " + type + ", needed is a row for each number",
          () -> tape.argmax(tape.input(3)));
    }
  }

  @Test
  void refusesWhatIsNoLoss() {
    try (var tape = Tape.training(device, Precision.FP16);
        var other = Tape.training(device, Precision.FP64)) {
      var x = tape.input(2, 3);
      var loss = tape.crossEntropy(x, tape.indices(2));
      refuses("a sum of no losses", () -> tape.sum());
      refuses("a loss of another tape", () -> other.sum(loss));
      refuses("a loss is in the sum twice, use Loss.times", () -> tape.sum(loss, tape.sum(loss)));
      refuses("a loss times NaN, must be finite", () -> loss.times(Double.NaN));
      refuses(
          "losses are Tensor[2, 3] of FLOAT64, needed is FLOAT16 or FLOAT32",
          () -> tape.loss(other.input(2, 3)));
      refuses(
          "Indices[3, 2] as what counts of Tensor[2, 3] of FLOAT16",
          () -> tape.loss(x, tape.indices(3, 2)));
      refuses(
          "Indices[3] as targets of Tensor[2, 3] of FLOAT16",
          () -> tape.crossEntropy(x, tape.indices(3)));
      refuses(
          "2 class weights, but there are 3 classes",
          () -> tape.crossEntropy(x, tape.indices(2), new double[2], 0));
      refuses(
          "class weight -1.0, must be finite and 0 or more",
          () -> tape.crossEntropy(x, tape.indices(2), new double[] {1, -1, 0}, 0));
      refuses(
          "label smoothing 1.5, must be in [0, 1]",
          () -> tape.crossEntropy(x, tape.indices(2), null, 1.5));
      refuses(
          "Tensor[2, 3] of FLOAT16 and Tensor[3, 2] of FLOAT16, must have one shape",
          () -> tape.meanSquaredError(x, tape.input(3, 2)));
      refuses(
          "Indices[3] as what counts of Tensor[2, 3] of FLOAT16",
          () -> tape.meanSquaredError(x, x, tape.indices(3)));
      refuses(
          "Indices[2, 3, 1] as what counts of Tensor[2, 3] of FLOAT16",
          () -> tape.binaryCrossEntropy(x, x, null, tape.indices(2, 3, 1)));
      refuses(
          "2 class weights, but there are 3 classes",
          () -> tape.binaryCrossEntropy(x, x, new double[2], null));
      assertSame(x, loss.logits());
      assertArrayEquals(new int[] {2}, loss.targets().shape());
      assertNull(tape.loss(x).targets());
      assertNull(tape.loss(x).predictions());
    }
  }
}
