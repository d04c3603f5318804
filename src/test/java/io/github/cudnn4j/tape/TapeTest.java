package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.precision;
import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.round;
import static io.github.cudnn4j.proof.Numbers.write;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Each operation against plain Java in double precision. */
class TapeTest {

  private final SplittableRandom random = new SplittableRandom(11);
  private final List<DeviceBuffer> buffers = new ArrayList<>();
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

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 5, 3, 7, 4", "FLOAT64, 5, 3, 7, 4", "FLOAT32, 40, 33, 300, 130",
    "FLOAT16, 5, 3, 7, 4", "BFLOAT16, 5, 3, 7, 4", "FLOAT16, 40, 33, 300, 130",
    "FLOAT32, 90, 41, 50000, 2", "FLOAT32, 32, 32, 50000, 2", "FLOAT32, 90, 41, 2, 3"
  })
  void embedding(ElementType type, int time, int batch, int vocabulary, int width) {
    int count = time * batch;
    var tokens = new int[count];
    Arrays.setAll(tokens, i -> random.nextInt(-1, vocabulary));
    double[] table = round(type, randoms(vocabulary * width));
    double[] dy = round(type, randoms(count * width));
    try (var tape = Tape.training(device, precision(type))) {
      var places = tape.indices(time, batch);
      places.buffer().copyFrom(tokens);
      var weight = parameter(type, table, vocabulary, width);
      var y = tape.embedding(places, weight);
      tape.forward();
      write(y.gradient(), dy);
      double[] gradient = randoms(vocabulary * width);
      write(weight.gradient(), gradient);
      tape.backward();
      assertArrayEquals(new int[] {time, batch, width}, y.shape());
      double[] found = read(y.value());
      double[] sums = round(type, gradient);
      for (int i = 0; i < count; i++) {
        for (int c = 0; c < width; c++) {
          double expected = tokens[i] < 0 ? 0 : table[tokens[i] * width + c];
          assertEquals(expected, found[i * width + c]);
          if (tokens[i] >= 0) {
            sums[tokens[i] * width + c] += dy[i * width + c];
          }
        }
      }
      assertClose(sums, read(weight.gradient()), 20 * rounding(type));
    }
  }

  @Test
  void embeddingGradientHasTheSameBitsEachTime() {
    int count = 2000;
    var tokens = new int[count];
    Arrays.setAll(tokens, i -> random.nextInt(3));
    double[] dy = randoms(count * 20);
    try (var tape = Tape.training(device, Precision.FP32)) {
      var places = tape.indices(count);
      places.buffer().copyFrom(tokens);
      var table = parameter(ElementType.FLOAT32, randoms(60), 3, 20);
      var y = tape.embedding(places, table);
      double[] first = null;
      for (int i = 0; i < 5; i++) {
        table.gradient().clear();
        tape.forward();
        write(y.gradient(), dy);
        tape.backward();
        double[] gradient = read(table.gradient());
        first = first == null ? gradient : first;
        assertArrayEquals(first, gradient);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void oneHot(ElementType type) {
    try (var tape = Tape.training(device, precision(type))) {
      var tokens = tape.indices(2, 2);
      tokens.buffer().copyFrom(new int[] {2, 0, -1, 3});
      var y = tape.oneHot(tokens, 3);
      tape.forward();
      double nan = Double.NaN;
      assertArrayEquals(new double[] {0, 0, 1, 1, 0, 0, 0, 0, 0, nan, nan, nan}, read(y.value()));
      assertNull(y.gradient());
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void softmaxAndItsLogarithm(ElementType type) {
    double[] values = round(type, randoms(2 * 3 * 5));
    try (var tape = Tape.inference(device, precision(type))) {
      var x = tape.input(2, 3, 5);
      var y = tape.softmax(x);
      var logarithm = tape.logSoftmax(x);
      write(x.value(), values);
      tape.forward();
      var expected = new double[values.length];
      for (int row = 0; row < values.length; row += 5) {
        double sum = Arrays.stream(values, row, row + 5).map(Math::exp).sum();
        for (int c = row; c < row + 5; c++) {
          expected[c] = Math.exp(values[c]) / sum;
        }
      }
      assertClose(expected, read(y.value()), 4 * rounding(type));
      double[] logarithms = Arrays.stream(expected).map(Math::log).toArray();
      assertClose(logarithms, read(logarithm.value()), 4 * rounding(type));
    }
  }

  @Test
  void embeddingOfATokenBeyondTheTableIsNotANumber() {
    try (var tape = Tape.training(device, Precision.FP32)) {
      int[] given = {1, 2, Integer.MAX_VALUE, Integer.MIN_VALUE, 1};
      var tokens = tape.indices(given.length);
      tokens.buffer().copyFrom(given);
      // Between others, which stay as they are.
      var tables = parameter(ElementType.FLOAT32, randoms(18), 6, 3);
      var table = new Tensor(tables.value().slice(6, 6), tables.gradient().slice(6, 6), 2, 3);
      var y = tape.embedding(tokens, table);
      tape.forward();
      double[] values = read(tables.value());
      double nan = Double.NaN;
      double[] found = read(y.value());
      for (int c = 0; c < 3; c++) {
        double known = values[9 + c];
        double[] column = {found[c], found[3 + c], found[6 + c], found[9 + c], found[12 + c]};
        assertArrayEquals(new double[] {known, nan, nan, 0, known}, column);
      }
      double[] dy = new double[15];
      Arrays.fill(dy, 1);
      write(y.gradient(), dy);
      tape.backward();
      double[] gradient = new double[18];
      Arrays.fill(gradient, 9, 12, 2);
      assertArrayEquals(gradient, read(tables.gradient()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 6, 5, 4",
    "FLOAT64, 6, 5, 4",
    "FLOAT32, 300, 70, 129",
    "FLOAT64, 1, 1, 1",
    "FLOAT16, 6, 5, 4",
    "BFLOAT16, 6, 5, 4",
    "FLOAT16, 300, 70, 129"
  })
  void linear(ElementType type, int rows, int inputs, int outputs) {
    double[] first = round(type, randoms(rows * 3));
    double[] before = round(type, randoms(inputs * 3));
    double[] weights = round(type, randoms(outputs * inputs));
    double[] biases = round(type, randoms(outputs));
    double[] dy = round(type, randoms(rows * outputs));
    // Sums of 16 bits are rounded once, when they are complete; others at each term.
    boolean narrow = type.bytes() < ElementType.FLOAT32.bytes();
    double tolerance = rounding(type) * (narrow ? 2 : rows + inputs);
    try (var tape = Tape.training(device, precision(type))) {
      var source = tape.input(rows, 3);
      write(source.value(), first);
      // The layer before gives x a gradient.
      var x = tape.linear(source, parameter(type, before, inputs, 3), null);
      var weight = parameter(type, weights, outputs, inputs);
      var bias = parameter(type, biases, outputs);
      var y = tape.linear(x, weight, bias);
      tape.forward();
      write(y.gradient(), dy);
      tape.backward();
      double[] xs = read(x.value());
      assertClose(product(first, before, rows, 3, inputs), xs, tolerance);
      double[] expected = product(xs, weights, rows, inputs, outputs);
      for (int i = 0; i < expected.length; i++) {
        expected[i] += biases[i % outputs];
      }
      assertClose(expected, read(y.value()), tolerance);
      var dw = new double[outputs * inputs];
      var db = new double[outputs];
      var dx = new double[rows * inputs];
      for (int r = 0; r < rows; r++) {
        for (int o = 0; o < outputs; o++) {
          double d = dy[r * outputs + o];
          db[o] += d;
          for (int i = 0; i < inputs; i++) {
            dw[o * inputs + i] += d * xs[r * inputs + i];
            dx[r * inputs + i] += d * weights[o * inputs + i];
          }
        }
      }
      assertClose(dw, read(weight.gradient()), tolerance);
      assertClose(db, read(bias.gradient()), tolerance);
      assertClose(dx, read(x.gradient()), tolerance);
      // Gradients of parameters are added to.
      tape.forward();
      write(y.gradient(), dy);
      tape.backward();
      assertClose(Arrays.stream(db).map(d -> 2 * d).toArray(), read(bias.gradient()), tolerance);
      assertClose(dx, read(x.gradient()), tolerance);
    }
  }

  @Test
  void leavesTheDevicesProductsAsPreciseAsTheyWere() {
    try (var tape = Tape.training(device, Precision.TF32)) {
      var x = tape.input(2, 3);
      var y = tape.linear(x, parameter(ElementType.FLOAT32, randoms(12), 4, 3), null);
      tape.forward();
      write(y.gradient(), randoms(8));
      tape.backward();
      assertSame(Precision.FP32, device.blas().precision(ElementType.FLOAT32));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT32, 7, 5, 1",
    "FLOAT64, 7, 5, 1",
    "FLOAT32, 300, 700, 80",
    "FLOAT64, 1, 1, 0",
    "FLOAT16, 7, 5, 1",
    "BFLOAT16, 7, 5, 1",
    "FLOAT16, 300, 700, 80"
  })
  void crossEntropy(ElementType type, int rows, int classes, double scale) {
    double[] logits = Arrays.stream(randoms(rows * classes)).map(v -> v * scale).toArray();
    logits = round(type, logits);
    var targets = new int[rows];
    Arrays.setAll(targets, i -> i % 3 == 2 ? -1 - i : random.nextInt(classes));
    double[] expected = new double[rows * classes];
    double sum = 0;
    int counted = 0;
    for (int r = 0; r < rows; r++) {
      if (targets[r] < 0) {
        continue;
      }
      counted++;
      double max = Arrays.stream(logits, r * classes, (r + 1) * classes).max().orElseThrow();
      double total = 0;
      for (int c = 0; c < classes; c++) {
        total += Math.exp(logits[r * classes + c] - max);
      }
      sum += max + Math.log(total) - logits[r * classes + targets[r]];
      for (int c = 0; c < classes; c++) {
        double p = Math.exp(logits[r * classes + c] - max) / total;
        expected[r * classes + c] = p - (c == targets[r] ? 1 : 0);
      }
    }
    // The loss is no number of 16 bits; its gradient is.
    boolean single = type != ElementType.FLOAT64;
    double tolerance = single ? 1e-5 : 1e-14;
    double gradientTolerance = Math.max(tolerance, rounding(type));
    try (var tape = Tape.training(device, precision(type))) {
      var x = tape.input(rows, classes);
      write(x.value(), logits);
      var identity = new double[classes * classes];
      for (int c = 0; c < classes; c++) {
        identity[c * classes + c] = 1;
      }
      var y = tape.linear(x, parameter(type, identity, classes, classes), null);
      var labels = tape.indices(rows);
      labels.buffer().copyFrom(targets);
      var loss = tape.crossEntropy(y, labels);
      tape.forward();
      tape.backward();
      assertEquals(sum / counted, loss.read(), tolerance * (1 + sum / counted));
      int count = counted;
      assertClose(
          Arrays.stream(expected).map(d -> d / count).toArray(),
          read(y.gradient()),
          gradientTolerance);
      tape.forward();
      double[] meter = loss.meter().toDoubles();
      assertEquals(2 * sum, meter[0], tolerance * 2 * sum + 1e-12);
      assertEquals(2 * counted, meter[1]);
    }
  }

  @Test
  void crossEntropyWithoutTargetsIsZero() {
    try (var tape = Tape.training(device, Precision.FP32)) {
      var x = tape.input(2, 3);
      var y = tape.linear(x, parameter(ElementType.FLOAT32, randoms(9), 3, 3), null);
      var targets = tape.indices(2);
      targets.buffer().copyFrom(new int[] {-1, -5});
      var loss = tape.crossEntropy(y, targets);
      tape.forward();
      tape.backward();
      assertEquals(0, loss.read());
      assertArrayEquals(new double[6], read(y.gradient()));
      assertArrayEquals(new double[3], loss.meter().toDoubles());
    }
  }

  @ParameterizedTest
  @EnumSource
  void aConstantHoldsOneNumberOfEachPrecision(Precision precision) {
    try (var tape = Tape.training(device, precision)) {
      var constant = tape.constant(-1.5, 2, 3);
      assertNull(constant.gradient());
      assertArrayEquals(new int[] {2, 3}, constant.shape());
      assertArrayEquals(new double[] {-1.5, -1.5, -1.5, -1.5, -1.5, -1.5}, constant.read());
    }
  }

  @Test
  void theLossScaleIsOneNumber() {
    for (var scale :
        List.of(
            DeviceBuffer.allocate(device, ElementType.FLOAT64, 0),
            DeviceBuffer.allocate(device, ElementType.FLOAT32, 1))) {
      buffers.add(scale);
      var e =
          assertThrows(
              IllegalArgumentException.class, () -> Tape.training(device, Precision.FP32, scale));
      assertEquals(
          "the loss scale has %d elements of %s, must have 1 of FLOAT64"
              .formatted(scale.elements(), scale.type()),
          e.getMessage());
    }
  }

  @Test
  void gradientsAreMultipliedByTheLossScaleAsItIs() {
    var scale = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1);
    buffers.add(scale);
    var x = parameter(ElementType.FLOAT64, randoms(6), 2, 3);
    double[] first = null;
    try (var tape = Tape.training(device, Precision.FP64, scale)) {
      assertSame(scale, tape.lossScale());
      var loss = tape.crossEntropy(tape.scale(x, 2), tape.indices(2));
      for (double factor : new double[] {1, 512}) {
        scale.copyFrom(new double[] {factor});
        x.gradient().clear();
        tape.forward();
        tape.backward();
        double[] gradient = read(x.gradient());
        first = first == null ? gradient : first;
        assertArrayEquals(Arrays.stream(first).map(d -> d * factor).toArray(), gradient);
        assertEquals(loss.read(), loss.meter().toDoubles()[0] / loss.meter().toDoubles()[1], 1e-15);
      }
    }
  }

  @Test
  void crossEntropyWithATargetThatIsNoClassIsNotANumber() {
    try (var tape = Tape.training(device, Precision.FP32)) {
      var x = tape.input(2, 3);
      var y = tape.linear(x, parameter(ElementType.FLOAT32, randoms(9), 3, 3), null);
      var targets = tape.indices(2);
      targets.buffer().copyFrom(new int[] {1, 3});
      var loss = tape.crossEntropy(y, targets);
      tape.forward();
      tape.backward();
      assertTrue(Double.isNaN(loss.read()));
      assertTrue(Double.isNaN(read(y.gradient())[3]));
      assertArrayEquals(new double[] {0, 0, 1}, loss.meter().toDoubles());
    }
  }

  private static double[] product(double[] x, double[] w, int rows, int inputs, int outputs) {
    var y = new double[rows * outputs];
    for (int r = 0; r < rows; r++) {
      for (int o = 0; o < outputs; o++) {
        for (int i = 0; i < inputs; i++) {
          y[r * outputs + o] += x[r * inputs + i] * w[o * inputs + i];
        }
      }
    }
    return y;
  }

  private double[] randoms(int count) {
    return random.doubles(count, -1, 1).toArray();
  }

  private Tensor parameter(ElementType type, double[] values, int... shape) {
    var value = DeviceBuffer.allocate(device, type, values.length);
    var gradient = DeviceBuffer.allocate(device, type, values.length);
    buffers.add(value);
    buffers.add(gradient);
    write(value, values);
    gradient.clear();
    return new Tensor(value, gradient, shape);
  }

  /** Above half the distance of two neighbours around 1. */
  private static double rounding(ElementType type) {
    return switch (type) {
      case FLOAT64 -> 4e-15;
      case FLOAT16 -> 6e-4;
      case BFLOAT16 -> 5e-3;
      default -> 4e-6;
    };
  }

  private static void assertClose(double[] expected, double[] found, double tolerance) {
    assertEquals(expected.length, found.length);
    int worst = 0;
    double excess = -1;
    for (int i = 0; i < found.length; i++) {
      double off = Math.abs(found[i] - expected[i]) / (1 + Math.abs(expected[i]));
      if (!(off <= excess)) {
        excess = off;
        worst = i;
      }
    }
    assertTrue(
        excess <= tolerance,
        "element %d is %s, expected %s ± %s relative"
            .formatted(worst, found[worst], expected[worst], tolerance));
  }
}
