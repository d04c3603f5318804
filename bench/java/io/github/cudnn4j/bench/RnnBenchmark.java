package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnPlan;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceShape;
import java.util.SplittableRandom;
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
 * Recurrent networks through the facade, FP32. Each call hands its work to the device and waits
 * until it is done.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class RnnBenchmark {

  /** Networks and sequences, named cell, input, hidden, batch, time. */
  public enum Shape {
    /** Next to nothing to compute: what Java and the calls cost. */
    LSTM_8_8_B1_T1(RnnConfig.lstm(8, 8), 1, 1),
    /** A character model of d2l's The Time Machine. */
    LSTM_28_256_B32_T35(RnnConfig.lstm(28, 256), 35, 32),
    /** The same behind a layer of its own kind. */
    LSTM_256_256_B32_T35(RnnConfig.lstm(256, 256), 35, 32),
    /** Large enough for the products to rule. */
    LSTM_512_512_B64_T64(RnnConfig.lstm(512, 512), 64, 64),
    /** Many short rows: little to multiply for each gate function. */
    LSTM_28_32_B1024_T32(RnnConfig.lstm(28, 32), 32, 1024),
    /** Two layers, both directions. */
    LSTM_256_256_L2_BI_B32_T35(RnnConfig.lstm(256, 256).layers(2).bidirectional(), 35, 32),
    /** A GRU. */
    GRU_28_256_B32_T35(RnnConfig.gru(28, 256), 35, 32),
    /** A vanilla network. */
    TANH_28_256_B32_T35(RnnConfig.tanh(28, 256), 35, 32);

    private final RnnConfig config;
    private final int time;
    private final int batch;

    Shape(RnnConfig config, int time, int batch) {
      this.config = config;
      this.time = time;
      this.batch = batch;
    }
  }

  /** What is computed. */
  @Param public Shape shape;

  private Device device;
  private Rnn rnn;
  private RnnPlan plan;
  private DeviceBuffer x;
  private DeviceBuffer y;
  private DeviceBuffer dy;
  private DeviceBuffer dx;

  /** Makes the network, its input and the gradient of its output, all of them random. */
  @Setup
  public void open() {
    device = Device.open();
    rnn = Rnn.create(device, shape.config);
    rnn.initialize(1);
    plan = rnn.plan(SequenceShape.of(shape.time, shape.batch));
    x = random(plan.inputElements());
    dx = random(plan.inputElements());
    y = random(plan.outputElements());
    dy = random(plan.outputElements());
  }

  /** Closes the device, and with it everything made from it. */
  @TearDown
  public void close() {
    device.close();
  }

  /** Inference: nothing is kept for a backward pass. */
  @Benchmark
  public void inference() {
    plan.infer(x, y, RnnStates.NONE);
    device.synchronize();
  }

  /** Forward in training. */
  @Benchmark
  public void forward() {
    plan.forward(x, y, RnnStates.NONE);
    device.synchronize();
  }

  /** Forward, then the gradients of input and weights. */
  @Benchmark
  public void forwardBackward() {
    rnn.gradients().space().clear();
    plan.forward(x, y, RnnStates.NONE).backward(dy, dx);
    device.synchronize();
  }

  private DeviceBuffer random(long elements) {
    var values = new float[Math.toIntExact(elements)];
    var random = new SplittableRandom(elements);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextDouble(-1, 1);
    }
    DeviceBuffer buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, elements);
    buffer.copyFrom(values);
    return buffer;
  }
}
