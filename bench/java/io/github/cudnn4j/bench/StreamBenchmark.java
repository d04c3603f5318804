package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.openjdk.jmh.infra.BenchmarkParams;

/** How long a client waits for the next step of its text; B clients are advanced together. */
@State(Scope.Thread)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class StreamBenchmark {

  /** A {@link Workload}'s name. */
  @Param({"LSTM_28_256_B1_T1", "LSTM_28_256_B64_T1"})
  public String shape;

  private Device device;
  private StreamWork work;

  /** Makes the model and its states. */
  @Setup(Level.Trial)
  public void open(BenchmarkParams benchmark) {
    device = Device.open();
    var workload = Workload.parse(shape);
    work =
        benchmark.getBenchmark().endsWith("session")
            ? StreamWork.session(device, workload)
            : StreamWork.steps(device, workload);
  }

  /** Closes the work, then the device. */
  @TearDown
  public void close() {
    work.close();
    device.close();
  }

  /** All texts in one thread. */
  @Benchmark
  public void steps() {
    work.run(1);
  }

  /** Each text in a thread of its own, through a session. */
  @Benchmark
  public void session() {
    work.run(1);
  }
}
