package io.github.cudnn4j.train;

import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.optim.StepState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Trains a model on a text by truncated backpropagation through time: the recurrent state goes from
 * one window to the next and starts from zero at each epoch; the gradient stays within a window.
 *
 * <p>A step whose gradient is not finite changes neither weights nor moments; the state then starts
 * again from zero. Between log points the host enqueues steps and waits for nothing but its own
 * pinned buffers.
 *
 * <p>Owner of the activations, the moments and the recurrent state, but not of the model. It
 * belongs to the device's thread; another may call {@link #stop} or interrupt that thread, which
 * stays interrupted: both end {@link #run} after the step under way, in order.
 *
 * @see <a href="https://doi.org/10.1162/neco.1990.2.4.490">Williams and Peng, 1990</a>
 */
public final class Trainer implements AutoCloseable {

  private final Model model;
  private final TextWindows batches;
  private final TrainerConfig config;
  private final TrainingStep training;
  private final List<TrainingListener> listeners = new ArrayList<>();
  private Position position;
  private TrainingClock clock = new TrainingClock();
  private @Nullable Evaluator evaluator;
  private @Nullable Checkpoints checkpoints;
  private @Nullable CheckpointWriter writer;
  private final Map<String, Object> text = new LinkedHashMap<>();
  private String run = UUID.randomUUID().toString();
  private long skipped;
  private double lastValidation = Double.NaN;
  private long savedStep = -1;
  private long validatedStep = -1;
  private boolean stoppedEarly;
  private volatile boolean stopping;

  private Trainer(Model model, TextWindows batches, TrainerConfig config) {
    this.model = Objects.requireNonNull(model, "model");
    this.batches = Objects.requireNonNull(batches, "batches");
    this.config = Objects.requireNonNull(config, "config");
    this.position = new Position(config.seed());
    this.training = TrainingStep.create(model, batches, config);
  }

  /**
   * Prepares a training; all memory that it needs on the device is allocated here or at the first
   * step.
   *
   * @param batches the text, as {@link TextWindows#training} cuts it
   */
  public static Trainer create(Model model, TextWindows batches, TrainerConfig config) {
    return new Trainer(model, batches, config);
  }

  /** Sets the held-out text; before {@link #run}. */
  public Trainer validation(TextWindows heldOut) {
    Objects.requireNonNull(heldOut, "heldOut");
    closeEvaluator();
    evaluator = Evaluator.create(model, heldOut, config.capture());
    return this;
  }

  /** Adds a listener; before {@link #run}. */
  public Trainer listener(TrainingListener listener) {
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /** Sets where checkpoints go; before {@link #run}. */
  public Trainer checkpoints(Checkpoints folder) {
    checkpoints = Objects.requireNonNull(folder, "folder");
    return this;
  }

  /**
   * Goes on where a checkpoint was written; before {@link #run}. With the same text and
   * configuration the result is, bit for bit, that of a training that was never interrupted.
   *
   * @throws OtherTextException if the checkpoint was written with another text to train on
   * @throws IOException if the checkpoint cannot be read, or the model, the shape of the batches or
   *     the optimizer are not those that it was written with
   */
  public void resume(Checkpoint checkpoint) throws IOException {
    Description saved = checkpoint.trainer().partIfAny("text");
    if (!saved.values().isEmpty() && !saved.values().equals(text())) {
      throw new OtherTextException(
          checkpoint.folder(),
          saved.number("tokens", 0, Long.MAX_VALUE),
          saved.number("crc32c", 0, Long.MAX_VALUE),
          batches.length(),
          batches.checksum());
    }
    var loaded = load(checkpoint);
    if (loaded.window > batches.windows(loaded.offset)) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s is at window %d of its text, this one has %d",
              checkpoint.folder(),
              loaded.window,
              batches.windows(loaded.offset)));
    }
    position = loaded;
    savedStep = loaded.step;
  }

  /**
   * Goes on with the weights and moments of a checkpoint and with this text, from its beginning;
   * before {@link #run}. Which validation was the best is forgotten.
   *
   * @throws IOException as {@link #resume} does, but not because of the text
   */
  public void resumeWithOtherText(Checkpoint checkpoint) throws IOException {
    position = load(checkpoint).onOtherText();
  }

  /** Reads the weights and the state of the device; returns that of the host. */
  private Position load(Checkpoint checkpoint) throws IOException {
    Map<String, @Nullable Object> saved = checkpoint.trainer().values();
    for (var expected : identity().entrySet()) {
      Object found = saved.get(expected.getKey());
      if (!expected.getValue().equals(found)) {
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
    var loaded = Position.of(checkpoint.trainer());
    CheckpointFiles.uninterrupted(
        () -> {
          try (SafeTensors weights = checkpoint.weights();
              SafeTensors state = checkpoint.state()) {
            training.load(state);
            model.parameters().load(weights);
            return checkpoint;
          }
        });
    run = checkpoint.run();
    return loaded;
  }

  /** Asks {@link #run} to end after the step under way; from any thread. */
  public void stop() {
    stopping = true;
  }

  /**
   * Trains until the epochs or the steps are done, validation stops improving, {@link #stop} is
   * called or the thread is interrupted; then validates once more if the epochs are done, and
   * writes a checkpoint if there is a place for it. A validation better than all before is followed
   * by a checkpoint, too, which is kept until there is a better one.
   *
   * @throws TrainingDivergedException if too many steps in a row were bad, noticed at a log point,
   *     or all steps of this run, or if it ends with a loss far above guessing
   * @throws IOException if a checkpoint cannot be written, the folder holds checkpoints of another
   *     training or is used by one, or a listener throws it
   */
  public TrainingSummary run() throws IOException {
    if (checkpoints == null) {
      return train();
    }
    try (var opened = CheckpointWriter.open(checkpoints, run, position.step)) {
      writer = opened;
      return train();
    } finally {
      writer = null;
    }
  }

  private TrainingSummary train() throws IOException {
    clock = new TrainingClock();
    long first = position.step;
    while (position.epoch < config.epochs() && !isDone()) {
      runEpoch();
    }
    if (clock.hasSteps()) {
      log();
    }
    long steps = position.step - first;
    if (steps > 0) {
      StepState state = collect();
      requireConvergence(state, Math.min(steps, config.maxBadSteps()));
      if (state.bad() > 0) {
        requireGoodEnd("training", mean(position.lossSum, position.lossCount));
      }
    }
    // Only where the training is complete: one that goes on later validates when it would have.
    if (position.epoch >= config.epochs() && validatedStep != position.step) {
      validate();
    }
    if (steps > 0 && validatedStep == position.step) {
      requireGoodEnd("held-out text", lastValidation);
    }
    if (savedStep != position.step) {
      save();
    }
    return summary();
  }

  @Override
  public void close() {
    try (training) {
      closeEvaluator();
    }
  }

  private void runEpoch() throws IOException {
    if (position.window == 0) {
      position.offset = batches.drawOffset(position.random);
      training.resetState();
      if (isLastEpoch()) {
        collect();
        position.lossSum = 0;
        position.lossCount = 0;
      }
    }
    int windows = batches.windows(position.offset);
    while (position.window < windows && !isDone()) {
      training.run(position.offset, position.window, learningRate(position.step));
      position.window++;
      position.step++;
      clock.stepDone();
      if (position.step % config.logEvery() == 0) {
        log();
      }
      boolean epochDone = position.window == windows;
      int every = config.validateEvery();
      if (every == 0 ? epochDone : position.step % every == 0) {
        validate();
      }
      // The end of an epoch belongs to the next one's place, so that a checkpoint resumes there.
      if (epochDone) {
        position.window = 0;
        position.epoch++;
      }
      int saveEvery = config.checkpointEvery();
      if (position.bestStep == position.step || (saveEvery > 0 && position.step % saveEvery == 0)) {
        saveUnlessBad();
      }
      if (epochDone) {
        return;
      }
    }
    if (position.window >= windows) {
      position.window = 0;
      position.epoch++;
    }
  }

  /** Waits for the device and takes over the loss; the clock stands until it is resumed. */
  private StepState collect() {
    var reading = training.read();
    clock.pause();
    position.intervalSum += reading.lossSum();
    position.intervalCount += reading.lossCount();
    if (isLastEpoch()) {
      position.lossSum += reading.lossSum();
      position.lossCount += reading.lossCount();
    }
    skipped = reading.state().skipped();
    return reading.state();
  }

  private void log() throws IOException {
    StepState state = collect();
    if (!isLastEpoch()) {
      position.lossSum = position.intervalSum;
      position.lossCount = position.intervalCount;
    }
    double loss = mean(position.intervalSum, position.intervalCount);
    double stepsPerSecond = clock.lap();
    long total = totalSteps();
    double left = stepsPerSecond > 0 ? (total - position.step) / stepsPerSecond : Double.NaN;
    var progress =
        new Progress(
            epochUnderWay(),
            config.epochs(),
            position.step,
            total,
            loss,
            Math.exp(loss),
            state.norm(),
            state.learningRate(),
            stepsPerSecond * batches.time() * batches.batch(),
            state.skipped(),
            state.scale(),
            clock.seconds(),
            left);
    for (TrainingListener listener : listeners) {
      listener.logged(progress);
    }
    position.intervalSum = 0;
    position.intervalCount = 0;
    requireConvergence(state, config.maxBadSteps());
    clock.resume();
  }

  private void requireConvergence(StepState state, long limit) {
    if (state.bad() >= limit) {
      throw new TrainingDivergedException(position.step, state);
    }
  }

  private void requireGoodEnd(String text, double loss) {
    if (training.isBad(loss)) {
      throw TrainingDivergedException.atEnd(text, loss, position.step, collect());
    }
  }

  private void validate() throws IOException {
    if (evaluator == null) {
      return;
    }
    collect();
    validatedStep = position.step;
    lastValidation = evaluator.loss();
    boolean best = !(lastValidation >= position.best) && !Double.isNaN(lastValidation);
    position.best = best ? lastValidation : position.best;
    position.bestStep = best ? position.step : position.bestStep;
    position.stale = best ? 0 : position.stale + 1;
    var validation =
        new Validation(
            epochUnderWay(), position.step, lastValidation, Math.exp(lastValidation), best);
    for (TrainingListener listener : listeners) {
      listener.validated(validation);
    }
    stoppedEarly = config.patience() > 0 && position.stale >= config.patience();
    clock.resume();
  }

  /** What spoils the weights shows in the steps after it; those do not replace what is good. */
  private void saveUnlessBad() throws IOException {
    if (writer != null && collect().bad() == 0) {
      save();
    }
    clock.resume();
  }

  private void save() throws IOException {
    if (writer == null) {
      return;
    }
    collect();
    var weights = new SafeTensorsWriter().metadata("format", "pt");
    model.parameters().save(weights);
    var state = new SafeTensorsWriter();
    training.save(state);
    var trainer = new LinkedHashMap<String, Object>(identity());
    trainer.put("text", text());
    trainer.putAll(position.toMap());
    var description = new LinkedHashMap<String, Object>();
    description.put("epoch", epochUnderWay());
    description.put("model", model.configuration());
    description.put("trainer", trainer);
    description.put("configuration", config.toMap());
    description.put("device", model.device().name());
    description.put("java", Runtime.version().toString());
    Path folder = writer.save(position.step, position.bestStep, weights, state, description);
    savedStep = position.step;
    for (TrainingListener listener : listeners) {
      listener.checkpointed(folder, position.step);
    }
    clock.resume();
  }

  /** Returns what must be the same for a checkpoint to be resumed. */
  private Map<String, Object> identity() {
    var layout = new CRC32C();
    layout.update(model.parameters().layout().getBytes(StandardCharsets.UTF_8));
    var identity = new LinkedHashMap<String, Object>();
    identity.put("time", (long) batches.time());
    identity.put("batch", (long) batches.batch());
    identity.put("precision", model.precision().name());
    identity.put("optimizer", config.optimizer().getClass().getSimpleName());
    identity.put("layout", layout.getValue());
    return identity;
  }

  /** Returns what tells the text from another; it is read once. */
  private Map<String, Object> text() {
    if (text.isEmpty()) {
      text.put("tokens", batches.length());
      text.put("crc32c", batches.checksum());
    }
    return text;
  }

  private TrainingSummary summary() {
    double loss = mean(position.lossSum, position.lossCount);
    return new TrainingSummary(
        position.step,
        Math.min(position.epoch + (position.window > 0 ? 1 : 0), config.epochs()),
        loss,
        Math.exp(loss),
        Math.exp(lastValidation),
        Math.exp(position.best),
        clock.stepsPerSecond() * batches.time() * batches.batch(),
        clock.seconds(),
        skipped,
        stoppedEarly,
        isToldToStop() && position.epoch < config.epochs() && !stoppedEarly && !areStepsDone());
  }

  private double learningRate(long step) {
    return config.optimizer().learningRate() * config.schedule().factor(step);
  }

  private long totalSteps() {
    long all = position.totalSteps(config.epochs(), batches.windows());
    return config.steps() > 0 ? Math.min(all, config.steps()) : all;
  }

  /** From 1; the last one still when all are done. */
  private int epochUnderWay() {
    return Math.min(position.epoch + 1, config.epochs());
  }

  private boolean isLastEpoch() {
    return position.epoch >= config.epochs() - 1;
  }

  private boolean isDone() {
    return isToldToStop() || stoppedEarly || areStepsDone();
  }

  private boolean isToldToStop() {
    return stopping || Thread.currentThread().isInterrupted();
  }

  private boolean areStepsDone() {
    return config.steps() > 0 && position.step >= config.steps();
  }

  private static double mean(double sum, double count) {
    return count > 0 ? sum / count : Double.NaN;
  }

  private void closeEvaluator() {
    if (evaluator != null) {
      evaluator.close();
      evaluator = null;
    }
  }
}
