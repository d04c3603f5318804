package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.train.StepWork;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Whole training steps of a character model: window, forward, loss, backward, clip, Adam. The host
 * is only some steps ahead of the device, so what is measured is the slower of both.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class StepBenchmark {

  /** A {@link Workload}'s name. */
  @Param({"LSTM_28_8_B1_T1", "LSTM_28_256_B32_T35", "GRU_28_256_B32_T35", "TANH_28_256_B32_T35"})
  public String shape;

  private Device device;
  private StepWork work;

  /** Makes the model and its training. */
  @Setup
  public void open() {
    device = Device.open();
    var workload = Workload.parse(shape);
    try (var small = new StepWork(device, workload.small(), Optimizer.adam(0.001))) {
      small.warmUp();
    }
    work = new StepWork(device, workload, Optimizer.adam(0.001));
  }

  /** Closes the device, and with it everything made from it. */
  @TearDown
  public void close() {
    work.close();
    device.close();
  }

  /** One step. */
  @Benchmark
  public void step() {
    work.step();
  }
}
