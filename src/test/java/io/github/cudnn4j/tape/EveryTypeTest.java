package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.precision;
import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.round;
import static io.github.cudnn4j.proof.Numbers.write;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Operations and their gradients in every element type, against their equations. */
class EveryTypeTest {
  private final SplittableRandom random = new SplittableRandom(5);
  private Device device;
  private DrawnParameters parameters;

  @BeforeEach
  void open() {
    device = Device.open();
    parameters = new DrawnParameters(device, random);
  }

  @AfterEach
  void close() {
    parameters.close();
    device.close();
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void elementwiseInEveryType(ElementType type) {
    binary(type, Tape::add, (x, y) -> x + y, (x, y) -> 1);
    binary(type, Tape::multiply, (x, y) -> x * y, (x, y) -> y);
    unary(type, (tape, x) -> tape.scale(x, -1.5), x -> -1.5 * x, x -> -1.5);
    unary(type, Tape::tanh, Math::tanh, x -> 1 - Math.tanh(x) * Math.tanh(x));
    unary(type, Tape::sigmoid, x -> 1 / (1 + Math.exp(-x)), x -> slopeOfSigmoid(x));
    unary(type, Tape::relu, x -> Math.max(0, x), x -> x > 0 ? 1 : 0);
    unary(type, Tape::exp, Math::exp, Math::exp);
    unary(type, Tape::log, Math::log, x -> 1 / x);
    unary(type, (tape, x) -> tape.slice(tape.concatenate(x, x), 3, 3), x -> x, x -> 1);
  }

  /** So that a step of which a number went wrong is refused. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void whatIsNotANumberStaysSo(ElementType type) {
    List<Unary> operations =
        List.of(
            (tape, x) -> tape.scale(x, 2),
            Tape::tanh,
            Tape::sigmoid,
            Tape::relu,
            Tape::exp,
            Tape::log);
    try (var tape = Tape.inference(device, precision(type))) {
      var x = tape.input(2);
      write(x.value(), new double[] {1, Double.NaN});
      for (Unary operation : operations) {
        var y = operation.on(tape, x);
        tape.forward();
        double[] values = read(y.value());
        assertTrue(Double.isFinite(values[0]) && Double.isNaN(values[1]), y::toString);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void layerNormInEveryType(ElementType type) {
    int rows = 37;
    int columns = 70;
    var x = parameters.draw(type, rows, columns);
    var weight = parameters.draw(type, columns);
    var bias = parameters.draw(type, columns);
    double[] dy = round(type, random.doubles(rows * columns, -1, 1).toArray());
    try (var tape = Tape.training(device, precision(type))) {
      var y = tape.layerNorm(x, weight, bias, 1e-5);
      parameters.all().forEach(parameter -> parameter.gradient().clear());
      tape.forward();
      write(y.gradient(), dy);
      tape.backward();
      double[] xs = read(x.value());
      double[] ws = read(weight.value());
      double[] bs = read(bias.value());
      var ys = new double[xs.length];
      var dx = new double[xs.length];
      var dw = new double[columns];
      var db = new double[columns];
      for (int r = 0; r < rows; r++) {
        int first = r * columns;
        double mean = Arrays.stream(xs, first, first + columns).average().orElseThrow();
        double variance =
            Arrays.stream(xs, first, first + columns)
                .map(v -> (v - mean) * (v - mean))
                .average()
                .orElseThrow();
        double inverse = 1 / Math.sqrt(variance + 1e-5);
        double sum = 0;
        double product = 0;
        for (int c = 0; c < columns; c++) {
          double n = (xs[first + c] - mean) * inverse;
          double d = dy[first + c];
          ys[first + c] = n * ws[c] + bs[c];
          dw[c] += d * n;
          db[c] += d;
          sum += d * ws[c] / columns;
          product += d * ws[c] * n / columns;
        }
        for (int c = 0; c < columns; c++) {
          double n = (xs[first + c] - mean) * inverse;
          dx[first + c] = inverse * (dy[first + c] * ws[c] - sum - n * product);
        }
      }
      var within = Closeness.within(8 * rounding(type));
      within.check("y in " + type, ys, read(y.value()));
      within.check("dx in " + type, dx, read(x.gradient()));
      within.check("dweight in " + type, dw, read(weight.gradient()));
      within.check("dbias in " + type, db, read(bias.gradient()));
    }
  }

  static double slopeOfSigmoid(double x) {
    double y = 1 / (1 + Math.exp(-x));
    return y * (1 - y);
  }

  private interface Unary {
    Tensor on(Tape tape, Tensor x);
  }

  private interface Binary {
    Tensor on(Tape tape, Tensor x, Tensor y);
  }

  private void unary(
      ElementType type, Unary operation, DoubleUnaryOperator value, DoubleUnaryOperator slope) {
    binary(
        type,
        (tape, x, y) -> operation.on(tape, x),
        (x, y) -> value.applyAsDouble(x),
        (x, y) -> slope.applyAsDouble(x));
  }

  private void binary(
      ElementType type, Binary operation, DoubleBinaryOperator value, DoubleBinaryOperator slope) {
    var x = parameters.draw(type, 67, 3);
    var y = parameters.draw(type, 67, 3);
    double[] dz = round(type, random.doubles(201, -1, 1).toArray());
    try (var tape = Tape.training(device, precision(type))) {
      var z = operation.on(tape, x, y);
      x.gradient().clear();
      tape.forward();
      write(z.gradient(), dz);
      tape.backward();
      double[] xs = read(x.value());
      double[] ys = read(y.value());
      var expected = new double[xs.length];
      Arrays.setAll(expected, i -> value.applyAsDouble(xs[i], ys[i]));
      var within = Closeness.within(rounding(type));
      within.check("value in " + type, expected, read(z.value()));
      Arrays.setAll(expected, i -> dz[i] * slope.applyAsDouble(xs[i], ys[i]));
      within.check("gradient in " + type, expected, read(x.gradient()));
    }
  }

  /** Above the distance of two neighbours around 1. */
  static double rounding(ElementType type) {
    return switch (type) {
      case FLOAT64 -> 1e-15;
      case FLOAT16 -> 1e-3;
      case BFLOAT16 -> 8e-3;
      default -> 5e-7;
    };
  }
}
