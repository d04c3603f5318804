package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.LossScale;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.ParameterGroup;
import io.github.cudnn4j.optim.Schedule;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/**
 * How to train; everything but the model and the text.
 *
 * @param optimizer the update rule
 * @param clip how gradients are clipped
 * @param schedule how the learning rate changes
 * @param epochs how often the text is read, at least 1
 * @param steps after how many steps to stop even so; 0 for no limit
 * @param logEvery how many steps lie between two looks at the loss, each of which waits for the
 *     device
 * @param validateEvery how many steps lie between two validations; 0 for one after each epoch
 * @param patience after how many validations without a better one to stop; 0 for never
 * @param checkpointEvery how many steps lie between two checkpoints; 0 for one at the end
 * @param maxBadSteps how many bad steps in a row end the training: those refused because the loss
 *     or the gradient is not finite, and those with ten times the loss of a uniform guess
 * @param lossScale how the loss is scaled in FP16; in other precisions it is not
 * @param microBatches how many batches make one step, whose gradients are averaged: as one batch
 *     that is as many times larger, in the memory of one; the last step of an epoch may have fewer
 * @param shards into how many parts a batch is always divided, a power of two, whose gradients are
 *     averaged in an order of their own: so any number of ranks that divides it, and one process
 *     alone, come to the same bits; 0: into as many as there are ranks
 * @param groups parameters that are trained in ways of their own
 * @param capture whether to capture the step as a graph and replay it; the results are the same
 * @param seed of the random offsets of the epochs
 */
public record TrainerConfig(
    Optimizer optimizer,
    Clip clip,
    Schedule schedule,
    int epochs,
    long steps,
    int logEvery,
    int validateEvery,
    int patience,
    int checkpointEvery,
    int maxBadSteps,
    LossScale lossScale,
    int microBatches,
    int shards,
    List<ParameterGroup> groups,
    boolean capture,
    long seed) {

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if one is out of its range; the message names it
   */
  public TrainerConfig {
    Objects.requireNonNull(optimizer, "optimizer");
    Objects.requireNonNull(clip, "clip");
    Objects.requireNonNull(schedule, "schedule");
    Objects.requireNonNull(lossScale, "lossScale");
    require("epochs", epochs, 1);
    require("steps", steps, 0);
    require("logEvery", logEvery, 1);
    require("validateEvery", validateEvery, 0);
    require("patience", patience, 0);
    require("checkpointEvery", checkpointEvery, 0);
    require("maxBadSteps", maxBadSteps, 1);
    require("microBatches", microBatches, 1);
    require("shards", shards, 0);
    if (Integer.bitCount(shards) > 1) {
      throw new IllegalArgumentException("shards " + shards + ", must be a power of two");
    }
    groups = List.copyOf(groups);
  }

  /**
   * One epoch without clipping at a constant learning rate; logs every 50 steps, stops after 10 bad
   * steps in a row, captures.
   */
  public static TrainerConfig of(Optimizer optimizer) {
    return new TrainerConfig(
        optimizer,
        Clip.NONE,
        Schedule.constant(),
        1,
        0,
        50,
        0,
        0,
        0,
        10,
        LossScale.DEFAULT,
        1,
        0,
        List.of(),
        true,
        0);
  }

  /** Returns this configuration with another update rule. */
  public TrainerConfig optimizer(Optimizer value) {
    return with(draft -> draft.optimizer = value);
  }

  /** Returns this configuration with another clipping. */
  public TrainerConfig clip(Clip value) {
    return with(draft -> draft.clip = value);
  }

  /** Returns this configuration with another schedule. */
  public TrainerConfig schedule(Schedule value) {
    return with(draft -> draft.schedule = value);
  }

  /** Returns this configuration with another number of epochs. */
  public TrainerConfig epochs(int value) {
    return with(draft -> draft.epochs = value);
  }

  /** Returns this configuration with another limit of steps. */
  public TrainerConfig steps(long value) {
    return with(draft -> draft.steps = value);
  }

  /** Returns this configuration with another distance between logs. */
  public TrainerConfig logEvery(int value) {
    return with(draft -> draft.logEvery = value);
  }

  /** Returns this configuration with another distance between validations. */
  public TrainerConfig validateEvery(int value) {
    return with(draft -> draft.validateEvery = value);
  }

  /** Returns this configuration with another patience. */
  public TrainerConfig patience(int value) {
    return with(draft -> draft.patience = value);
  }

  /** Returns this configuration with another distance between checkpoints. */
  public TrainerConfig checkpointEvery(int value) {
    return with(draft -> draft.checkpointEvery = value);
  }

  /** Returns this configuration with another limit of bad steps. */
  public TrainerConfig maxBadSteps(int value) {
    return with(draft -> draft.maxBadSteps = value);
  }

  /** Returns this configuration with another scale of the loss. */
  public TrainerConfig lossScale(LossScale value) {
    return with(draft -> draft.lossScale = value);
  }

  /** Returns this configuration with another number of batches in a step. */
  public TrainerConfig microBatches(int value) {
    return with(draft -> draft.microBatches = value);
  }

  /** Returns this configuration with another number of fixed shards. */
  public TrainerConfig shards(int value) {
    return with(draft -> draft.shards = value);
  }

  /** Returns this configuration with other groups of parameters. */
  public TrainerConfig groups(ParameterGroup... values) {
    return with(draft -> draft.groups = List.of(values));
  }

  /** Returns this configuration with another choice about capturing. */
  public TrainerConfig capture(boolean value) {
    return with(draft -> draft.capture = value);
  }

  /** Returns this configuration with another seed. */
  public TrainerConfig seed(long value) {
    return with(draft -> draft.seed = value);
  }

  private TrainerConfig with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return new TrainerConfig(
        draft.optimizer,
        draft.clip,
        draft.schedule,
        draft.epochs,
        draft.steps,
        draft.logEvery,
        draft.validateEvery,
        draft.patience,
        draft.checkpointEvery,
        draft.maxBadSteps,
        draft.lossScale,
        draft.microBatches,
        draft.shards,
        draft.groups,
        draft.capture,
        draft.seed);
  }

  /** What can be changed, on its way from one configuration to the next. */
  private static final class Draft {
    Optimizer optimizer;
    Clip clip;
    Schedule schedule;
    int epochs;
    long steps;
    int logEvery;
    int validateEvery;
    int patience;
    int checkpointEvery;
    int maxBadSteps;
    LossScale lossScale;
    int microBatches;
    int shards;
    List<ParameterGroup> groups;
    boolean capture;
    long seed;

    Draft(TrainerConfig from) {
      optimizer = from.optimizer;
      clip = from.clip;
      schedule = from.schedule;
      epochs = from.epochs;
      steps = from.steps;
      logEvery = from.logEvery;
      validateEvery = from.validateEvery;
      patience = from.patience;
      checkpointEvery = from.checkpointEvery;
      maxBadSteps = from.maxBadSteps;
      lossScale = from.lossScale;
      microBatches = from.microBatches;
      shards = from.shards;
      groups = from.groups;
      capture = from.capture;
      seed = from.seed;
    }
  }

  /** Returns how the loss is scaled for weights of a type. */
  LossScale lossScale(ElementType type) {
    return type == ElementType.FLOAT16 ? lossScale : LossScale.NONE;
  }

  /** For a reader of checkpoints; a schedule is code and has no text. */
  Map<String, Object> toMap() {
    var map = new LinkedHashMap<String, Object>();
    map.put("optimizer", optimizer.toString());
    map.put("clipNorm", clip.norm());
    map.put("clipValue", clip.value());
    map.put("microBatches", microBatches);
    map.put("shards", shards);
    map.put("epochs", epochs);
    map.put("steps", steps);
    map.put("seed", seed);
    return map;
  }

  /** Returns when the ranks of a training wait for each other, beside at each step. */
  Map<String, Object> rhythm() {
    var map = new LinkedHashMap<String, Object>();
    map.put("logEvery", logEvery);
    map.put("validateEvery", validateEvery);
    map.put("patience", patience);
    map.put("checkpointEvery", checkpointEvery);
    map.put("maxBadSteps", maxBadSteps);
    return map;
  }

  private static void require(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(name + " " + value + ", must be at least " + least);
    }
  }
}
