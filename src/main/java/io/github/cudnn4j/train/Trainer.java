package io.github.cudnn4j.train;

import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.io.Uninterrupted;
import io.github.cudnn4j.optim.StepState;
import io.github.cudnn4j.tape.Parameters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The loop around {@link Step}: epochs, schedule, log points, validation, early stopping,
 * checkpoints.
 *
 * <p>States that a tape carries go from one batch to the next and start from zero at each epoch;
 * the gradient stays within a batch. A step whose gradient is not finite changes neither weights
 * nor moments; carried states then start again from zero. Between log points the host enqueues
 * steps and waits for nothing but its own pinned buffers. A recording of JDK Flight Recorder shows
 * what listeners hear: {@code io.github.cudnn4j.Progress}, {@code Validation} and {@code
 * Checkpoint}.
 *
 * <p>Owner of the activations, the moments and the recurrent state, but not of the parameters. It
 * belongs to the device's thread; another may call {@link #stop} or interrupt that thread, which
 * stays interrupted: both end {@link #run} after the step under way, in order.
 *
 * @see <a href="https://doi.org/10.1162/neco.1990.2.4.490">Williams and Peng, 1990</a>
 */
public final class Trainer implements AutoCloseable {

  private static final Evaluator.Result NOT_VALIDATED = new Evaluator.Result(Double.NaN, Map.of());

  private final Parameters parameters;
  private final Objective objective;
  private final BatchSource source;
  private final TrainerConfig config;
  private final Step step;
  private final TrainingState state;
  private final @Nullable RankGroup group;
  private final StopRequest stop;
  private final List<TrainingListener> listeners = new ArrayList<>();
  private LoopState position;
  private TrainingClock clock = new TrainingClock();
  private @Nullable Evaluator evaluator;
  private @Nullable Metric deciding;
  private @Nullable Checkpoints checkpoints;
  private @Nullable CheckpointWriter writer;
  private String run = UUID.randomUUID().toString();
  private long skipped;
  private Evaluator.Result lastValidation = NOT_VALIDATED;
  private long savedStep = -1;
  private boolean stoppedEarly;

  /** Whether {@link #run} is under way, in which listeners have a say. */
  private boolean running;

  private Trainer(
      Parameters parameters,
      Objective objective,
      BatchSource source,
      TrainerConfig config,
      @Nullable RankGroup group) {
    this.group = group == null || group.size() == 1 ? null : group;
    this.stop = new StopRequest(this.group);
    this.parameters = Objects.requireNonNull(parameters, "parameters");
    this.objective = Objects.requireNonNull(objective, "objective");
    this.source = Objects.requireNonNull(source, "source");
    this.config = Objects.requireNonNull(config, "config");
    this.position = new LoopState(config.seed());
    this.step =
        group == null
            ? Step.create(parameters, objective, source, config)
            : Step.create(parameters, objective, source, config, group);
    this.state = new TrainingState(parameters, objective, source, config, step);
    if (TrainingEvents.areAvailable()) {
      listeners.add(new TrainingEvents());
    }
  }

  /**
   * Prepares a training; what it needs on the device is allocated here or at the first batch of
   * each shape.
   */
  public static Trainer of(
      Parameters parameters, Objective objective, BatchSource source, TrainerConfig config) {
    return new Trainer(parameters, objective, source, config, null);
  }

  /**
   * As {@link #of(Parameters, Objective, BatchSource, TrainerConfig)}, together with other ranks:
   * see {@link Step#create(Parameters, Objective, BatchSource, TrainerConfig, RankGroup)}. All set
   * the same validation and checkpoints, and resume from the same one, or none does. Rank 0 writes
   * the checkpoints; any number of ranks can resume from them, but drops the same elements only as
   * the same number of shards. What is held out is divided, too, if its batches can be. To {@link
   * #stop} one of them stops all at the next log point. A rank that fails ends the others.
   */
  public static Trainer of(
      Parameters parameters,
      Objective objective,
      BatchSource source,
      TrainerConfig config,
      RankGroup group) {
    return new Trainer(
        parameters, objective, source, config, Objects.requireNonNull(group, "group"));
  }

  /**
   * Sets the held-out data; before {@link #run}.
   *
   * @param metrics to be measured beside the loss; the first of them decides which validation is
   *     the best, the loss if there is none
   * @throws IllegalArgumentException if two have the same name, or one is named kind, epoch, step
   *     or best
   */
  public Trainer validation(BatchSource heldOut, Metric... metrics) {
    requireNotRunning();
    Objects.requireNonNull(heldOut, "heldOut");
    closeEvaluator();
    evaluator = Evaluator.create(parameters, objective, heldOut, config.capture(), group, metrics);
    deciding = metrics.length > 0 ? metrics[0] : null;
    return this;
  }

  /** Adds a listener; before {@link #run}. */
  public Trainer listener(TrainingListener listener) {
    requireNotRunning();
    listeners.add(Objects.requireNonNull(listener, "listener"));
    return this;
  }

  /** Sets where checkpoints go; before {@link #run}. */
  public Trainer checkpoints(Checkpoints folder) {
    requireNotRunning();
    checkpoints = Objects.requireNonNull(folder, "folder");
    return this;
  }

  /**
   * Goes on where a checkpoint was written; before {@link #run}. With the same data and
   * configuration the result is, bit for bit, that of a training that was never interrupted. Of
   * another configuration everything counts from here on but the seed, which is the checkpoint's.
   *
   * @throws OtherDataException if the checkpoint was written with other data to train on
   * @throws IOException if the checkpoint cannot be read, or the model, the slots of the batches or
   *     the optimizer are not those that it was written with
   */
  public void resume(Checkpoint checkpoint) throws IOException {
    requireNotRunning();
    position = state.load(checkpoint, false);
    run = checkpoint.run();
    savedStep = position.step;
  }

  /**
   * Goes on with the weights and moments of a checkpoint and with these data, from their beginning;
   * before {@link #run}. Which validation was the best is forgotten.
   *
   * @throws IOException as {@link #resume} does, but not because of the data
   */
  public void resumeWithOtherData(Checkpoint checkpoint) throws IOException {
    requireNotRunning();
    position = state.load(checkpoint, true);
    run = checkpoint.run();
  }

  /** Asks {@link #run} to end after the step under way; from any thread. */
  public void stop() {
    stop.ask();
  }

  /**
   * Trains until the epochs or the steps are done, validation stops improving, {@link #stop} is
   * called or the thread is interrupted; then validates once more if the epochs are done, and
   * writes a checkpoint if there is a place for it. A validation better than all before is followed
   * by a checkpoint, too, which is kept until there is a better one.
   *
   * @throws TrainingDivergedException if too many steps in a row were bad, noticed at a log point,
   *     or all steps of this run, or if it ends with a loss far above guessing
   * @throws IllegalArgumentException if a checkpoint cannot hold the notes, the configuration of
   *     the model or the identity of the data
   * @throws RankLostException if another rank has ended
   * @throws IOException if the data or a checkpoint fail, ranks differ in what they do, the folder
   *     holds checkpoints of another training or is used by one, or a listener throws it
   */
  public TrainingSummary run() throws IOException {
    requireNotRunning();
    running = true;
    try {
      return group == null ? trainAndWrite() : trainTogether(group);
    } finally {
      running = false;
    }
  }

  private void requireNotRunning() {
    if (running) {
      throw new IllegalStateException("the trainer runs; a listener may only stop it");
    }
  }

  private TrainingSummary trainTogether(RankGroup group) throws IOException {
    try {
      String heldOut = evaluator == null ? "none" : evaluator.identity();
      group.agree(Map.of("place to go on from", position.toMap()));
      group.agree(Map.of("held-out data", heldOut));
      group.agree(Map.of("idea of checkpoints", checkpoints != null));
      return trainAndWrite();
    } catch (IOException | RuntimeException | Error e) {
      group.abort(e);
      throw e;
    }
  }

  private TrainingSummary trainAndWrite() throws IOException {
    if (checkpoints == null || !isWriter()) {
      return train();
    }
    try (var opened = CheckpointWriter.open(checkpoints, run, position.step)) {
      state.check(opened, position, epochUnderWay());
      writer = opened;
      return train();
    } finally {
      writer = null;
    }
  }

  private boolean isWriter() {
    return group == null || group.isFirst();
  }

  private TrainingSummary train() throws IOException {
    clock = new TrainingClock();
    stop.beginRun();
    long first = position.step;
    while (position.epoch < config.epochs() && !isDone()) {
      runEpoch();
    }
    if (clock.hasSteps()) {
      log();
    }
    long steps = position.step - first;
    if (steps > 0) {
      StepState now = collect();
      requireConvergence(now, Math.min(steps, config.maxBadSteps()));
      if (now.bad() > 0) {
        requireGoodEnd("training", position.loss.value());
      }
    }
    // Only where the training is complete: one that goes on later validates when it would have.
    if (position.epoch >= config.epochs() && position.validatedStep != position.step) {
      validate();
    } else if (steps == 0 && position.validatedStep == position.step) {
      // It was told, and counts, where it was first: this is for the summary.
      lastValidation = evaluate();
    }
    if (steps > 0 && position.validatedStep == position.step) {
      requireGoodEnd("held-out data", lastValidation.loss());
    }
    if (savedStep != position.step) {
      save();
    }
    return summary();
  }

  /**
   * Frees what it owns. Safe to call twice.
   *
   * @throws IllegalStateException if a listener calls it
   */
  @Override
  public void close() {
    requireNotRunning();
    try (step) {
      closeEvaluator();
    }
  }

  private void runEpoch() throws IOException {
    var random = new SavableRandom(position.random);
    if (!stop.unlessInterrupted(() -> begin(random))) {
      return;
    }
    boolean more = hasNext();
    if (!more) {
      if (position.batch == 0) {
        throw new IOException("an epoch without a batch: there are no data");
      }
      // What was interrupted after its last batch could not see the end.
      endEpoch(random);
      saveIfDue(0);
    }
    while (more && !isDone()) {
      long tokens = step.tokens();
      position.batch +=
          step.run(config.optimizer().learningRate() * config.schedule().factor(position.step));
      position.step++;
      more = hasNext();
      clock.stepDone(step.tokens() - tokens);
      if (position.step % config.logEvery() == 0) {
        log();
      }
      if (config.validateEvery() > 0 && position.step % config.validateEvery() == 0) {
        validate();
      }
      if (!more) {
        endEpoch(random);
      }
      saveIfDue(config.checkpointEvery());
    }
  }

  private boolean begin(SavableRandom random) throws IOException {
    step.begin(random, position.batch);
    if (position.batch == 0 && isLastEpoch()) {
      collect();
      position.loss.clear();
    }
    return true;
  }

  /** Whether there is another batch, as far as that is known when waiting for it is interrupted. */
  private boolean hasNext() throws IOException {
    return stop.unlessInterrupted(step::hasNext) || stop.wasInterrupted();
  }

  /** Before the checkpoint of its last step, which is then resumed in the next epoch. */
  private void endEpoch(SavableRandom random) throws IOException {
    if (config.validateEvery() == 0) {
      validate();
    }
    position.endEpoch(random.state());
  }

  /** Waits for the device and takes over the loss; the clock stands until it is resumed. */
  private StepState collect() {
    var reading = step.read();
    clock.pause();
    position.interval.add(reading.lossSum(), reading.lossCount());
    if (isLastEpoch()) {
      position.loss.add(reading.lossSum(), reading.lossCount());
    }
    skipped = reading.state().skipped();
    return reading.state();
  }

  private void log() throws IOException {
    StepState now = collect();
    if (!isLastEpoch()) {
      position.loss.set(position.interval);
    }
    var lap = clock.lap();
    long total = totalSteps();
    double left =
        lap.stepsPerSecond() > 0 && total >= 0
            ? (total - position.step) / lap.stepsPerSecond()
            : Double.NaN;
    var progress =
        new Progress(
            epochUnderWay(),
            config.epochs(),
            position.step,
            total,
            position.interval.value(),
            now.norm(),
            now.learningRate(),
            lap.tokensPerSecond(),
            now.skipped(),
            now.scale(),
            clock.seconds(),
            left);
    for (TrainingListener listener : listeners) {
      listener.logged(progress);
    }
    position.interval.clear();
    requireConvergence(now, config.maxBadSteps());
    stop.agree();
    clock.resume();
  }

  private void requireConvergence(StepState now, long limit) {
    if (now.bad() >= limit) {
      throw new TrainingDivergedException(position.step, now);
    }
  }

  private void requireGoodEnd(String data, double loss) {
    if (step.isBad(loss)) {
      throw TrainingDivergedException.atEnd(data, loss, position.step, collect());
    }
  }

  private void validate() throws IOException {
    if (evaluator == null) {
      return;
    }
    collect();
    position.validatedStep = position.step;
    lastValidation = evaluate();
    double value =
        deciding == null ? lastValidation.loss() : lastValidation.metrics().get(deciding.name());
    boolean best = position.validated(value, deciding != null && deciding.isHigherBetter());
    var validation =
        new Validation(
            epochUnderWay(), position.step, lastValidation.loss(), lastValidation.metrics(), best);
    for (TrainingListener listener : listeners) {
      listener.validated(validation);
    }
    stoppedEarly = config.patience() > 0 && position.stale >= config.patience();
    clock.resume();
  }

  private Evaluator.Result evaluate() throws IOException {
    Evaluator given = evaluator;
    return given == null ? NOT_VALIDATED : Uninterrupted.run(given::evaluate);
  }

  /** What spoils the weights shows in the steps after it; those do not replace what is good. */
  private void saveIfDue(int every) throws IOException {
    boolean due = position.bestStep == position.step || (every > 0 && position.step % every == 0);
    if (!due) {
      return;
    }
    if (checkpoints != null && collect().bad() == 0) {
      save();
    }
    clock.resume();
  }

  private void save() throws IOException {
    if (checkpoints == null) {
      return;
    }
    collect();
    savedStep = position.step;
    if (writer == null) {
      state.contribute();
      return;
    }
    Path folder = state.save(writer, position, epochUnderWay());
    for (TrainingListener listener : listeners) {
      listener.checkpointed(folder, position.step);
    }
    clock.resume();
  }

  private TrainingSummary summary() {
    return new TrainingSummary(
        position.step,
        Math.min(position.epoch + (position.batch > 0 ? 1 : 0), config.epochs()),
        position.loss.value(),
        lastValidation.loss(),
        lastValidation.metrics(),
        position.best,
        clock.tokensPerSecond(),
        clock.seconds(),
        skipped,
        stoppedEarly,
        stop.isMade() && position.epoch < config.epochs() && !stoppedEarly && !areStepsDone());
  }

  /** The steps to do, -1 if nobody knows. */
  private long totalSteps() {
    long batches = source.batches() >= 0 ? source.batches() : position.batches;
    long all = position.totalSteps(config.epochs(), batches, config.microBatches());
    return config.steps() > 0 && (all < 0 || config.steps() < all) ? config.steps() : all;
  }

  /** From 1; the last one still when all are done. */
  private int epochUnderWay() {
    return Math.min(position.epoch + 1, config.epochs());
  }

  private boolean isLastEpoch() {
    return position.epoch >= config.epochs() - 1;
  }

  private boolean isDone() {
    return stop.isMade() || stoppedEarly || areStepsDone();
  }

  private boolean areStepsDone() {
    return config.steps() > 0 && position.step >= config.steps();
  }

  private void closeEvaluator() {
    if (evaluator != null) {
      evaluator.close();
      evaluator = null;
    }
  }
}
