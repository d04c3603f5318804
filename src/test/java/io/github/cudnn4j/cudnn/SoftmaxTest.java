package io.github.cudnn4j.cudnn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.testing.Closeness;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SoftmaxTest {
  private static final int ROWS = 5;
  private static final int COLUMNS = 7;
  private static final Closeness CLOSE = Closeness.within(1e-12);
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static double[] random(long seed) {
    return new SplittableRandom(seed).doubles(ROWS * COLUMNS, -3, 3).toArray();
  }

  private static DeviceBuffer buffer(double[] values) {
    DeviceBuffer buffer = DeviceBuffer.allocate(device, ElementType.FLOAT64, values.length);
    buffer.copyFrom(values);
    return buffer;
  }

  private static double sumOfExponentials(double[] x, int row) {
    double sum = 0;
    for (int c = 0; c < COLUMNS; c++) {
      sum += Math.exp(x[row * COLUMNS + c]);
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource(SoftmaxAlgorithm.class)
  void forwardAndBackward(SoftmaxAlgorithm algorithm) {
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
    try (Softmax softmax = Softmax.create(device, algorithm, ElementType.FLOAT64, ROWS, COLUMNS);
        DeviceBuffer in = buffer(x);
        DeviceBuffer out = buffer(new double[x.length]);
        DeviceBuffer gradient = buffer(dy)) {
      softmax.forward(in, out);
      CLOSE.check("y", y, out.toDoubles());
      softmax.backward(out, gradient, in);
      CLOSE.check("dx", dx, in.toDoubles());
      softmax.backward(out, gradient, gradient);
      CLOSE.check("dx in the place of dy", dx, gradient.toDoubles());
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
        DeviceBuffer buffer = buffer(x)) {
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
        DeviceBuffer block = buffer(new double[ROWS * COLUMNS + 1])) {
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
