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

/**
 * Recurrent networks through the facade. Each call hands its work to the device and waits until it
 * is done.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RnnBenchmark {

  /** A {@link Workload}'s name: */
  @Param({
    "LSTM_8_8_B1_T1", // next to nothing to compute: what Java and the calls cost
    "LSTM_28_256_B32_T35", // a character model of d2l's The Time Machine
    "LSTM_256_256_B32_T35", // the same behind a layer of its own kind
    "LSTM_512_512_B64_T64", // large enough for the products to rule
    "LSTM_28_32_B1024_T32", // little to multiply for each gate function
    "LSTM_256_256_L2_BI_B32_T35",
    "GRU_28_256_B32_T35",
    "TANH_28_256_B32_T35"
  })
  public String shape;

  private Device device;
  private RnnWork work;

  /** Makes the network, its input and the gradient of its output, for what will be measured. */
  @Setup(Level.Trial)
  public void open(BenchmarkParams benchmark) {
    String name = benchmark.getBenchmark();
    var kind =
        name.endsWith("inference")
            ? RnnWork.Kind.INFER
            : name.endsWith("forward") ? RnnWork.Kind.FORWARD : RnnWork.Kind.TRAIN;
    device = Device.open();
    var workload = Workload.parse(shape);
    try (var small = new RnnWork(device, kind, workload.small(), false)) {
      small.warmUp();
    }
    work = new RnnWork(device, kind, workload, false);
  }

  /** Closes the device, and with it everything made from it. */
  @TearDown
  public void close() {
    device.close();
  }

  /** Inference: nothing is kept for a backward pass. */
  @Benchmark
  public void inference() {
    work.run(1);
  }

  /** Forward in training. */
  @Benchmark
  public void forward() {
    work.run(1);
  }

  /** Forward, then the gradients of input and weights. */
  @Benchmark
  public void forwardBackward() {
    work.run(1);
  }
}
