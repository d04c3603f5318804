package io.github.cudnn4j.train;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.ProfilerRange;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Shards;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.io.Uninterrupted;
import io.github.cudnn4j.optim.LossScale;
import io.github.cudnn4j.optim.StepState;
import io.github.cudnn4j.optim.Updater;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * One step of training after the other: fetch a batch, clear the gradients, forward, backward,
 * norm, update.
 *
 * <p>What {@link Trainer} is made of, for loops of one's own:
 *
 * <pre>{@code
 * try (Step step = Step.create(parameters, objective, source, config)) {
 *   for (int epoch = 0; epoch < 5; epoch++) {
 *     step.begin(random, 0);
 *     while (step.hasNext()) {
 *       step.run(learningRate);
 *     }
 *     System.out.println(step.read().loss()); // the mean since the last look
 *   }
 * }
 * }</pre>
 *
 * <p>A step allocates nothing and waits for nothing once there has been a batch of its shape. It is
 * captured as a graph and replayed with one launch, unless the objective depends on lengths that
 * the host must know ({@link Tape#isCapturable}): then its calls are made every time.
 *
 * <p>Owner of activations, moments and the ring of batches; the parameters are the caller's.
 * Belongs to the device's thread.
 */
public final class Step implements AutoCloseable {

  private static final ProfilerRange FORWARD = ProfilerRange.named("forward");
  private static final ProfilerRange BACKWARD = ProfilerRange.named("backward");
  private static final ProfilerRange SUM = ProfilerRange.named("sum");
  private static final ProfilerRange UPDATE = ProfilerRange.named("update");

  /**
   * A step is bad if its loss is this much that of a uniform guess: no training begins so, and one
   * whose learning rate is too high gets there, with gradients that may still be finite.
   */
  private static final double FAR_ABOVE_GUESSING = 10;

  /**
   * What the device knows since the last look.
   *
   * @param state of the latest step
   * @param lossSum the sum of the loss over everything that counts, of the batches in which it is
   *     finite
   * @param lossCount how many that are
   */
  public record Reading(StepState state, double lossSum, double lossCount) {

    /** Returns the mean loss, NaN of none. */
    public double loss() {
      return lossCount > 0 ? lossSum / lossCount : Double.NaN;
    }
  }

  /** What is recorded for the batches of one shape, and of one shard if there are many. */
  private record Recorded(
      int shape, int shard, Tape tape, Batch in, Loss loss, List<Launch> clearings) {}

  private final Device device;
  private final Parameters parameters;
  private final Objective objective;
  private final Parts parts = new Parts();
  private final Updater updater;
  private final BatchRunner batches;
  private final List<Recorded> recorded = new ArrayList<>();
  private final PinnedBuffer seen;

  /** Null if nothing is divided. */
  private final @Nullable ShardSum sum;

  private final @Nullable RankGroup group;
  private final BatchSource source;
  private final TrainerConfig config;
  private final int microBatches;

  /** How many batches of the feed make a step. */
  private final int plays;

  private boolean joined;
  private final Uninterrupted.Work<Boolean> hasNext = this::hasNext;

  /** The micro-batches whose gradients are summed up, of a step that is not complete. */
  private int accumulated;

  private @Nullable Runnable hook;
  private double lossLimit = Double.POSITIVE_INFINITY;

  private Step(
      Parameters parameters,
      Objective objective,
      BatchSource source,
      TrainerConfig config,
      @Nullable RankGroup group) {
    this.parameters = Objects.requireNonNull(parameters, "parameters");
    this.objective = Objects.requireNonNull(objective, "objective");
    Objects.requireNonNull(source, "source");
    this.device = parameters.device();
    this.config = config;
    this.source = source;
    this.group = group == null || group.size() == 1 ? null : group;
    this.microBatches = config.microBatches();
    try {
      boolean divided = config.shards() > 0 || this.group != null;
      sum =
          divided
              ? parts.add(new ShardSum(parameters, this.group, config.shards(), microBatches))
              : null;
      BatchSource own =
          sum == null ? source : Shards.of(source, sum.shards(), sum.first(), sum.local());
      plays = microBatches * locals();
      batches =
          parts.add(
              new BatchRunner(
                  device, parameters.precision(), own, config.capture(), locals(), this::record));
      LossScale scale = config.lossScale(parameters.type());
      updater =
          parts.add(
              Updater.create(
                  parameters,
                  config.optimizer(),
                  config.clip(),
                  scale,
                  config.groups(),
                  batches.number()));
      if (sum != null) {
        updater.microBatches(sum.shards());
      }
      seen =
          parts.add(
              PinnedBuffer.allocate(
                  device,
                  ElementType.FLOAT64,
                  StepState.SIZE + Loss.METER * own.layout().shapes() * locals()));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Prepares training.
   *
   * @param config of it, optimizer, clipping, loss scale, micro-batches, groups and whether to
   *     capture are used
   */
  public static Step create(
      Parameters parameters, Objective objective, BatchSource source, TrainerConfig config) {
    return new Step(parameters, objective, source, config, null);
  }

  /**
   * As {@link #create(Parameters, Objective, BatchSource, TrainerConfig)}, together with other
   * ranks, each of which has its rows of every batch of the same source and computes their mean
   * loss; the gradients are averaged, in their own type. All ranks begin with the weights of rank
   * 0.
   *
   * @throws IllegalArgumentException if the rows cannot be divided among the ranks
   */
  public static Step create(
      Parameters parameters,
      Objective objective,
      BatchSource source,
      TrainerConfig config,
      RankGroup group) {
    return new Step(parameters, objective, source, config, Objects.requireNonNull(group, "group"));
  }

  /**
   * Sets what is enqueued between backward and update of each step, such as the sum of the
   * gradients over many devices; before the first step. It is captured with the step: it may
   * enqueue on the device's stream, and must neither allocate nor wait.
   */
  public Step afterBackward(Runnable work) {
    if (!recorded.isEmpty()) {
      throw new IllegalStateException("afterBackward is set before the first step");
    }
    hook = Objects.requireNonNull(work, "work");
    return this;
  }

  private BatchRunner.Work record(int number) {
    var made = new Parts();
    Recorded shape;
    try {
      Tape tape = made.add(Tape.training(device, parameters.precision(), updater.lossScale()));
      Batch in = batches.batch(tape, number);
      Loss loss = BatchRunner.record(objective, tape, in);
      if (sum != null) {
        tape.ofShard(sum.first() + number % locals());
      }
      List<Launch> clearings = new ArrayList<>();
      for (DeviceBuffer carried : tape.carriedStates()) {
        clearings.add(made.add(updater.clearIfSkipped(carried)));
      }
      shape = new Recorded(number / locals(), number % locals(), tape, in, loss, clearings);
    } catch (RuntimeException | Error e) {
      throw made.abandon(e);
    }
    parts.add(made);
    recorded.add(shape);
    Tensor logits = shape.loss.logits();
    if (logits != null) {
      lossLimit = FAR_ABOVE_GUESSING * Math.log(logits.columns());
      updater.lossLimit(lossLimit);
    }
    return new BatchRunner.Work(shape.in, work(shape), shape.tape.isCapturable());
  }

  private Runnable work(Recorded shape) {
    if (sum != null && sum.addsEach()) {
      return () -> {
        parameters.gradients().clear();
        differentiate(shape);
        sum.add(shape.shard, shape.loss.value());
      };
    }
    if (microBatches > 1) {
      return () -> differentiate(shape);
    }
    return () -> {
      parameters.gradients().clear();
      differentiate(shape);
      update(shape);
      clearIfSkipped(shape);
    };
  }

  /** Returns how many shards of a batch are here. */
  private int locals() {
    return sum == null ? 1 : sum.local();
  }

  private void differentiate(Recorded shape) {
    try (var _ = FORWARD.begin()) {
      shape.tape.forward();
    }
    try (var _ = BACKWARD.begin()) {
      shape.tape.backward();
    }
    shape.tape.carry();
  }

  private void update(Recorded shape) {
    DeviceBuffer mean = shape.loss.value();
    if (sum != null) {
      try (var _ = SUM.begin()) {
        mean = sum.finish(mean);
      }
    }
    if (hook != null) {
      hook.run();
    }
    try (var _ = UPDATE.begin()) {
      updater.run(mean);
    }
  }

  private static void clearIfSkipped(Recorded shape) {
    for (int i = 0; i < shape.clearings.size(); i++) {
      shape.clearings.get(i).run();
    }
  }

  /** Makes sure that all ranks do the same, and begins with what rank 0 has. */
  private void join() throws IOException {
    if (group != null) {
      var facts = new LinkedHashMap<String, Object>();
      facts.put("model", parameters.precision() + "\n" + parameters.layout());
      facts.put("training", config.toMap());
      facts.put("rhythm", config.rhythm());
      facts.put("shape of batches", source.layout());
      facts.put("text or data", source.identity());
      group.agree(facts);
      group.broadcast(parameters.masters());
      if (parameters.hasMasters()) {
        group.broadcast(parameters.weights());
      }
      buffers().values().forEach(group::broadcast);
    }
    joined = true;
  }

  /**
   * Starts an epoch.
   *
   * @param random what the source draws its order from
   * @param skip how many batches of the epoch are passed over: those done before; 0 starts from
   *     zero states too
   * @throws IllegalArgumentException if {@code skip} is negative
   * @throws IllegalStateException if this is closed
   * @throws IOException if the source fails
   */
  public void begin(RandomGenerator random, long skip) throws IOException {
    if (!joined) {
      join();
    }
    batches.begin(random, skip * locals());
    accumulated = 0;
    if (skip == 0) {
      recorded.forEach(shape -> shape.tape.resetStates());
    }
  }

  /**
   * Tells whether the epoch has another batch; may wait for the source to make it.
   *
   * @throws IOException if the source fails
   */
  public boolean hasNext() throws IOException {
    return batches.hasNext();
  }

  /**
   * Enqueues one step on the next batch, or as many as the configuration says, as far as the epoch
   * has them; an interrupt does not end it between these. The first one of a shape records the
   * objective and allocates: if that fails, as for want of memory, the next call goes on with the
   * same batch. If the device fails later, the batch is lost, and what its step had begun may be
   * done in part.
   *
   * @return the number of batches
   * @throws IllegalArgumentException if the learning rate is negative or not finite, or the
   *     objective returns a loss of another tape, or one that depends on no parameter
   * @throws io.github.cudnn4j.data.RecordException if a record has a number that the objective
   *     cannot take, such as a label that is no class
   * @throws IOException if the source fails
   * @throws java.util.NoSuchElementException if the epoch has no other batch
   * @throws IllegalStateException if the parameters are read-only
   */
  public int run(double learningRate) throws IOException {
    parameters.requireWritable();
    if (!(learningRate >= 0 && learningRate < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "learning rate " + learningRate + ", must be finite and at least 0");
    }
    if (plays == 1) {
      batches.run(learningRate);
      return 1;
    }
    if (accumulated == 0) {
      parameters.gradients().clear();
      if (sum != null) {
        sum.begin();
      }
    }
    int shape;
    do {
      shape = accumulate(learningRate);
    } while (accumulated < plays && Uninterrupted.run(hasNext));
    int count = accumulated / locals();
    accumulated = 0;
    updater.microBatches(sum == null ? count : count * sum.shards());
    for (int i = 0; i < recorded.size(); i++) {
      if (recorded.get(i).shape == shape && recorded.get(i).shard == locals() - 1) {
        update(recorded.get(i));
      }
    }
    for (int i = 0; i < recorded.size(); i++) {
      clearIfSkipped(recorded.get(i));
    }
    return count;
  }

  private int accumulate(double learningRate) throws IOException {
    try {
      int shape = batches.run(learningRate);
      accumulated++;
      return shape;
    } catch (RuntimeException | Error e) {
      // Whatever of the batch is in the gradients would stay there.
      accumulated = batches.isBatchTaken() ? accumulated : 0;
      throw e;
    }
  }

  /** Returns the time steps of all sequences so far, without padding, as the host knows them. */
  public long tokens() {
    return batches.tokens() * (group == null ? 1 : group.size());
  }

  /** Returns whether a loss is far above that of guessing, or none at all. */
  boolean isBad(double meanLoss) {
    return !(meanLoss <= lossLimit);
  }

  /** Waits for the device; reads the step state and all ranks' loss since the last call. */
  public Reading read() {
    updater.state().copyTo(0, seen, 0, StepState.SIZE, device.stream());
    for (int i = 0; i < recorded.size(); i++) {
      DeviceBuffer meter = recorded.get(i).loss.meter();
      meter.copyTo(0, seen, StepState.SIZE + Loss.METER * i, Loss.METER, device.stream());
      meter.clear();
    }
    device.stream().synchronize();
    var numbers = seen.segment();
    double lossSum = 0;
    double count = 0;
    for (int i = 0; i < recorded.size(); i++) {
      lossSum += numbers.getAtIndex(JAVA_DOUBLE, StepState.SIZE + Loss.METER * i);
      count += numbers.getAtIndex(JAVA_DOUBLE, StepState.SIZE + Loss.METER * i + 1);
    }
    double[] all = {lossSum, count};
    if (group != null) {
      group.sum(all);
    }
    return new Reading(
        StepState.of(place -> numbers.getAtIndex(JAVA_DOUBLE, place)), all[0], all[1]);
  }

  /** Adds everything that the next step depends on, beside the weights; all ranks call it. */
  public void save(SafeTensorsWriter file) {
    buffers().forEach((name, buffer) -> ShardStates.put(file, name, buffer));
    ShardStates states = states();
    for (Recorded each : recorded) {
      states.add(each.shape, each.shard, each.tape);
    }
    states.save(file, group);
  }

  /**
   * Restores what {@link #save} wrote. What was dropped is drawn as it would have been only with
   * the same number of shards.
   *
   * @throws IOException if reading fails, or the file is of another model, batch or optimizer,
   *     which changes nothing
   */
  public void load(SafeTensors file) throws IOException {
    for (int number = 0; number < batches.source().layout().shapes() * locals(); number++) {
      if (ShardStates.areIn(file, number / locals())) {
        batches.work(number);
      }
    }
    Map<String, DeviceBuffer> buffers = buffers();
    for (var item : buffers.entrySet()) {
      ShardStates.requireSize(file, item.getKey(), item.getValue().elements());
    }
    ShardStates states = states();
    for (Recorded each : recorded) {
      states.check(file, each.shape, each.tape);
    }
    for (Recorded each : recorded) {
      states.loadGenerators(file, each.shape, each.shard, each.tape);
    }
    for (Recorded each : recorded) {
      states.loadCarried(file, each.shape, each.shard, each.tape);
    }
    for (var item : buffers.entrySet()) {
      ShardStates.get(file, item.getKey(), item.getValue());
    }
  }

  private ShardStates states() {
    return sum == null
        ? new ShardStates(source.layout().batch(), 1, 0, 1)
        : new ShardStates(source.layout().batch(), sum.shards(), sum.first(), sum.local());
  }

  @Override
  public void close() {
    parts.close();
  }

  private Map<String, DeviceBuffer> buffers() {
    var buffers = new LinkedHashMap<String, DeviceBuffer>();
    updater.moments().forEach((name, buffer) -> buffers.put("optimizer." + name, buffer));
    buffers.put("step", updater.state());
    return buffers;
  }
}
