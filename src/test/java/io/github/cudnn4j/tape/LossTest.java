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

  /** The probability that steps are read as labels, by the sum over all ways to read them. */
  private static double probability(double[][] p, int[] labels) {
    int symbols = p[0].length;
    double total = 0;
    for (long path = 0; path < Math.pow(symbols, p.length); path++) {
      double product = 1;
      int before = 0;
      int read = 0;
      long rest = path;
      for (double[] step : p) {
        int symbol = (int) (rest % symbols);
        rest /= symbols;
        product *= step[symbol];
        if (symbol != 0 && symbol != before) {
          read = read >= 0 && read < labels.length && labels[read] == symbol ? read + 1 : -1;
          if (read < 0) {
            break;
          }
        }
        before = symbol;
      }
      total += read == labels.length ? product : 0;
    }
    return total;
  }

  /** Costs of the sequences of logits [T, B, 3], NaN for what has no alignment. */
  private static double[] costs(double[] logits, int[] steps, int[][] labels) {
    var costs = new double[steps.length];
    for (int b = 0; b < steps.length; b++) {
      var p = new double[steps[b]][3];
      for (int t = 0; t < steps[b]; t++) {
        int first = (t * steps.length + b) * 3;
        double[] row = Arrays.copyOfRange(logits, first, first + 3);
        double sum = Arrays.stream(row).map(Math::exp).sum();
        p[t] = Arrays.stream(row).map(v -> Math.exp(v) / sum).toArray();
      }
      double probability = steps[b] == 0 ? 0 : probability(p, labels[b]);
      costs[b] = probability == 0 ? Double.NaN : -Math.log(probability);
    }
    return costs;
  }

  private static double meanCost(double[] logits, int[] steps, int[][] labels) {
    return Arrays.stream(costs(logits, steps, labels)).filter(Double::isFinite).average().orElse(0);
  }

  /** Labels and lengths change between replays of one graph; some sequences have no alignment. */
  @Test
  void alignmentsOfLabels() {
    var x = parameter(4, 4, 3);
    var random = new SplittableRandom(3);
    try (var tape = Tape.training(device, Precision.FP64)) {
      var labels = tape.indices(3, 4);
      var labelLengths = tape.lengths(4);
      var steps = tape.lengths(4);
      var loss = tape.ctc(tape.scale(x, 2), steps, labels, labelLengths);
      tape.forward();
      assertEquals(0, loss.read(), "nothing counts");
      Gradients.play(tape);
      try (var graph = device.stream().capture(() -> Gradients.play(tape))) {
        for (int round = 0; round < 6; round++) {
          int[] lengths = random.ints(4, 0, 5).toArray();
          var taken = new int[4][];
          var packed = new int[12];
          Arrays.fill(packed, -1);
          for (int b = 0; b < 4; b++) {
            taken[b] = random.ints(random.nextInt(4), 1, 3).toArray();
            for (int l = 0; l < taken[b].length; l++) {
              packed[l * 4 + b] = taken[b][l];
            }
          }
          labels.buffer().copyFrom(packed);
          // A label sequence ends at its length or at a negative label.
          labelLengths.set(3, taken[1].length, 3, taken[3].length);
          steps.set(lengths);
          loss.meter().clear();
          double[] gradient = Gradients.of(parameters, graph::launch)[0];
          double[] logits = Arrays.stream(read(x.value())).map(v -> 2 * v).toArray();
          double[] costs = costs(logits, lengths, taken);
          assertEquals(
              Arrays.stream(costs).filter(Double::isFinite).count(), loss.meter().toDoubles()[1]);
          assertEquals(meanCost(logits, lengths, taken), loss.read(), 1e-5);
          var differences = new double[gradient.length];
          for (int i = 0; i < differences.length; i++) {
            double[] moved = logits.clone();
            moved[i] = logits[i] + 1e-5;
            double above = meanCost(moved, lengths, taken);
            moved[i] = logits[i] - 1e-5;
            differences[i] = 2 * (above - meanCost(moved, lengths, taken)) / 2e-5;
          }
          // cuDNN computes in FLOAT32.
          Closeness.within(1e-5).check("round " + round, differences, gradient);
        }
        // A label that is the blank, or no symbol, is no number, so that the step is refused.
        steps.set(4, 4, 4, 4);
        for (int wrong : new int[] {0, 3}) {
          labels.buffer().copyFrom(new int[] {1, 1, wrong, 1, 2, 2, 2, 2, 1, 1, 1, 1});
          labelLengths.set(1, 1, 1, 1);
          graph.launch();
          assertEquals(Double.NaN, loss.read());
        }
      }
      refuses(
          "Indices[3, 5] as labels of Tensor[4, 4, 3] of FLOAT64",
          () -> tape.ctc(x, steps, tape.indices(3, 5), labelLengths));
      refuses(
          "4 lengths of the input and 3 of the labels for 4 sequences",
          () -> tape.ctc(x, steps, labels, tape.lengths(3)));
      refuses(
          "maxLabels is 256, but it must be in [0, 255]",
          () -> tape.ctc(x, steps, tape.indices(256, 4), labelLengths));
    }
  }

  /** Rows that fill up a batch have a step, labels of none, or any that were there before. */
  @Test
  void alignmentsThatDoNotCount() {
    var x = parameter(4, 3, 3);
    try (var tape = Tape.training(device, Precision.FP64)) {
      var labels = tape.indices(2, 3);
      labels.buffer().copyFrom(new int[] {1, -1, 0, 2, -1, 7});
      var labelLengths = tape.lengths(3);
      labelLengths.set(2, 0, 2);
      var steps = tape.lengths(3);
      steps.set(4, 1, 1);
      var counted = tape.indices(3);
      counted.buffer().copyFrom(new int[] {0, -1, -1});
      var loss = tape.ctc(tape.scale(x, 2), steps, labels, labelLengths, counted);
      double[] gradient = Gradients.of(parameters, () -> Gradients.play(tape))[0];
      double[] logits = Arrays.stream(read(x.value())).map(v -> 2 * v).toArray();
      double cost = costs(logits, new int[] {4, 0, 0}, new int[][] {{1, 2}, {}, {}})[0];
      assertEquals(cost, loss.read(), 1e-5);
      assertEquals(1, loss.meter().toDoubles()[1]);
      for (int i = 0; i < gradient.length; i++) {
        assertEquals(i / 3 % 3 == 0, gradient[i] != 0, "element " + i);
      }
      refuses(
          "Indices[2] as what counts of 3 sequences",
          () -> tape.ctc(x, steps, labels, labelLengths, tape.indices(2)));
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
