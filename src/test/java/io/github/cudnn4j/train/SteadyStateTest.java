package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.Schedule;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a training step does once it runs: few calls, no allocation, no wait for the device. */
class SteadyStateTest {

  private static final List<String> FORBIDDEN =
      List.of(
          "cudaMalloc",
          "cudaMallocAsync",
          "cudaFree",
          "cudaHostAlloc",
          "cudaFreeHost",
          "cudaStreamSynchronize",
          "cudaDeviceSynchronize",
          "cudaMemcpy",
          "cudaMemset",
          "cudaGraphInstantiate",
          "cudaEventCreateWithFlags",
          "cudnnCreateTensorDescriptor",
          "cudnnSetRNNDataDescriptor",
          "cudnnGetRNNTempSpaceSizes");

  @ParameterizedTest
  @CsvSource({"false, FP32", "true, FP32", "true, FP16"})
  void allocatesNothingAndWaitsForNothing(boolean capture, Precision precision) throws IOException {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    int[] tokens = TinyModel.tokens(4 * 6 * 4100); // one epoch is enough for all steps
    var batches = TextWindows.training(tokens, 4, 6, false);
    var config = TrainerConfig.of(Optimizer.adam(1e-3)).clip(Clip.byNorm(1)).capture(capture);
    var schedule = Schedule.cosine(10, 100_000, 0);
    try (var device = Device.open();
        var model = new TinyModel(device, precision, RnnMode.LSTM, 6, 5, 0.1);
        var step = Step.create(model.parameters(), model, batches, config)) {
      // Until everything is linked and the compiler has seen it.
      step.begin(new SavableRandom(0), 0);
      long done = run(step, schedule, 0, 3000);
      step.read();
      Map<String, Long> before = counts();
      // The least of several rounds: the compiler may put something of its own into one.
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 5; round++) {
        long start = threads.getCurrentThreadAllocatedBytes();
        done = run(step, schedule, done, 200);
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - start);
      }
      assertEquals(before, counts());
      assertEquals(0, least, "bytes of Java heap in 200 steps");
      assertTrue(step.read().state().skipped() < 10);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FP32", "FP16"})
  void aCapturedStepIsOneCall(Precision precision) throws IOException {
    var control = HostControl.ifHost();
    Assumptions.assumeTrue(control.isPresent(), "only the host device counts calls");
    HostControl host = control.get();
    int[] tokens = TinyModel.tokens(4 * 6 * 200);
    var batches = TextWindows.training(tokens, 4, 6, false);
    var config = TrainerConfig.of(Optimizer.adam(1e-3)).clip(Clip.byNorm(1));
    int steps = 160;
    try (var device = Device.open();
        var model = new TinyModel(device, precision, RnnMode.LSTM, 6, 5, 0.1);
        var step = Step.create(model.parameters(), model, batches, config)) {
      step.begin(new SavableRandom(0), 0);
      run(step, Schedule.exponential(0.999), 0, 3);
      long launches = host.calls("cudaGraphLaunch");
      long waits = host.calls("cudaEventSynchronize");
      long records = host.calls("cudaEventRecord");
      long all = host.calls();
      run(step, Schedule.exponential(0.999), 3, steps);
      all = host.calls() - all;
      assertEquals(steps, host.calls("cudaGraphLaunch") - launches);
      // Every sixteenth step: whether the device still needs the windows before.
      assertEquals(steps / 16, host.calls("cudaEventSynchronize") - waits);
      assertEquals(steps / 16, host.calls("cudaEventRecord") - records);
      assertEquals(steps + 2 * (steps / 16), all);
    }
  }

  private static long run(Step step, Schedule schedule, long from, int steps) throws IOException {
    for (long i = from; i < from + steps; i++) {
      step.run(1e-3 * schedule.factor(i));
    }
    return from + steps;
  }

  private static Map<String, Long> counts() {
    var counts = new LinkedHashMap<String, Long>();
    Optional<HostControl> host = HostControl.ifHost();
    if (host.isPresent()) {
      for (String function : FORBIDDEN) {
        long calls = host.get().calls(function);
        assertTrue(calls >= 0, function);
        counts.put(function, calls);
      }
      for (HostCounter kind : HostCounter.values()) {
        counts.put(kind.name(), host.get().live(kind));
      }
    }
    return counts;
  }
}
