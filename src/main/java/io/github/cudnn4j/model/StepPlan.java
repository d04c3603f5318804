package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Kernel;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.GraphCapture;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A step of a number of rows: what they read, and where their states come from and go to, is
 * written into pinned memory; the rest is one graph, from the copy of that to the copy of the
 * logits.
 */
final class StepPlan implements AutoCloseable {

  private final int rows;
  private final List<StepNetwork.State> shapes;
  private final int capacity;
  private final Parts parts = new Parts();
  private final Tape tape;
  private final List<Launch> scatters = new ArrayList<>();

  /** Tokens, then for each state the places it is taken from, then those it is put to. */
  private final PinnedBuffer numbers;

  private final DeviceBuffer numbersOnDevice;
  private final @Nullable PinnedBuffer floats;
  private final @Nullable Tensor floatsOnDevice;
  private final int mostToken;
  private final Tensor logits;
  private final PinnedBuffer logitsOnHost;
  private final @Nullable CapturedGraph graph;

  /**
   * Records the network, and runs it once.
   *
   * @param features how long the vectors are that rows read; 0 if they read tokens
   * @param store where states are kept, {@code [layers, capacity, width]} each
   */
  StepPlan(
      Device device,
      Precision precision,
      StepNetwork network,
      int rows,
      int features,
      List<StepNetwork.State> shapes,
      List<DeviceBuffer> store,
      int capacity) {
    this.rows = rows;
    this.shapes = shapes;
    this.capacity = capacity;
    try {
      tape = parts.add(Tape.inference(device, precision));
      int states = shapes.stream().mapToInt(StepNetwork.State::layers).sum();
      int count = Math.multiplyExact(rows, 1 + 2 * states);
      numbers = parts.add(PinnedBuffer.allocate(device, ElementType.INT32, count));
      numbersOnDevice = parts.add(DeviceBuffer.allocate(device, ElementType.INT32, count));
      boolean reads = features > 0;
      floatsOnDevice = reads ? tape.input(1, rows, features) : null;
      floats =
          reads
              ? parts.add(PinnedBuffer.allocate(device, precision.type(), (long) rows * features))
              : null;
      List<Tensor> before = new ArrayList<>();
      List<DeviceBuffer> targets = new ArrayList<>();
      int at = rows;
      for (int i = 0; i < shapes.size(); i++) {
        int layers = shapes.get(i).layers();
        int places = layers * rows;
        Tensor kept = tape.input(store.get(i), layers * capacity, shapes.get(i).width());
        Indices from = tape.indices(numbersOnDevice.slice(at, places), layers, rows);
        before.add(tape.gather(kept, from));
        targets.add(numbersOnDevice.slice(at + places, places));
        at += 2 * places;
      }
      Indices tokens = tape.indices(numbersOnDevice.slice(0, rows), 1, rows);
      StepNetwork.Output out =
          network.record(
              tape, new StepNetwork.Input(reads ? null : tokens, floatsOnDevice, before));
      check(out, before);
      mostToken = tokens.most();
      logits = out.logits();
      logitsOnHost = parts.add(PinnedBuffer.allocate(device, logits.type(), logits.elements()));
      Kernel scatter = device.kernels().get("sequence", "scatter_rows_" + precision.type().bytes());
      for (int i = 0; i < shapes.size(); i++) {
        DeviceBuffer to = targets.get(i);
        Tensor next = out.states().get(i);
        int places = Math.toIntExact(to.elements());
        scatters.add(
            parts.add(
                scatter.overRows(places, to, next.value(), store.get(i), places, next.columns())));
      }
      for (int row = 0; row < rows; row++) {
        set(row, 0, -1, -1);
      }
      enqueue();
      device.stream().synchronize();
      graph = tape.isCapturable() ? GraphCapture.ifPossible(device.stream(), this::enqueue) : null;
      if (graph != null) {
        parts.add(graph);
      }
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  private void check(StepNetwork.Output out, List<Tensor> before) {
    if (out.logits().elements() % rows != 0) {
      throw new IllegalArgumentException("logits " + out.logits() + " of " + rows + " rows");
    }
    if (out.states().size() != before.size()) {
      throw new IllegalArgumentException(
          "the network gives " + out.states().size() + " states and takes " + before.size());
    }
    for (int i = 0; i < before.size(); i++) {
      if (!Arrays.equals(out.states().get(i).shape(), before.get(i).shape())) {
        throw new IllegalArgumentException(
            "state " + i + " is " + out.states().get(i) + ", must be as before, " + before.get(i));
      }
    }
  }

  /** Returns how many rows a step has. */
  int rows() {
    return rows;
  }

  /** Returns the largest token that the network can read. */
  int mostToken() {
    return mostToken;
  }

  /** Returns V. */
  int classes() {
    return (int) (logits.elements() / rows);
  }

  /**
   * Says what a row does in the next step.
   *
   * @param token that it reads; -1 if it reads a vector or is nobody's
   * @param from the place whose state it goes on from, negative for zeros
   * @param to the place where its state is put, negative for none
   */
  void set(int row, int token, int from, int to) {
    MemorySegment segment = numbers.segment();
    segment.setAtIndex(ValueLayout.JAVA_INT, row, token);
    int at = rows;
    for (StepNetwork.State shape : shapes) {
      int layers = shape.layers();
      for (int layer = 0; layer < layers; layer++, at += rows) {
        segment.setAtIndex(ValueLayout.JAVA_INT, at + row, place(layer, from));
        segment.setAtIndex(ValueLayout.JAVA_INT, at + layers * rows + row, place(layer, to));
      }
      at += layers * rows;
    }
  }

  private int place(int layer, int place) {
    return place < 0 ? -1 : layer * capacity + place;
  }

  /** Says which vector a row reads in the next step. */
  void set(int row, float[] vector) {
    if (floats == null) {
      throw new IllegalStateException("the step reads tokens, no vectors");
    }
    ElementType type = floats.type();
    type.write(floats.segment(), (long) row * vector.length * type.bytes(), vector);
  }

  /** Runs the step and waits for it; after a failure too, as what has begun reads the numbers. */
  void run() {
    try {
      if (graph != null) {
        graph.launch();
      } else {
        enqueue();
      }
      tape.device().stream().synchronize();
    } catch (RuntimeException | Error e) {
      try {
        tape.device().stream().synchronize();
      } catch (RuntimeException other) {
        e.addSuppressed(other);
      }
      throw e;
    }
  }

  private void enqueue() {
    numbersOnDevice.copyFrom(numbers);
    if (floats != null && floatsOnDevice != null) {
      floatsOnDevice.value().copyFrom(floats);
    }
    tape.forward();
    for (int i = 0; i < scatters.size(); i++) {
      scatters.get(i).run();
    }
    logits.value().copyTo(logitsOnHost);
  }

  /** Copies what the last step gave for a row. */
  void logits(int row, float[] target) {
    ElementType type = logitsOnHost.type();
    type.read(logitsOnHost.segment(), (long) row * target.length * type.bytes(), target);
  }

  @Override
  public void close() {
    parts.close();
  }
}
