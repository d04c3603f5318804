package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import io.github.cudnn4j.rnn.RnnPlan;
import io.github.cudnn4j.rnn.RnnStateGradients;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceShape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One forward and backward pass through the library with everything handed over and read back as
 * doubles, which is the form in which references come. Sequences are in the layout of the shape.
 */
final class Run implements AutoCloseable {

  /** What goes in; null states are passed on as absent. */
  record Inputs(
      double[] x,
      double @Nullable [] hx,
      double @Nullable [] cx,
      double[] dy,
      double @Nullable [] dhy,
      double @Nullable [] dcy) {}

  /** What comes out; the state and its gradient of cells without a cell state are empty. */
  record Outputs(
      double[] y,
      double[] hy,
      double[] cy,
      double[] dx,
      double[] dhx,
      double[] dcx,
      Map<String, double[]> dParameters) {}

  final Device device;
  final RnnConfig config;
  final Rnn rnn;

  Run(Device device, RnnConfig config) {
    this.device = device;
    this.config = config;
    this.rnn = Rnn.create(device, config);
  }

  /** Sets every parameter by its PyTorch name. */
  void parameters(Map<String, double[]> values) {
    for (RnnParameter parameter : rnn.weights().parameters()) {
      parameter.copyFrom(values.get(parameter.name()));
    }
  }

  Outputs forwardAndBackward(SequenceShape shape, Inputs in) {
    List<DeviceBuffer> owned = new ArrayList<>();
    try (RnnPlan plan = rnn.plan(shape)) {
      boolean cell = config.hasCellState();
      long states = plan.stateElements();
      long cells = plan.cellStateElements();
      DeviceBuffer x = buffer(owned, in.x, plan.inputElements());
      DeviceBuffer dy = buffer(owned, in.dy, plan.outputElements());
      DeviceBuffer hx = optional(owned, in.hx, states);
      DeviceBuffer cx = cell ? optional(owned, in.cx, cells) : null;
      DeviceBuffer dhy = optional(owned, in.dhy, states);
      DeviceBuffer dcy = cell ? optional(owned, in.dcy, cells) : null;
      DeviceBuffer y = buffer(owned, null, plan.outputElements());
      DeviceBuffer hy = buffer(owned, null, states);
      DeviceBuffer cy = cell ? buffer(owned, null, cells) : null;
      DeviceBuffer dx = buffer(owned, null, plan.inputElements());
      DeviceBuffer dhx = buffer(owned, null, states);
      DeviceBuffer dcx = cell ? buffer(owned, null, cells) : null;

      rnn.gradients().space().clear();
      plan.forward(x, y, new RnnStates(hx, cx, hy, cy))
          .backward(dy, dx, new RnnStateGradients(dhy, dcy, dhx, dcx));

      Map<String, double[]> dParameters = new LinkedHashMap<>();
      for (RnnParameter parameter : rnn.gradients().parameters()) {
        double[] values = new double[Math.toIntExact(parameter.elements())];
        parameter.copyTo(values);
        dParameters.put(parameter.name(), values);
      }
      return new Outputs(
          doubles(y),
          doubles(hy),
          doubles(cy),
          doubles(dx),
          doubles(dhx),
          doubles(dcx),
          dParameters);
    } finally {
      owned.reversed().forEach(DeviceBuffer::close);
    }
  }

  @Override
  public void close() {
    rnn.close();
  }

  private @Nullable DeviceBuffer optional(
      List<DeviceBuffer> owned, double @Nullable [] values, long elements) {
    return values == null ? null : buffer(owned, values, elements);
  }

  private DeviceBuffer buffer(List<DeviceBuffer> owned, double @Nullable [] values, long elements) {
    DeviceBuffer buffer = DeviceBuffer.allocate(device, config.type(), elements);
    owned.add(buffer);
    if (values != null) {
      switch (config.type()) {
        case FLOAT64 -> buffer.copyFrom(values);
        case FLOAT32 -> buffer.copyFrom(floats(values));
        default -> throw new IllegalArgumentException("no test data of type " + config.type());
      }
    } else {
      buffer.clear();
    }
    return buffer;
  }

  private double[] doubles(@Nullable DeviceBuffer buffer) {
    if (buffer == null) {
      return new double[0];
    }
    return switch (config.type()) {
      case FLOAT64 -> buffer.toDoubles();
      case FLOAT32 -> doubles(buffer.toFloats());
      default -> throw new IllegalArgumentException("no test data of type " + config.type());
    };
  }

  static float[] floats(double[] values) {
    float[] result = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = (float) values[i];
    }
    return result;
  }

  static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = values[i];
    }
    return result;
  }

  /** Where element 0 of row {@code row} at time {@code t} lies, in rows of x or y. */
  static int rowOffset(SequenceShape shape, int t, int row) {
    if (shape.layout() == RnnDataLayout.SEQ_MAJOR_UNPACKED) {
      return t * shape.batch() + row;
    }
    if (shape.layout() == RnnDataLayout.BATCH_MAJOR_UNPACKED) {
      return row * shape.time() + t;
    }
    int before = 0;
    for (int length : shape.lengths()) {
      before += Math.min(length, t);
    }
    return before + row;
  }
}
