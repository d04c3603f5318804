package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.optim.Optimizer;
import java.io.IOException;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a training leaves behind on the host device, which counts it. */
class TrainerLeakTest {

  private static final int OUT_OF_MEMORY = 2;

  private HostControl host;
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
    Assumptions.assumeTrue(HostControl.ifHost().isPresent(), "needs the host device");
    host = HostControl.get();
  }

  @AfterEach
  void close() {
    HostControl.ifHost().ifPresent(HostControl::clearFault);
    device.close();
  }

  @Test
  void closingATrainingLeavesNothing() throws IOException {
    try (var model = model()) {
      // The kernels and the cuDNN handle belong to the device.
      train(model);
      Map<HostCounter, Long> before = host.live();
      train(model);
      assertEquals(before, host.live());
    }
  }

  @Test
  void runningOutOfMemoryAnywhereLeavesNothing() throws IOException {
    try (var model = model()) {
      train(model);
      Map<HostCounter, Long> before = host.live();
      int failures = 0;
      for (int k = 1; ; k++) {
        host.fail("cudaMalloc", k, OUT_OF_MEMORY, false);
        try {
          train(model);
          break;
        } catch (DeviceOutOfMemoryException expected) {
          failures++;
        } finally {
          host.clearFault();
        }
        assertEquals(before, host.live(), "allocation " + k + " failed");
      }
      assertTrue(failures > 20, failures + " allocations failed");
      train(model);
      assertEquals(before, host.live());
    }
  }

  private TinyModel model() {
    return new TinyModel(device, Precision.FP32, RnnMode.LSTM, 6, 5, 0.1);
  }

  private static void train(TinyModel model) throws IOException {
    int[] tokens = TinyModel.tokens(300);
    var config = TrainerConfig.of(Optimizer.adam(1e-3)).steps(3);
    try (var trainer =
        Trainer.of(model.parameters(), model, TextWindows.training(tokens, 4, 6, true), config)) {
      trainer.validation(TextWindows.evaluation(tokens, 2, 9)).run();
    }
  }
}
