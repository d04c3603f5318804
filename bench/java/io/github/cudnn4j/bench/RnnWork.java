package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnPlan;
import io.github.cudnn4j.rnn.RnnStateGradients;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceBatch;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A recurrent network with everything that running it takes, through the facade. */
public final class RnnWork implements Peer.Job {

  /** What is computed. */
  public enum Kind {
    /** Outputs only: nothing is kept for a backward pass. */
    INFER,
    /** Forward in training. */
    FORWARD,
    /** Forward, then the gradients of input and weights. */
    TRAIN
  }

  private final Device device;
  private final Parts parts = new Parts();
  private final Rnn rnn;
  private final @Nullable RnnPlan plan;
  private final @Nullable SequenceBatch rows;
  private final DeviceBuffer x;
  private final DeviceBuffer y;
  private final DeviceBuffer dy;
  private final DeviceBuffer dx;
  private final Kind kind;
  private final @Nullable CapturedGraph graph;

  /**
   * Makes network, input and gradient of the output.
   *
   * @param captured whether the work is recorded once, here, and then replayed
   */
  public RnnWork(Device device, Kind kind, Workload workload, boolean captured) {
    this.device = device;
    this.kind = kind;
    boolean infers = kind == Kind.INFER;
    try {
      rnn = parts.add(Rnn.create(device, workload.config()));
      setWeights(rnn);
      if (infers) {
        rnn.weights().space().setReadOnly();
      }
      if (workload.anyOrder()) {
        var layout = workload.layout();
        int[] lengths = workload.lengths();
        plan = null;
        rows =
            parts.add(
                infers
                    ? SequenceBatch.createForInference(rnn, layout, workload.time(), lengths)
                    : SequenceBatch.create(rnn, layout, workload.time(), lengths));
      } else {
        rows = null;
        plan = parts.add(infers ? rnn.inferencePlan(workload.shape()) : rnn.plan(workload.shape()));
      }
      int inputs = Math.toIntExact(plan == null ? rows.inputElements() : plan.inputElements());
      int outputs = Math.toIntExact(plan == null ? rows.outputElements() : plan.outputElements());
      x = filled(Fill.X, inputs);
      dx = filled(Fill.X, inputs);
      y = filled(Fill.DY, outputs);
      dy = filled(Fill.DY, outputs);
      enqueue(); // what is allocated when it is first needed cannot be captured
      graph = captured ? parts.add(device.stream().capture(this::enqueue)) : null;
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  private static void setWeights(Rnn rnn) {
    double scale = 1 / Math.sqrt(rnn.config().hiddenSize());
    int salt = Fill.PARAMETERS;
    for (var parameter : rnn.weights().parameters()) {
      parameter.copyFrom(Fill.floats(salt++, Math.toIntExact(parameter.elements()), scale));
    }
  }

  @Override
  public void run(int times) {
    for (int i = 0; i < times; i++) {
      if (graph != null) {
        graph.launch();
      } else {
        enqueue();
      }
    }
    device.synchronize();
  }

  private void enqueue() {
    if (kind == Kind.TRAIN) {
      rnn.gradients().space().clear();
    }
    if (plan != null) {
      switch (kind) {
        case INFER -> plan.infer(x, y, RnnStates.NONE);
        case FORWARD -> plan.forward(x, y, RnnStates.NONE);
        case TRAIN -> plan.forward(x, y, RnnStates.NONE).backward(dy, dx);
      }
    } else {
      switch (kind) {
        case INFER -> rows.infer(x, y, RnnStates.NONE);
        case FORWARD -> rows.forward(x, y, RnnStates.NONE);
        case TRAIN -> {
          rows.forward(x, y, RnnStates.NONE);
          rows.backward(dy, dx, RnnStateGradients.NONE);
        }
      }
    }
  }

  /** The mean absolute value of each result. */
  @Override
  public Map<String, Double> check() {
    run(1);
    var results = new LinkedHashMap<String, Double>();
    results.put("y", mean(y));
    if (kind == Kind.TRAIN) {
      results.put("dx", mean(dx));
      double sum = 0;
      long count = 0;
      for (var parameter : rnn.gradients().parameters()) {
        var values = new float[Math.toIntExact(parameter.elements())];
        parameter.copyTo(values);
        sum += sum(values);
        count += values.length;
      }
      results.put("dw", sum / count);
    }
    return results;
  }

  private DeviceBuffer filled(int salt, int elements) {
    ElementType type = rnn.config().type();
    DeviceBuffer buffer = parts.add(DeviceBuffer.allocate(device, type, elements));
    float[] values = Fill.floats(salt, elements, 1);
    if (type == ElementType.FLOAT64) {
      var wide = new double[elements];
      for (int i = 0; i < elements; i++) {
        wide[i] = values[i];
      }
      buffer.copyFrom(wide);
    } else {
      buffer.copyFrom(values);
    }
    return buffer;
  }

  private static double mean(DeviceBuffer buffer) {
    double sum = 0;
    if (buffer.type() == ElementType.FLOAT64) {
      for (double value : buffer.toDoubles()) {
        sum += Math.abs(value);
      }
    } else {
      sum = sum(buffer.toFloats());
    }
    return sum / buffer.elements();
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += Math.abs(value);
    }
    return sum;
  }

  /** Frees everything but the device. */
  @Override
  public void close() {
    parts.close();
  }
}
