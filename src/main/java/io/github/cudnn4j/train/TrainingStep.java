package io.github.cudnn4j.train;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.ProfilerRange;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.data.WindowRunner;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.optim.StepState;
import io.github.cudnn4j.optim.Updater;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * One training step for one shape, as a fixed list of launches: clear the gradients, forward,
 * backward, norm, update, carry the state. Captured, it is replayed with one launch.
 */
final class TrainingStep implements AutoCloseable {
  private static final ProfilerRange FORWARD = ProfilerRange.named("forward");
  private static final ProfilerRange BACKWARD = ProfilerRange.named("backward");
  private static final ProfilerRange UPDATE = ProfilerRange.named("update");

  /**
   * A step is bad if its loss is this much that of a uniform guess: no training begins so, and one
   * whose learning rate is too high gets there, with gradients that may still be finite.
   */
  private static final double FAR_ABOVE_GUESSING = 10;

  /** What {@link #read} found. */
  record Reading(StepState state, double lossSum, double lossCount) {}

  private final Device device;
  private final Parameters parameters;
  private final Parts parts = new Parts();
  private final List<Launch> clearings = new ArrayList<>();
  private final Tape tape;
  private final WindowRunner windows;
  private final Loss loss;
  private final double lossLimit;
  private final Updater updater;
  private final PinnedBuffer seen;
  private final Runnable work = this::enqueue;

  private TrainingStep(Model model, TextWindows batches, TrainerConfig config) {
    this.device = model.device();
    this.parameters = model.parameters();
    try {
      windows = parts.add(WindowRunner.create(device, batches, config.capture()));
      updater =
          parts.add(
              Updater.create(
                  parameters,
                  config.optimizer(),
                  config.clip(),
                  config.lossScale(parameters.type()),
                  windows.number()));
      tape = parts.add(Tape.training(device, model.precision(), updater.lossScale()));
      var logits = model.logits(tape, windows.inputs());
      loss = tape.crossEntropy(logits, windows.labels());
      lossLimit = FAR_ABOVE_GUESSING * Math.log(logits.columns());
      updater.lossLimit(lossLimit);
      for (DeviceBuffer buffer : tape.carriedStates()) {
        clearings.add(parts.add(updater.clearIfSkipped(buffer)));
      }
      seen = parts.add(PinnedBuffer.allocate(device, ElementType.FLOAT64, StepState.SIZE + 2));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  static TrainingStep create(Model model, TextWindows batches, TrainerConfig config) {
    return new TrainingStep(model, batches, config);
  }

  /** Returns whether a loss is far above that of guessing, or none at all. */
  boolean isBad(double meanLoss) {
    return !(meanLoss <= lossLimit);
  }

  /** Enqueues one step on one window. */
  void run(int offset, int window, double learningRate) {
    windows.run(offset, window, learningRate, work);
  }

  /** Enqueues starting from a zero state. */
  void resetState() {
    tape.resetStates();
  }

  /** Waits for the device, reads the step state and the loss since the last call. */
  Reading read() {
    updater.state().copyTo(0, seen, 0, StepState.SIZE, device.stream());
    loss.meter().copyTo(0, seen, StepState.SIZE, 2, device.stream());
    loss.meter().clear();
    device.stream().synchronize();
    var numbers = seen.segment();
    return new Reading(
        StepState.of(place -> numbers.getAtIndex(JAVA_DOUBLE, place)),
        numbers.getAtIndex(JAVA_DOUBLE, StepState.SIZE),
        numbers.getAtIndex(JAVA_DOUBLE, StepState.SIZE + 1));
  }

  /** Adds everything that the next step depends on, beside the weights. */
  void save(SafeTensorsWriter file) {
    buffers().forEach((name, buffer) -> put(file, name, buffer));
    List<byte[]> generators = tape.generatorStates();
    for (int i = 0; i < generators.size(); i++) {
      file.add("generator." + i, new long[] {generators.get(i).length}, generators.get(i));
    }
  }

  /**
   * Restores what {@link #save} wrote.
   *
   * @throws IOException if reading fails or the file is of another model, batch or optimizer
   */
  void load(SafeTensors file) throws IOException {
    for (var item : buffers().entrySet()) {
      String name = item.getKey();
      DeviceBuffer buffer = item.getValue();
      if (file.elements(name) != buffer.elements()) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s has %d elements in the file, needed are %d",
                name,
                file.elements(name),
                buffer.elements()));
      }
      if (buffer.type() == ElementType.FLOAT64) {
        buffer.copyFrom(file.doubles(name));
      } else {
        buffer.copyFrom(file.floats(name));
      }
    }
    var generators = new ArrayList<byte[]>();
    while (file.contains("generator." + generators.size())) {
      generators.add(file.bytes("generator." + generators.size()));
    }
    try {
      tape.restoreGeneratorStates(generators);
    } catch (IllegalArgumentException e) {
      throw new IOException("the file is of another model: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    parts.close();
  }

  private void enqueue() {
    parameters.gradients().clear();
    try (var _ = FORWARD.begin()) {
      tape.forward();
    }
    try (var _ = BACKWARD.begin()) {
      tape.backward();
    }
    try (var _ = UPDATE.begin()) {
      updater.run(loss.value());
    }
    tape.carry();
    for (int i = 0; i < clearings.size(); i++) {
      clearings.get(i).run();
    }
  }

  private Map<String, DeviceBuffer> buffers() {
    var buffers = new LinkedHashMap<String, DeviceBuffer>();
    updater.moments().forEach((name, buffer) -> buffers.put("optimizer." + name, buffer));
    buffers.put("step", updater.state());
    List<DeviceBuffer> carried = tape.carriedStates();
    for (int i = 0; i < carried.size(); i++) {
      buffers.put("carried." + i, carried.get(i));
    }
    return buffers;
  }

  private static void put(SafeTensorsWriter file, String name, DeviceBuffer buffer) {
    long[] shape = {buffer.elements()};
    if (buffer.type() == ElementType.FLOAT64) {
      file.add(name, shape, buffer.toDoubles());
    } else {
      file.add(name, shape, buffer.toFloats());
    }
  }
}
