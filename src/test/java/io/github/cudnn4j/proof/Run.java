package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import io.github.cudnn4j.rnn.RnnPass;
import io.github.cudnn4j.rnn.RnnPlan;
import io.github.cudnn4j.rnn.RnnStateGradients;
import io.github.cudnn4j.rnn.RnnStates;
import io.github.cudnn4j.rnn.SequenceBatch;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Passes through the library with everything handed over and read back as doubles, which is the
 * form in which references come. Sequences are in the layout of the rows; what stands in the
 * padding of inputs becomes NaN on the way, as it must not be read.
 *
 * <p>Results go by name: {@code y}, {@code hy}, {@code cy}, {@code dx}, {@code dhx}, {@code dcx}
 * and {@code gradient of weight_ih_l0} and so on, those of a cell state only where there is one.
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

  /** Device memory for runs one after the other: a GPU takes longer to allocate it than to run. */
  static final class Memory implements AutoCloseable {
    private final Device device;
    private final List<DeviceBuffer> buffers = new ArrayList<>();
    private int next;

    Memory(Device device) {
      this.device = device;
    }

    /** The next buffer of a run, with what the one before has left. */
    private DeviceBuffer take(ElementType type, long elements) {
      int place = next++;
      if (place == buffers.size()) {
        buffers.add(DeviceBuffer.allocate(device, type, elements));
      }
      DeviceBuffer buffer = buffers.get(place);
      if (buffer.type() != type || buffer.elements() < elements) {
        buffer.close();
        buffer = DeviceBuffer.allocate(device, type, elements);
        buffers.set(place, buffer);
      }
      return buffer.slice(0, elements);
    }

    @Override
    public void close() {
      buffers.forEach(DeviceBuffer::close);
    }
  }

  private final Parts parts = new Parts();
  private final Rnn rnn;
  private final @Nullable Memory memory;
  private final Rows rows;
  private final @Nullable RnnPlan plan;
  private final @Nullable SequenceBatch batch;
  private final DeviceBuffer x;
  private final DeviceBuffer y;
  private final DeviceBuffer dy;
  private final DeviceBuffer dx;
  private final long states;
  private final long cellStates;
  private RnnStates initial = RnnStates.NONE;
  private RnnStateGradients arriving = RnnStateGradients.NONE;
  private final @Nullable DeviceBuffer[] finals = new @Nullable DeviceBuffer[4];

  Run(Rnn rnn, Rows rows) {
    this(rnn, rows, null);
  }

  /** Takes its buffers from memory that no other run uses until this one is closed; null: new. */
  Run(Rnn rnn, Rows rows, @Nullable Memory memory) {
    this.rnn = rnn;
    this.memory = memory;
    if (memory != null) {
      memory.next = 0;
    }
    this.rows = rows;
    RnnConfig config = rnn.config();
    try {
      plan = rows.anyOrder() ? null : parts.add(rnn.plan(rows.shape()));
      batch =
          rows.anyOrder()
              ? parts.add(SequenceBatch.create(rnn, rows.layout(), rows.time(), rows.lengthArray()))
              : null;
      states = (long) config.pseudoLayers() * rows.batch() * config.projectionSize();
      cellStates =
          config.hasCellState()
              ? (long) config.pseudoLayers() * rows.batch() * config.hiddenSize()
              : 0;
      x = buffer((long) rows.vectors() * config.inputSize());
      dx = buffer(x.elements());
      y = buffer((long) rows.vectors() * config.outputSize());
      dy = buffer(y.elements());
      finals[0] = buffer(states);
      finals[1] = config.hasCellState() ? buffer(cellStates) : null;
      finals[2] = buffer(states);
      finals[3] = config.hasCellState() ? buffer(cellStates) : null;
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  private DeviceBuffer buffer(long elements) {
    ElementType type = rnn.config().type();
    return parts.add(
        memory == null
            ? DeviceBuffer.allocate(rnn.device(), type, elements)
            : memory.take(type, elements));
  }

  /** Forward and backward, once. */
  static Map<String, double[]> once(Rnn rnn, Rows rows, Inputs in) {
    try (Run run = new Run(rnn, rows)) {
      run.set(in);
      return run.forwardAndBackward();
    }
  }

  /** Sets every parameter by its PyTorch name. */
  static void set(Rnn rnn, Map<String, double[]> values) {
    for (RnnParameter parameter : rnn.weights().parameters()) {
      parameter.copyFrom(values.get(parameter.name()));
    }
  }

  /** Hands over the inputs of the next passes; which states are absent is decided by the first. */
  void set(Inputs in) {
    boolean cell = rnn.config().hasCellState();
    Numbers.write(x, rows.padded(in.x, Double.NaN));
    Numbers.write(dy, rows.padded(in.dy, Double.NaN));
    initial =
        new RnnStates(
            state(initial.hx(), in.hx, states),
            cell ? state(initial.cx(), in.cx, cellStates) : null,
            finals[0],
            finals[1]);
    arriving =
        new RnnStateGradients(
            state(arriving.dhy(), in.dhy, states),
            cell ? state(arriving.dcy(), in.dcy, cellStates) : null,
            finals[2],
            finals[3]);
  }

  private @Nullable DeviceBuffer state(
      @Nullable DeviceBuffer before, double @Nullable [] values, long elements) {
    if (values == null) {
      return null;
    }
    DeviceBuffer buffer = before == null ? buffer(elements) : before;
    Numbers.write(buffer, values);
    return buffer;
  }

  /** A training forward pass: y, hy and cy. */
  Map<String, double[]> forward() {
    run();
    return outputs();
  }

  /** Both passes, from weight gradients of 0: all results. */
  Map<String, double[]> forwardAndBackward() {
    rnn.gradients().space().clear();
    RnnPass pass = run();
    if (pass != null) {
      pass.backward(dy, dx, arriving);
    } else {
      batch.backward(dy, dx, arriving);
    }
    Map<String, double[]> results = outputs();
    double[] dxValues = Numbers.read(dx);
    // A plan leaves the padding of dx undefined, a batch of any rows makes it 0.
    results.put("dx", batch == null ? rows.padded(dxValues, 0) : dxValues);
    put(results, "dhx", finals[2]);
    put(results, "dcx", finals[3]);
    for (RnnParameter parameter : rnn.gradients().parameters()) {
      double[] values = new double[Math.toIntExact(parameter.elements())];
      parameter.copyTo(values);
      results.put("gradient of " + parameter.name(), values);
    }
    return results;
  }

  private @Nullable RnnPass run() {
    if (plan != null) {
      if (rows.varies()) {
        plan.setLengths(rows.lengthArray());
      }
      return plan.forward(x, y, initial);
    }
    batch.forward(x, y, initial);
    return null;
  }

  private Map<String, double[]> outputs() {
    Map<String, double[]> results = new LinkedHashMap<>();
    put(results, "y", y);
    put(results, "hy", finals[0]);
    put(results, "cy", finals[1]);
    return results;
  }

  private static void put(
      Map<String, double[]> results, String name, @Nullable DeviceBuffer buffer) {
    if (buffer != null) {
      results.put(name, Numbers.read(buffer));
    }
  }

  @Override
  public void close() {
    parts.close();
  }
}
