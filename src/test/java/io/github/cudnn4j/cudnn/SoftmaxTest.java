package io.github.cudnn4j.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.testing.Closeness;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SoftmaxTest {
  private static final int ROWS = 5;
  private static final int COLUMNS = 7;
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  /** Numbers that every type has. */
  private static double[] random(long seed) {
    return new SplittableRandom(seed)
        .ints(ROWS * COLUMNS, -96, 97)
        .mapToDouble(i -> i / 32.0)
        .toArray();
  }

  private static DeviceBuffer buffer(ElementType type, double[] values) {
    DeviceBuffer buffer = DeviceBuffer.allocate(device, type, values.length);
    if (type == ElementType.FLOAT64) {
      buffer.copyFrom(values);
    } else {
      float[] floats = new float[values.length];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = (float) values[i];
      }
      buffer.copyFrom(floats);
    }
    return buffer;
  }

  /** Each result is rounded once, but dx comes from a rounded y. */
  private static void check(String what, double[] expected, DeviceBuffer actual) {
    switch (actual.type()) {
      case FLOAT64 -> Closeness.within(1e-12).check(what, expected, actual.toDoubles());
      case FLOAT32 -> Closeness.within(1e-6).check(what, expected, actual.toFloats());
      case FLOAT16 -> Closeness.within(2e-3).check(what, expected, actual.toFloats());
      default -> Closeness.within(2e-2).check(what, expected, actual.toFloats());
    }
  }

  static Stream<Arguments> algorithmsAndTypes() {
    return Stream.of(SoftmaxAlgorithm.values())
        .flatMap(
            algorithm ->
                Stream.of(
                        ElementType.FLOAT64,
                        ElementType.FLOAT32,
                        ElementType.FLOAT16,
                        ElementType.BFLOAT16)
                    .map(type -> Arguments.of(algorithm, type)));
  }

  private static double sumOfExponentials(double[] x, int row) {
    double sum = 0;
    for (int c = 0; c < COLUMNS; c++) {
      sum += Math.exp(x[row * COLUMNS + c]);
    }
    return sum;
  }

  @ParameterizedTest
  @MethodSource("algorithmsAndTypes")
  void forwardAndBackward(SoftmaxAlgorithm algorithm, ElementType type) {
    boolean log = algorithm == SoftmaxAlgorithm.LOG;
    double[] x = random(1);
    double[] dy = random(2);
    double[] y = new double[x.length];
    double[] dx = new double[x.length];
    for (int row = 0; row < ROWS; row++) {
      double sum = sumOfExponentials(x, row);
      double carried = 0;
      for (int i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
        y[i] = log ? x[i] - Math.log(sum) : Math.exp(x[i]) / sum;
        carried += log ? dy[i] : dy[i] * y[i];
      }
      for (int i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
        dx[i] = log ? dy[i] - Math.exp(y[i]) * carried : y[i] * (dy[i] - carried);
      }
    }
    try (Softmax softmax = Softmax.create(device, algorithm, type, ROWS, COLUMNS);
        DeviceBuffer in = buffer(type, x);
        DeviceBuffer out = buffer(type, new double[x.length]);
        DeviceBuffer gradient = buffer(type, dy)) {
      softmax.forward(in, out);
      check("y", y, out);
      softmax.backward(out, gradient, in);
      check("dx", dx, in);
      softmax.backward(out, gradient, gradient);
      check("dx in the place of dy", dx, gradient);
    }
  }

  @Test
  void inPlaceAndLargeInputs() {
    double[] x = random(3);
    double[] expected = new double[x.length];
    for (int row = 0; row < ROWS; row++) {
      double sum = sumOfExponentials(x, row);
      for (int i = row * COLUMNS; i < (row + 1) * COLUMNS; i++) {
        expected[i] = Math.exp(x[i]) / sum;
        x[i] += 1e4;
      }
    }
    try (Softmax softmax =
            Softmax.create(device, SoftmaxAlgorithm.ACCURATE, ElementType.FLOAT64, ROWS, COLUMNS);
        DeviceBuffer buffer = buffer(ElementType.FLOAT64, x)) {
      softmax.forward(buffer, buffer);
      Closeness.within(1e-10).check("y", expected, buffer.toDoubles());
    }
  }

  @Test
  void badArgumentsAreRefused() {
    assertEquals(
        "type is UINT8, but it must be a floating-point type",
        assertThrows(
                IllegalArgumentException.class,
                () -> Softmax.create(device, SoftmaxAlgorithm.FAST, ElementType.UINT8, 1, 1))
            .getMessage());
    try (Softmax softmax =
            Softmax.create(device, SoftmaxAlgorithm.FAST, ElementType.FLOAT64, ROWS, COLUMNS);
        DeviceBuffer block = buffer(ElementType.FLOAT64, new double[ROWS * COLUMNS + 1])) {
      DeviceBuffer x = block.slice(0, ROWS * COLUMNS);
      DeviceBuffer y = block.slice(1, ROWS * COLUMNS);
      assertEquals(
          "y and x overlap in memory, but they must be apart",
          assertThrows(IllegalArgumentException.class, () -> softmax.forward(x, y)).getMessage());
      assertEquals(
          "x has 36 elements, but it must have 35",
          assertThrows(IllegalArgumentException.class, () -> softmax.forward(block, y))
              .getMessage());
    }
  }
}
