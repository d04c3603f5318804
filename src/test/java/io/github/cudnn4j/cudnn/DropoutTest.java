package io.github.cudnn4j.cudnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class DropoutTest {
  private static final int ELEMENTS = 40_000;
  private static Device device;
  private DeviceBuffer x;
  private DeviceBuffer y;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @BeforeEach
  void buffers() {
    x = DeviceBuffer.allocate(device, ElementType.FLOAT32, ELEMENTS);
    y = DeviceBuffer.allocate(device, ElementType.FLOAT32, ELEMENTS);
    float[] threes = new float[ELEMENTS];
    Arrays.fill(threes, 3);
    x.copyFrom(threes);
  }

  @AfterEach
  void closeBuffers() {
    x.close();
    y.close();
  }

  private static Dropout dropout(double probability, long seed) {
    return Dropout.create(device, ElementType.FLOAT32, ELEMENTS, probability, seed);
  }

  private float[] forward(Dropout dropout) {
    dropout.forward(x, y);
    return y.toFloats();
  }

  @Test
  void dropsAtTheGivenRateAndScalesTheRest() {
    try (Dropout dropout = dropout(0.25, 1)) {
      float[] out = forward(dropout);
      int dropped = 0;
      for (float value : out) {
        if (value == 0) {
          dropped++;
        } else {
          assertEquals(4, value, 1e-5);
        }
      }
      // Five standard deviations of a binomial distribution.
      assertEquals(
          0.25, (double) dropped / ELEMENTS, 5 * Math.sqrt(0.25 * 0.75 / ELEMENTS), "rate");
    }
  }

  @Test
  void backwardUsesTheMaskOfForward() {
    try (Dropout dropout = dropout(0.5, 1);
        DeviceBuffer dx = DeviceBuffer.allocate(device, ElementType.FLOAT32, ELEMENTS)) {
      float[] out = forward(dropout);
      dropout.backward(x, dx);
      assertArrayEquals(out, dx.toFloats());
    }
  }

  @Test
  void theSeedAndTheStateDecide() {
    try (Dropout one = dropout(0.5, 1);
        Dropout twin = dropout(0.5, 1);
        Dropout other = dropout(0.5, 2)) {
      float[] first = forward(one);
      byte[] state = one.state();
      float[] second = forward(one);
      assertFalse(Arrays.equals(first, second));
      assertArrayEquals(first, forward(twin));
      assertFalse(Arrays.equals(first, forward(other)));
      other.restoreState(state);
      assertArrayEquals(second, forward(other));
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT64", "FLOAT16", "BFLOAT16"})
  void otherTypesDropAndScaleLikewise(ElementType type) {
    try (Dropout dropout = Dropout.create(device, type, ELEMENTS, 0.5, 1);
        DeviceBuffer in = DeviceBuffer.allocate(device, type, ELEMENTS);
        DeviceBuffer out = DeviceBuffer.allocate(device, type, ELEMENTS)) {
      if (type == ElementType.FLOAT64) {
        double[] threes = new double[ELEMENTS];
        Arrays.fill(threes, 3);
        in.copyFrom(threes);
      } else {
        in.copyFrom(x.toFloats());
      }
      dropout.forward(in, out);
      double[] y = values(out);
      long dropped = Arrays.stream(y).filter(value -> value == 0).count();
      long kept = Arrays.stream(y).filter(value -> value == 6).count();
      assertEquals(ELEMENTS, dropped + kept, "3 becomes 0 or 6, which every type has");
      assertEquals(0.5, (double) dropped / ELEMENTS, 5 * Math.sqrt(0.25 / ELEMENTS), "rate");
      out.clear();
      dropout.backward(in, out);
      assertArrayEquals(y, values(out));
    }
  }

  private static double[] values(DeviceBuffer buffer) {
    if (buffer.type() == ElementType.FLOAT64) {
      return buffer.toDoubles();
    }
    float[] floats = buffer.toFloats();
    double[] values = new double[floats.length];
    Arrays.setAll(values, i -> floats[i]);
    return values;
  }

  @Test
  void probabilityZeroChangesNothing() {
    try (Dropout dropout = dropout(0, 1)) {
      assertArrayEquals(x.toFloats(), forward(dropout));
    }
  }

  @Test
  void badArgumentsAreRefused() {
    assertEquals(
        "dropout is 1.0, but it is the probability to drop: in [0, 1)",
        assertThrows(IllegalArgumentException.class, () -> dropout(1, 1)).getMessage());
    assertEquals(
        "type is INT32, but it must be a floating-point type",
        assertThrows(
                IllegalArgumentException.class,
                () -> Dropout.create(device, ElementType.INT32, 1, 0, 1))
            .getMessage());
    try (Dropout dropout = dropout(0.5, 1)) {
      assertEquals(
          "backward needs the mask of a forward call, and there is none",
          assertThrows(IllegalStateException.class, () -> dropout.backward(x, y)).getMessage());
      assertEquals(
          "y and x overlap in memory, but they must be apart",
          assertThrows(IllegalArgumentException.class, () -> dropout.forward(x, x)).getMessage());
    }
  }
}
