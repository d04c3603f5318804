package io.github.cudnn4j.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.sun.management.ThreadMXBean;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.proof.Numbers;
import io.github.cudnn4j.tape.Init;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.testing.OwnOptimizers;
import java.lang.management.ManagementFactory;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** An updater in a loop that is not a trainer's. */
class UpdaterOfOnesOwnTest {

  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void learningRatesAndLossesChangeWithoutWaitingOrAllocating() {
    try (var parameters = parameters(Precision.FP64);
        var updater = Updater.create(parameters, Optimizer.sgd(0.5), Clip.NONE, LossScale.NONE);
        var one = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1);
        var other = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1)) {
      one.copyFrom(new double[] {3});
      other.copyFrom(new double[] {4});
      Numbers.write(parameters.parameter("w").tensor().gradient(), new double[] {1});
      updater.run();
      assertEquals(new StepState(0.5, 1, 1, 0, 0, 1, 0, 1), updater.read());
      Optional<HostControl> host = HostControl.ifHost();
      long[] calls = {0};
      var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      // The least of several rounds, the first before the compiler has seen it.
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 6; round++) {
        host.ifPresent(h -> calls[0] = h.calls());
        long start = threads.getCurrentThreadAllocatedBytes();
        for (int step = 0; step < 2000; step++) {
          updater.learningRate(0.25 + step % 2);
          updater.run(step % 2 == 0 ? one : other);
        }
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - start);
        // The rate, the norm, what prepares the step, and the rule.
        host.ifPresent(h -> assertEquals(4 * 2000, h.calls() - calls[0]));
      }
      assertEquals(0, least, "bytes of Java heap in 2000 steps");
      assertEquals(new StepState(1.25, 12_001, 1, 0, 0, 1, 4, 1), updater.read());
      assertArrayEquals(new double[] {-9000.5}, parameters.read("w"));
    }
  }

  @Test
  void findsTheLearningRateInTheCallersBuffer() {
    try (var parameters = parameters(Precision.FP32);
        var rate = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1);
        var updater =
            Updater.create(
                parameters, Optimizer.sgd(9), Clip.NONE, LossScale.NONE, List.of(), rate)) {
      Numbers.write(parameters.parameter("w").tensor().gradient(), new double[] {1});
      for (double value : new double[] {0.5, 0.25}) {
        rate.copyFrom(new double[] {value});
        updater.run();
      }
      assertArrayEquals(new double[] {-0.75}, parameters.read("w"));
      var thrown = assertThrows(IllegalStateException.class, () -> updater.learningRate(1));
      assertEquals("the learning rate is in a buffer of the caller's", thrown.getMessage());
    }
  }

  @Test
  void refusesWhatIsNoLearningRateLimitOrLoss() {
    try (var parameters = parameters(Precision.FP32);
        var updater = Updater.create(parameters, Optimizer.sgd(1), Clip.NONE, LossScale.NONE);
        var loss = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1)) {
      assertMessage(
          "learning rate NaN, must be finite and at least 0", () -> updater.learningRate(0 / 0.0));
      assertMessage("loss limit NaN, must be a number", () -> updater.lossLimit(0 / 0.0));
      assertMessage(
          "argument 2 of prepare_step_f32 is a DeviceBuffer of FLOAT64, must be a DeviceBuffer of"
              + " FLOAT32 loss",
          () -> updater.run(loss));
      assertMessage(
          "the loss has 64 elements, must have 1", () -> updater.run(parameters.weights()));
    }
  }

  @Test
  void freesWhatItHasAllocated() {
    try (var parameters = parameters(Precision.FP16)) {
      var rule = new OwnOptimizers.Adamax(1, 0.5, 0.5, 1);
      Updater.create(parameters, rule, Clip.byNorm(1), LossScale.DEFAULT).close();
      HostControl.ifHost()
          .ifPresent(
              host -> {
                var before = host.live();
                var updater = Updater.create(parameters, rule, Clip.byNorm(1), LossScale.DEFAULT);
                assertNotEquals(before, host.live());
                updater.close();
                assertEquals(before, host.live());
              });
    }
  }

  /** Two parts of one rule. */
  @Test
  void hasOnePairOfBiasCorrections() {
    record Twofold(double learningRate) implements Optimizer {
      @Override
      public Twofold withLearningRate(double rate) {
        return new Twofold(rate);
      }

      @Override
      public Runnable bind(ParameterRange range) {
        range.biasCorrections(0.5, 0.25);
        range.biasCorrections(0.5, 0.25);
        range.biasCorrections(0.5, 0.75);
        return range.program();
      }
    }
    try (var parameters = parameters(Precision.FP32)) {
      assertMessage(
          "bias corrections of betas 0.5 and 0.75, must be the earlier 0.5 and 0.25",
          () -> Updater.create(parameters, new Twofold(1), Clip.NONE, LossScale.NONE).close());
    }
  }

  private static void assertMessage(String message, Executable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action).getMessage());
  }

  /** A set of one weight, w. */
  private Parameters parameters(Precision precision) {
    var parameters = Parameters.on(device, precision);
    parameters.tensor("w", Init.zeros(), 1);
    parameters.initialize(1);
    return parameters;
  }
}
