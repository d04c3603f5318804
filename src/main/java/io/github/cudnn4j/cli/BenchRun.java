package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnPlan;
import io.github.cudnn4j.rnn.RnnStates;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One row of a sweep: a network on a batch, by one algorithm in one precision.
 *
 * @param algorithm the one asked for, null for the one that is measured to be the fastest
 */
record BenchRun(BenchShape shape, Precision precision, @Nullable RnnAlgorithm algorithm) {
  /** Uploaded once for each buffer, then repeated on the device. */
  private static final int RANDOM_ELEMENTS = 1 << 18;

  /** The events of a GPU are about a microsecond apart, so a sample is not shorter. */
  private static final double MIN_SAMPLE_MILLISECONDS = 2;

  private static final int MAX_RUNS = 100;
  private static final int MIN_SAMPLES = 3;
  private static final double MAX_PASS_MILLISECONDS = 1000;

  /** What is timed. */
  enum Pass {
    /** Forward alone, nothing kept. */
    INFERENCE("inference", "inference"),
    /** Forward in training, keeping what backward needs. */
    FORWARD("forward", "forward"),
    /** Forward, then the gradients of input and weights. */
    TRAINING("training", "forwardBackward");

    /** The name in the table. */
    final String title;

    /** The name in JSON. */
    final String key;

    Pass(String title, String key) {
      this.title = title;
      this.key = key;
    }
  }

  /**
   * What came out.
   *
   * @param refusal why it does not run; null if it does
   * @param used the algorithm that ran, which is another than the one asked for if that was null
   * @param timings of every pass, none if it does not run
   */
  record Result(
      BenchRun run,
      @Nullable String refusal,
      @Nullable RnnAlgorithm used,
      long workspaceBytes,
      long reserveBytes,
      Map<Pass, Timing> timings) {

    /** Milliseconds of a pass that was timed. */
    double median(Pass pass) {
      return Objects.requireNonNull(timings.get(pass), pass.key).median();
    }
  }

  /**
   * Samples of one pass, sorted.
   *
   * @param milliseconds of one run each
   * @param flops floating-point operations of a run, those of the matrix products
   */
  record Timing(double[] milliseconds, double flops) {
    double median() {
      return quantile(0.5);
    }

    /** Half of the distance between the quartiles, as a part of the median. */
    double spread() {
      return (quantile(0.75) - quantile(0.25)) / 2 / median();
    }

    double teraflops() {
      return flops / median() * 1e-9;
    }

    private double quantile(double q) {
      double at = q * (milliseconds.length - 1);
      int below = (int) at;
      int above = Math.min(below + 1, milliseconds.length - 1);
      return milliseconds[below] + (at - below) * (milliseconds[above] - milliseconds[below]);
    }
  }

  /** The device does not work any more. */
  static final class DeviceLostException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DeviceLostException(CudaException cause) {
      super(cause.getMessage(), cause);
    }
  }

  /** How the rows of a sweep are measured. */
  record Settings(int samples, boolean graph) {}

  /** Buffers with random numbers: those of zeros are multiplied faster. */
  static DeviceBuffer random(Device device, ElementType type, long elements, double bound) {
    Parts parts = new Parts();
    try {
      DeviceBuffer buffer = parts.add(DeviceBuffer.allocate(device, type, elements));
      fill(buffer, bound);
      return buffer;
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  private static void fill(DeviceBuffer buffer, double bound) {
    long elements = buffer.elements();
    long done = Math.min(RANDOM_ELEMENTS, elements);
    double[] values = new SplittableRandom(elements).doubles(done, -bound, bound).toArray();
    DeviceBuffer first = buffer.slice(0, done);
    if (buffer.type() == ElementType.FLOAT64) {
      first.copyFrom(values);
    } else {
      float[] narrow = new float[values.length];
      for (int i = 0; i < narrow.length; i++) {
        narrow[i] = (float) values[i];
      }
      first.copyFrom(narrow);
    }
    while (done < elements) {
      long next = Math.min(done, elements - done);
      buffer.slice(done, next).copyFrom(buffer.slice(0, next));
      done += next;
    }
  }

  /**
   * Measures, or finds out why it cannot be.
   *
   * @throws DeviceLostException if the device does not work any more
   */
  Result measure(Device device, Settings settings) {
    String refusal;
    try {
      return measure(device, settings, shape.config(precision, algorithm));
    } catch (IllegalArgumentException e) {
      refusal = e.getMessage();
    } catch (DeviceOutOfMemoryException e) {
      refusal =
          String.format(
              Locale.ROOT,
              "out of memory: %,d bytes asked, %,d free",
              e.requestedBytes(),
              e.freeBytes());
    } catch (CudnnException e) {
      refusal =
          String.format(
              Locale.ROOT,
              "%s from %s%s",
              e.codeName().replace("CUDNN_STATUS_", ""),
              e.function(),
              e.lastError().isBlank() ? "" : ": " + e.lastError().strip());
    } catch (CudaException e) {
      refusal = e.codeName() + " from " + e.function();
    }
    try {
      device.synchronize();
    } catch (CudaException e) {
      throw new DeviceLostException(e);
    }
    return new Result(this, refusal, null, 0, 0, Map.of());
  }

  private Result measure(Device device, Settings settings, RnnConfig config) {
    try (Rnn rnn = Rnn.create(device, config);
        RnnPlan plan = rnn.plan(shape.sequences());
        DeviceBuffer x = random(device, config.type(), plan.inputElements(), 1);
        DeviceBuffer dx = DeviceBuffer.allocate(device, config.type(), plan.inputElements());
        DeviceBuffer y = DeviceBuffer.allocate(device, config.type(), plan.outputElements());
        // Small, because the gradients of all runs are added up and FLOAT16 ends at 65504.
        DeviceBuffer dy = random(device, config.type(), plan.outputElements(), 1e-3);
        Clock clock = new Clock(device, settings)) {
      fill(rnn.weights().space(), 1 / Math.sqrt(config.hiddenSize()));
      Timing inference = clock.time(() -> plan.infer(x, y, RnnStates.NONE), shape.flops());
      Timing forward = clock.time(() -> plan.forward(x, y, RnnStates.NONE), shape.flops());
      Timing training =
          clock.time(() -> plan.forward(x, y, RnnStates.NONE).backward(dy, dx), 3 * shape.flops());
      return new Result(
          this,
          null,
          plan.algorithm(),
          plan.workspaceBytes(),
          plan.reserveBytes(),
          Map.of(Pass.INFERENCE, inference, Pass.FORWARD, forward, Pass.TRAINING, training));
    }
  }

  /** The algorithm's name, {@code auto} for the one that is measured to be the fastest. */
  String algorithmName() {
    return algorithm == null ? "auto" : algorithm.name();
  }

  @Override
  public String toString() {
    return shape + " " + precision + " " + algorithmName();
  }

  /** Takes the time on the device. */
  private record Clock(Device device, Settings settings, Event start, Event end)
      implements AutoCloseable {
    Clock(Device device, Settings settings) {
      this(device, settings, Event.create(device), Event.create(device));
    }

    Timing time(Runnable work, double flops) {
      // The first run makes what is made once; nothing of that may be in a graph.
      work.run();
      device.stream().synchronize();
      if (!settings.graph) {
        return sample(work, flops);
      }
      try (CapturedGraph graph = device.stream().capture(work)) {
        graph.launch();
        device.stream().synchronize();
        return sample(graph::launch, flops);
      }
    }

    private Timing sample(Runnable work, double flops) {
      double one = milliseconds(work, 1);
      int runs = (int) Math.clamp(Math.ceil(MIN_SAMPLE_MILLISECONDS / one), 1, MAX_RUNS);
      double[] samples = new double[settings.samples];
      double total = 0;
      int taken = 0;
      while (taken < samples.length && (taken < MIN_SAMPLES || total < MAX_PASS_MILLISECONDS)) {
        samples[taken] = milliseconds(work, runs) / runs;
        total += samples[taken] * runs;
        taken++;
      }
      double[] sorted = Arrays.copyOf(samples, taken);
      Arrays.sort(sorted);
      return new Timing(sorted, flops);
    }

    private double milliseconds(Runnable work, int runs) {
      start.record();
      for (int i = 0; i < runs; i++) {
        work.run();
      }
      end.record();
      end.synchronize();
      return end.millisSince(start);
    }

    @Override
    public void close() {
      start.close();
      end.close();
    }
  }
}
