package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** A network, a training plan and one buffer for each operand of a pass, filled at random. */
final class RnnFixture implements AutoCloseable {
  private final Parts parts = new Parts();
  private final Device device;
  final RnnConfig config;
  final Rnn rnn;
  final RnnPlan plan;
  final DeviceBuffer x;
  final DeviceBuffer y;
  final DeviceBuffer dx;
  final DeviceBuffer dy;
  final RnnStates states;
  final RnnStateGradients stateGradients;

  RnnFixture(Device device, RnnConfig config, SequenceShape shape) {
    this.device = device;
    this.config = config;
    rnn = parts.add(Rnn.create(device, config));
    rnn.initialize(1);
    plan = parts.add(rnn.plan(shape));
    x = buffer(plan.inputElements(), 2);
    dy = buffer(plan.outputElements(), 3);
    y = buffer(plan.outputElements());
    dx = buffer(plan.inputElements());
    boolean cell = config.hasCellState();
    states =
        new RnnStates(state(4), cell ? cellState(5) : null, state(0), cell ? cellState(0) : null);
    stateGradients =
        new RnnStateGradients(
            state(6), cell ? cellState(7) : null, state(0), cell ? cellState(0) : null);
  }

  private DeviceBuffer state(long seed) {
    return state(plan.stateElements(), seed);
  }

  private DeviceBuffer cellState(long seed) {
    return state(plan.cellStateElements(), seed);
  }

  private DeviceBuffer state(long elements, long seed) {
    return seed == 0 ? buffer(elements) : buffer(elements, seed);
  }

  /** A buffer of undefined contents. */
  DeviceBuffer buffer(long elements) {
    return parts.add(DeviceBuffer.allocate(device, config.type(), elements));
  }

  /** A buffer of numbers in [-1, 1). */
  DeviceBuffer buffer(long elements, long seed) {
    DeviceBuffer buffer = buffer(elements);
    set(buffer, new SplittableRandom(seed).doubles(elements, -1, 1).toArray());
    return buffer;
  }

  void set(DeviceBuffer buffer, double[] values) {
    if (config.type() == ElementType.FLOAT64) {
      buffer.copyFrom(values);
    } else {
      float[] floats = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        floats[i] = (float) values[i];
      }
      buffer.copyFrom(floats);
    }
  }

  static double[] read(@Nullable DeviceBuffer buffer) {
    if (buffer == null) {
      return new double[0];
    }
    if (buffer.type() == ElementType.FLOAT64) {
      return buffer.toDoubles();
    }
    float[] floats = buffer.toFloats();
    double[] doubles = new double[floats.length];
    for (int i = 0; i < floats.length; i++) {
      doubles[i] = floats[i];
    }
    return doubles;
  }

  /** Forward and backward with all operands, from gradients of 0. */
  void step() {
    rnn.gradients().space().clear();
    plan.forward(x, y, states).backward(dy, dx, stateGradients);
  }

  /** Everything that {@link #step} writes. */
  double[][] results() {
    return new double[][] {
      read(y),
      read(states.hy()),
      read(states.cy()),
      read(dx),
      read(stateGradients.dhx()),
      read(stateGradients.dcx()),
      read(rnn.gradients().space())
    };
  }

  /** Makes everything that {@link #step} writes undefined. */
  void spoil() {
    for (DeviceBuffer buffer :
        new @Nullable DeviceBuffer[] {
          y, states.hy(), states.cy(), dx, stateGradients.dhx(), stateGradients.dcx()
        }) {
      if (buffer != null) {
        double[] nan = new double[Math.toIntExact(buffer.elements())];
        Arrays.fill(nan, Double.NaN);
        set(buffer, nan);
      }
    }
  }

  @Override
  public void close() {
    parts.close();
  }
}
