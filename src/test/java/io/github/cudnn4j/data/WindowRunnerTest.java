package io.github.cudnn4j.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.library.HostControl;
import java.util.Arrays;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class WindowRunnerTest {

  private static final Runnable FAILING =
      () -> {
        throw new UnsupportedOperationException();
      };

  /** Window number {@code step}, as the work finds it; every token of the text is its place. */
  private record Found(int[] inputs, int[] labels, double number) {
    static Found expected(TextWindows text, int step) {
      int batch = text.batch();
      var inputs = new int[batch * text.time()];
      int first = step * text.time();
      int length = text.windows() * text.time();
      Arrays.setAll(inputs, i -> first + i / batch + i % batch * length);
      return new Found(inputs, Arrays.stream(inputs).map(i -> i + 1).toArray(), 0.5 * step);
    }
  }

  /** Work that keeps the latest windows that it found. */
  private static final class Keeper implements AutoCloseable {
    final WindowRunner windows;
    private final DeviceBuffer[] inputs;
    private final DeviceBuffer[] labels;
    private final DeviceBuffer[] numbers;

    Keeper(Device device, TextWindows text, boolean capture, int kept) {
      windows = WindowRunner.create(device, text, capture);
      inputs = new DeviceBuffer[kept];
      labels = new DeviceBuffer[kept];
      numbers = new DeviceBuffer[kept];
      long tokens = windows.inputs().elements();
      for (int i = 0; i < kept; i++) {
        inputs[i] = DeviceBuffer.allocate(device, ElementType.INT32, tokens);
        labels[i] = DeviceBuffer.allocate(device, ElementType.INT32, tokens);
        numbers[i] = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1);
      }
    }

    void run(int step) {
      windows.run(0, step, 0.5 * step, this::work);
    }

    private void work() {
      push(inputs, windows.inputs().buffer());
      push(labels, windows.labels().buffer());
      push(numbers, windows.number());
    }

    private static void push(DeviceBuffer[] kept, DeviceBuffer latest) {
      for (int i = kept.length - 1; i > 0; i--) {
        kept[i].copyFrom(kept[i - 1]);
      }
      kept[0].copyFrom(latest);
    }

    /** Waits, and compares the steps that end with {@code last}. */
    void check(TextWindows text, int last) {
      for (int i = 0; i < inputs.length; i++) {
        var expected = Found.expected(text, last - i);
        assertArrayEquals(expected.inputs(), inputs[i].toInts(), "inputs of step " + (last - i));
        assertArrayEquals(expected.labels(), labels[i].toInts(), "labels of step " + (last - i));
        assertArrayEquals(new double[] {expected.number()}, numbers[i].toDoubles());
      }
    }

    @Override
    public void close() {
      windows.close();
      for (int i = 0; i < inputs.length; i++) {
        inputs[i].close();
        labels[i].close();
        numbers[i].close();
      }
    }
  }

  private static TextWindows text(int batch, int time, int windows) {
    var tokens = new int[batch * time * windows + 1];
    Arrays.setAll(tokens, i -> i);
    return TextWindows.training(tokens, batch, time, false);
  }

  private static HostControl failingHost() {
    var control = HostControl.ifHost();
    Assumptions.assumeTrue(control.isPresent(), "needs the host device, which fails on demand");
    return control.get();
  }

  @ParameterizedTest
  @CsvSource({"false, 2, 3", "true, 2, 3", "true, 1, 1", "true, 70, 1001"})
  void theWorkFindsItsWindow(boolean capture, int batch, int time) {
    var text = text(batch, time, 5);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, capture, 1)) {
      for (int step = 0; step < 5; step++) {
        keeper.run(step);
        keeper.check(text, step);
      }
    }
  }

  /** No window is overwritten while the device is as far behind as the host lets it be. */
  @ParameterizedTest
  @CsvSource({"false, 2, 3", "true, 2, 3", "true, 70, 1001"})
  void theHostDoesNotOvertakeTheDevice(boolean capture, int batch, int time) {
    int steps = 100;
    var text = text(batch, time, steps);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, capture, 70)) {
      for (int step = 0; step < steps; step++) {
        keeper.run(step);
      }
      keeper.check(text, steps - 1);
    }
  }

  /** Whether the device had fetched the window of a step that failed is not known. */
  @Test
  void aStepThatFailedDoesNotShiftTheOnesBehindIt() {
    var text = text(2, 3, 40);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, false, 1)) {
      for (int step = 0; step < 40; step++) {
        if (step % 7 == 3) {
          assertThrows(
              UnsupportedOperationException.class, () -> keeper.windows.run(0, 0, 0, FAILING));
        }
        keeper.run(step);
        keeper.check(text, step);
      }
    }
  }

  @Test
  void aLaunchThatFailedDoesNotShiftTheOnesBehindIt() {
    HostControl host = failingHost();
    var text = text(2, 3, 40);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, true, 1)) {
      for (int step = 0; step < 40; step++) {
        // Behind the sixteenth launch, the host marks the place.
        String function = step == 15 ? "cudaEventRecord" : "cudaGraphLaunch";
        if (step == 15 || step > 15 && step % 7 == 1) {
          int failed = step;
          host.fail(function, 1, Cudart.cudaErrorUnknown(), false);
          assertThrows(CudaException.class, () -> keeper.run(failed));
        }
        keeper.run(step);
        keeper.check(text, step);
      }
    }
  }

  /** cuDNN may refuse to be captured where it runs. */
  @ParameterizedTest
  @ValueSource(strings = {"cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate"})
  void workThatCannotBeCapturedIsQueuedCallByCall(String function) {
    HostControl host = failingHost();
    var text = text(2, 3, 40);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, true, 1)) {
      long launches = host.calls("cudaGraphLaunch");
      host.fail(function, 1, Cudart.cudaErrorUnknown(), false);
      for (int step = 0; step < 40; step++) {
        keeper.run(step);
        keeper.check(text, step);
      }
      assertEquals(launches, host.calls("cudaGraphLaunch"));
    }
  }

  @Test
  void aWindowThatDoesNotExistIsRefusedAndCostsNothing() {
    var text = text(2, 3, 4);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, true, 1)) {
      keeper.run(0);
      assertThrows(IndexOutOfBoundsException.class, () -> keeper.run(4));
      keeper.run(1);
      keeper.check(text, 1);
    }
  }
}
