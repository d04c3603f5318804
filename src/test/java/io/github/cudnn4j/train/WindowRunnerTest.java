package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostMode;
import java.util.Arrays;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WindowRunnerTest {

  private static final int TIME = 3;
  private static final int BATCH = 2;
  private static final int STEPS = 5;

  private static SequentialBatches text() {
    var tokens = new int[TIME * BATCH * STEPS + 1];
    Arrays.setAll(tokens, i -> i);
    return SequentialBatches.training(tokens, BATCH, TIME, false);
  }

  /** The work keeps what it finds. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theWorkFindsItsWindow(boolean capture) {
    int tokens = TIME * BATCH;
    try (var device = Device.open();
        var windows = WindowRunner.create(device, text(), capture);
        var inputs = DeviceBuffer.allocate(device, ElementType.INT32, tokens);
        var labels = DeviceBuffer.allocate(device, ElementType.INT32, tokens);
        var numbers = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1)) {
      Runnable work =
          () -> {
            inputs.copyFrom(windows.inputs());
            labels.copyFrom(windows.labels());
            numbers.copyFrom(windows.number());
          };
      for (int step = 0; step < STEPS; step++) {
        windows.run(0, step, 0.5 * step, work);
        var expected = new int[tokens];
        int first = step * TIME;
        Arrays.setAll(expected, i -> first + i / BATCH + i % BATCH * TIME * STEPS);
        assertArrayEquals(expected, inputs.toInts());
        assertArrayEquals(Arrays.stream(expected).map(i -> i + 1).toArray(), labels.toInts());
        assertArrayEquals(new double[] {0.5 * step}, numbers.toDoubles());
      }
    }
  }

  /** The next window arrives while the device has not even begun with this one. */
  @Test
  void anUploadWaitsForNoWork() {
    var control = HostControl.ifHost();
    Assumptions.assumeTrue(control.isPresent(), "needs the host device, which can be held back");
    HostMode before = control.get().mode();
    try (var device = Device.open();
        var windows = WindowRunner.create(device, text(), true);
        var begun = Event.create(device)) {
      Runnable work = () -> windows.inputs().clear();
      windows.run(0, 0, 0, work);
      device.synchronize();
      control.get().mode(HostMode.LAZY);
      windows.run(0, 1, 0, work);
      windows.run(0, 2, 0, work);
      try (var uploaded = Event.create(device)) {
        device.stream().record(begun);
        windows.upload().record(uploaded);
        windows.upload().synchronize();
        assertTrue(uploaded.isDone());
        assertFalse(begun.isDone());
      }
      device.synchronize();
    } finally {
      control.get().mode(before);
    }
  }
}
