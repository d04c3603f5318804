package io.github.cudnn4j.cudnn;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.management.ThreadMXBean;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class CtcLossTest {
  private static final int T = 4;
  private static final int B = 2;
  private static final int A = 3;
  private static final int[] LABELS = {1, 1, 2};
  private static final int[] LENGTHS = {1, 2};
  private static final int[] STEPS = {2, 3};

  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static CtcLoss loss(CtcGradientMode mode) {
    return CtcLoss.create(device, LossNormalization.SOFTMAX, mode, T, B, A, 3);
  }

  private static DeviceBuffer floats(int elements, float value) {
    DeviceBuffer buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, elements);
    float[] values = new float[elements];
    Arrays.fill(values, value);
    buffer.copyFrom(values);
    return buffer;
  }

  private static void refused(String message, Executable call) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, call).getMessage());
  }

  @Test
  void labelsCanChangeBetweenCalls() {
    try (CtcLoss loss = loss(CtcGradientMode.ZERO);
        DeviceBuffer x = floats(T * B * A, 0);
        DeviceBuffer first = floats(B, -1);
        DeviceBuffer second = floats(B, -1);
        DeviceBuffer dx = floats(T * B * A, 7)) {
      int[] labels = LABELS.clone();
      loss.labels(labels, LENGTHS, STEPS);
      loss.forward(x, first, null);
      Arrays.fill(labels, -1);
      loss.labels(new int[] {2, 1}, new int[] {0, 2}, new int[] {4, 2});
      loss.forward(x, second, dx);
      // All alignments are as likely: 3 of 9, 5 of 27; the empty one of 81, "2 1" of 9.
      assertArrayEquals(
          new float[] {(float) Math.log(3), (float) Math.log(27 / 5d)}, first.toFloats(), 1e-6f);
      assertArrayEquals(
          new float[] {(float) Math.log(81), (float) Math.log(9)}, second.toFloats(), 1e-6f);
      float[] gradients = dx.toFloats();
      assertEquals(0, gradients[(T * B - 1) * A], "behind the length of the second sequence");
    }
  }

  @Test
  void skippingLeavesWhatWasThere() {
    try (CtcLoss loss = loss(CtcGradientMode.SKIP);
        DeviceBuffer x = floats(T * B * A, 0);
        DeviceBuffer costs = floats(B, -1);
        DeviceBuffer dx = floats(T * B * A, 7)) {
      assertEquals(3, CtcLoss.neededSteps(1, 1));
      loss.labels(new int[] {1, 1, 2}, new int[] {2, 1}, new int[] {2, 4});
      loss.forward(x, costs, dx);
      assertEquals(0, costs.toFloats()[0]);
      assertEquals(7, dx.toFloats()[0]);
    }
  }

  @Test
  void badArgumentsAreRefusedBeforeAnyNativeCall() {
    try (CtcLoss loss = loss(CtcGradientMode.ZERO);
        DeviceBuffer x = floats(T * B * A, 0);
        DeviceBuffer costs = floats(B, 0)) {
      assertEquals(
          "no labels were set",
          assertThrows(IllegalStateException.class, () -> loss.forward(x, costs, null))
              .getMessage());
      refused(
          "labelLengths has 1 elements, but there are 2 sequences",
          () -> loss.labels(LABELS, new int[1], STEPS));
      refused(
          "labelLengths[1] is 4, but it must be in [0, 3]",
          () -> loss.labels(LABELS, new int[] {1, 4}, STEPS));
      refused(
          "labelLengths[0] is 2, but it must be in [0, 1]",
          () -> loss.labels(LABELS, new int[] {2, 1}, new int[] {1, 4}));
      refused(
          "inputLengths[0] is 0, but it must be in [1, 4]",
          () -> loss.labels(LABELS, LENGTHS, new int[] {0, 4}));
      refused(
          "inputLengths[1] is 5, but it must be in [1, 4]",
          () -> loss.labels(LABELS, LENGTHS, new int[] {2, 5}));
      refused(
          "labels has 2 elements, but the lengths add up to 3",
          () -> loss.labels(new int[2], LENGTHS, STEPS));
      refused(
          "labels[1] is 3, but it must be in [1, 2]",
          () -> loss.labels(new int[] {1, 3, 2}, LENGTHS, STEPS));
      refused(
          "labels[2] is 0, but it must be in [1, 2]",
          () -> loss.labels(new int[] {1, 1, 0}, LENGTHS, STEPS));
      loss.labels(LABELS, LENGTHS, STEPS);
      refused("costs has 24 elements, but it must have 2", () -> loss.forward(x, x, null));
      refused(
          "gradients and x overlap in memory, but they must be apart",
          () -> loss.forward(x, costs, x));
      try (DeviceBuffer wide = DeviceBuffer.allocate(device, ElementType.FLOAT64, T * B * A)) {
        refused("x is FLOAT64, but it must be FLOAT32", () -> loss.forward(wide, costs, null));
      }
      CtcLoss closed = loss(CtcGradientMode.ZERO);
      closed.close();
      assertThrows(IllegalStateException.class, () -> closed.forward(x, costs, null));
    }
    LossNormalization softmax = LossNormalization.SOFTMAX;
    refused(
        "symbols is 1, but there must be at least 2: the blank and a label",
        () -> CtcLoss.create(device, softmax, CtcGradientMode.ZERO, T, B, 1, 3));
    refused(
        "maxLabels is 256, but it must be in [0, 255]",
        () -> CtcLoss.create(device, softmax, CtcGradientMode.ZERO, T, B, A, 256));
  }

  @Test
  void stepsAllocateNothing() {
    try (CtcLoss loss = loss(CtcGradientMode.ZERO);
        DeviceBuffer x = floats(T * B * A, 0);
        DeviceBuffer costs = floats(B, 0);
        DeviceBuffer dx = floats(T * B * A, 0)) {
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long allocated = -1;
      // The interpreter allocates where compiled code does not: wait for the compiler.
      for (int round = 0; round < 50 && allocated != 0; round++) {
        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 2_000; i++) {
          loss.labels(LABELS, LENGTHS, STEPS);
          loss.forward(x, costs, dx);
        }
        allocated = threads.getCurrentThreadAllocatedBytes() - before;
      }
      assertEquals(0, allocated, "bytes in 2000 steps");
    }
  }
}
