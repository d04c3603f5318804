package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.util.Arrays;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class BatchRunnerTest {

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

  /** Work that keeps the latest batches that it found. */
  private static final class Keeper implements AutoCloseable {
    final BatchRunner runner;
    private final int kept;
    private final Parts parts = new Parts();
    private final DeviceBuffer[] inputs;
    private final DeviceBuffer[] labels;
    private final DeviceBuffer[] numbers;
    private boolean failing;

    Keeper(Device device, TextWindows text, boolean capture, int kept) throws IOException {
      this.kept = kept;
      inputs = new DeviceBuffer[kept];
      labels = new DeviceBuffer[kept];
      numbers = new DeviceBuffer[kept];
      runner = parts.add(new BatchRunner(device, Precision.FP32, text, capture, this::record));
      long tokens = (long) text.batch() * text.time();
      for (int i = 0; i < kept; i++) {
        inputs[i] = parts.add(DeviceBuffer.allocate(device, ElementType.INT32, tokens));
        labels[i] = parts.add(DeviceBuffer.allocate(device, ElementType.INT32, tokens));
        numbers[i] = parts.add(DeviceBuffer.allocate(device, ElementType.FLOAT64, 1));
      }
      runner.begin(new SavableRandom(0), 0);
    }

    private BatchRunner.Work record(int shape) {
      Tape tape = parts.add(Tape.inference(numbers[0].device(), Precision.FP32));
      Batch in = runner.batch(tape, shape);
      Runnable work =
          () -> {
            if (failing) {
              throw new UnsupportedOperationException();
            }
            push(inputs, in.tokens(TextWindows.TOKENS).buffer());
            push(labels, in.labels(TextWindows.LABELS).buffer());
            push(numbers, runner.number());
          };
      return new BatchRunner.Work(in, work, true);
    }

    void run(int step) throws IOException {
      runner.run(0.5 * step);
    }

    void fail() {
      failing = true;
      assertThrows(UnsupportedOperationException.class, () -> runner.run(0));
      failing = false;
    }

    private static void push(DeviceBuffer[] kept, DeviceBuffer latest) {
      for (int i = kept.length - 1; i > 0; i--) {
        kept[i].copyFrom(kept[i - 1]);
      }
      kept[0].copyFrom(latest);
    }

    /** Waits, and compares the steps that end with {@code last}. */
    void check(TextWindows text, int last) {
      for (int i = 0; i < kept; i++) {
        var expected = Found.expected(text, last - i);
        assertArrayEquals(expected.inputs(), inputs[i].toInts(), "inputs of step " + (last - i));
        assertArrayEquals(expected.labels(), labels[i].toInts(), "labels of step " + (last - i));
        assertArrayEquals(new double[] {expected.number()}, numbers[i].toDoubles());
      }
    }

    @Override
    public void close() {
      parts.close();
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
  void theWorkFindsItsWindow(boolean capture, int batch, int time) throws IOException {
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
  void theHostDoesNotOvertakeTheDevice(boolean capture, int batch, int time) throws IOException {
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

  /** Whether the device had fetched the batch of a step that failed is not known; it is gone. */
  @Test
  void aStepThatFailedDoesNotShiftTheOnesBehindIt() throws IOException {
    var text = text(2, 3, 40);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, false, 1)) {
      for (int step = 0; step < 40; step++) {
        if (step % 7 == 3) {
          keeper.fail();
        } else {
          keeper.run(step);
          keeper.check(text, step);
        }
      }
    }
  }

  @Test
  void aLaunchThatFailedDoesNotShiftTheOnesBehindIt() throws IOException {
    HostControl host = failingHost();
    var text = text(2, 3, 40);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, true, 1)) {
      for (int step = 0; step < 40; step++) {
        if (step > 15 && step % 7 == 1) {
          int failed = step;
          host.fail("cudaGraphLaunch", 1, Cudart.cudaErrorUnknown(), false);
          assertThrows(CudaException.class, () -> keeper.run(failed));
        } else {
          keeper.run(step);
          keeper.check(text, step);
        }
      }
    }
  }

  /** cuDNN may refuse to be captured where it runs. */
  @ParameterizedTest
  @ValueSource(strings = {"cudaStreamBeginCapture", "cudaStreamEndCapture", "cudaGraphInstantiate"})
  void workThatCannotBeCapturedIsQueuedCallByCall(String function) throws IOException {
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
  void anEpochEndsAndAnotherBegins() throws IOException {
    var text = text(2, 3, 4);
    try (var device = Device.open();
        var keeper = new Keeper(device, text, true, 1)) {
      for (int epoch = 0; epoch < 3; epoch++) {
        for (int step = epoch; step < 4; step++) {
          assertTrue(keeper.runner.hasNext());
          keeper.run(step);
          keeper.check(text, step);
        }
        assertFalse(keeper.runner.hasNext());
        assertThrows(NoSuchElementException.class, () -> keeper.run(4));
        keeper.runner.begin(new SavableRandom(0), epoch + 1);
      }
      assertEquals((4 + 3 + 2) * 6, keeper.runner.tokens());
    }
  }
}
