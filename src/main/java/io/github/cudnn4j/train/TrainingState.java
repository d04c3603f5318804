package io.github.cudnn4j.train;

import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.io.Uninterrupted;
import io.github.cudnn4j.tape.Parameters;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** What a checkpoint holds of a training, written and read back. */
final class TrainingState {

  private final Parameters parameters;
  private final Objective objective;
  private final BatchSource source;
  private final TrainerConfig config;
  private final Step step;
  private @Nullable Map<String, Object> data;

  TrainingState(
      Parameters parameters,
      Objective objective,
      BatchSource source,
      TrainerConfig config,
      Step step) {
    this.parameters = parameters;
    this.objective = objective;
    this.source = source;
    this.config = config;
    this.step = step;
  }

  /** Writes a checkpoint; waits for the device. */
  Path save(CheckpointWriter writer, LoopState position, int epochUnderWay) throws IOException {
    var weights = new SafeTensorsWriter().metadata("format", "pt");
    parameters.save(weights);
    var state = new SafeTensorsWriter();
    step.save(state);
    return writer.save(
        position.step, position.bestStep, weights, state, description(position, epochUnderWay));
  }

  /**
   * Checks, before a training begins, that {@link #save} will be able to write what it finds.
   *
   * @throws IllegalArgumentException if not
   */
  void check(CheckpointWriter writer, LoopState position, int epochUnderWay) {
    try {
      writer.check(position.step, position.bestStep, description(position, epochUnderWay));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "no checkpoint can be written of this training: " + e.getMessage(), e);
    }
  }

  private Map<String, Object> description(LoopState position, int epochUnderWay) {
    var trainer = new LinkedHashMap<String, Object>(identity());
    trainer.put("data", data());
    trainer.putAll(position.toMap());
    var description = new LinkedHashMap<String, Object>();
    description.put("epoch", epochUnderWay);
    description.put("model", objective.configuration());
    description.put("trainer", trainer);
    description.put("configuration", config.toMap());
    description.put("device", parameters.device().name());
    description.put("java", Runtime.version().toString());
    return description;
  }

  /** Does the part of another rank in {@link #save}. */
  void contribute() {
    step.save(new SafeTensorsWriter());
  }

  /** Reads the weights and the state of the device; returns that of the host. */
  LoopState load(Checkpoint checkpoint, boolean otherData) throws IOException {
    Map<String, @Nullable Object> saved = checkpoint.trainer().values();
    if (!saved.containsKey("batches")) {
      throw new IOException(
          checkpoint.folder()
              + " was written by an earlier version: its weights can be read, but the training"
              + " cannot go on");
    }
    if (!otherData) {
      Map<String, @Nullable Object> before = checkpoint.trainer().partIfAny("data").values();
      if (!before.isEmpty() && !before.equals(data())) {
        throw new OtherDataException(checkpoint.folder(), before, data());
      }
    }
    for (var expected : identity().entrySet()) {
      Object found = saved.get(expected.getKey());
      if (!expected.getValue().equals(found)
          && !(otherData && withoutTimes(expected.getValue()).equals(withoutTimes(found)))) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s was written with %s %s, not %s",
                checkpoint.folder(),
                expected.getKey(),
                found,
                expected.getValue()));
      }
    }
    var position = LoopState.of(checkpoint.trainer());
    if (!otherData && source.batches() >= 0 && position.batch > source.batches()) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s is at batch %d of its data, these have %d",
              checkpoint.folder(),
              position.batch,
              source.batches()));
    }
    Uninterrupted.run(
        () -> {
          try (SafeTensors weights = checkpoint.weights();
              SafeTensors state = checkpoint.state()) {
            step.load(state);
            parameters.load(weights);
            return checkpoint;
          }
        });
    return otherData ? position.onOtherData() : position;
  }

  /** Returns the layout of batches without the lengths of sequences, which data decide. */
  private static String withoutTimes(@Nullable Object layout) {
    return String.valueOf(layout)
        .replaceAll("\\[[0-9]+(\\.\\.[0-9]+)?, ", "[")
        .replaceAll(" in [0-9]+ shapes$", "");
  }

  /** Returns what must be the same for a checkpoint to be resumed. */
  private Map<String, Object> identity() {
    var layout = new CRC32C();
    layout.update(parameters.layout().getBytes(StandardCharsets.UTF_8));
    var identity = new LinkedHashMap<String, Object>();
    identity.put("batches", source.layout().toString());
    identity.put("precision", parameters.precision().name());
    identity.put("optimizer", config.optimizer().getClass().getSimpleName());
    identity.put("layout", layout.getValue());
    return identity;
  }

  /** Returns what tells the data from others, as it is read back; they are read once. */
  private Map<String, Object> data() {
    Map<String, Object> known = data;
    if (known == null) {
      known = CheckpointJson.copy(source.identity());
      data = known;
    }
    return known;
  }
}
