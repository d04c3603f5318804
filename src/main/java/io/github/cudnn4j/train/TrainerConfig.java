package io.github.cudnn4j.train;

import java.util.LinkedHashMap;
import java.util.Map;

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
    boolean capture,
    long seed) {

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if one is out of its range; the message names it
   */
  public TrainerConfig {
    require("epochs", epochs, 1);
    require("steps", steps, 0);
    require("logEvery", logEvery, 1);
    require("validateEvery", validateEvery, 0);
    require("patience", patience, 0);
    require("checkpointEvery", checkpointEvery, 0);
    require("maxBadSteps", maxBadSteps, 1);
  }

  /**
   * One epoch without clipping at a constant learning rate; logs every 50 steps, stops after 10 bad
   * steps in a row, captures.
   */
  public static TrainerConfig of(Optimizer optimizer) {
    return new TrainerConfig(
        optimizer, Clip.NONE, Schedule.constant(), 1, 0, 50, 0, 0, 0, 10, true, 0);
  }

  /** Returns this configuration with another update rule. */
  public TrainerConfig optimizer(Optimizer value) {
    return new TrainerConfig(
        value,
        clip,
        schedule,
        epochs,
        steps,
        logEvery,
        validateEvery,
        patience,
        checkpointEvery,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another clipping. */
  public TrainerConfig clip(Clip value) {
    return new TrainerConfig(
        optimizer,
        value,
        schedule,
        epochs,
        steps,
        logEvery,
        validateEvery,
        patience,
        checkpointEvery,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another schedule. */
  public TrainerConfig schedule(Schedule value) {
    return new TrainerConfig(
        optimizer,
        clip,
        value,
        epochs,
        steps,
        logEvery,
        validateEvery,
        patience,
        checkpointEvery,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another number of epochs. */
  public TrainerConfig epochs(int value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        value,
        steps,
        logEvery,
        validateEvery,
        patience,
        checkpointEvery,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another limit of steps. */
  public TrainerConfig steps(long value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        epochs,
        value,
        logEvery,
        validateEvery,
        patience,
        checkpointEvery,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another distance between logs. */
  public TrainerConfig logEvery(int value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        epochs,
        steps,
        value,
        validateEvery,
        patience,
        checkpointEvery,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another distance between validations. */
  public TrainerConfig validateEvery(int value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        epochs,
        steps,
        logEvery,
        value,
        patience,
        checkpointEvery,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another patience. */
  public TrainerConfig patience(int value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        epochs,
        steps,
        logEvery,
        validateEvery,
        value,
        checkpointEvery,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another distance between checkpoints. */
  public TrainerConfig checkpointEvery(int value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        epochs,
        steps,
        logEvery,
        validateEvery,
        patience,
        value,
        maxBadSteps,
        capture,
        seed);
  }

  /** Returns this configuration with another limit of bad steps. */
  public TrainerConfig maxBadSteps(int value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        epochs,
        steps,
        logEvery,
        validateEvery,
        patience,
        checkpointEvery,
        value,
        capture,
        seed);
  }

  /** Returns this configuration with another choice about capturing. */
  public TrainerConfig capture(boolean value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        epochs,
        steps,
        logEvery,
        validateEvery,
        patience,
        checkpointEvery,
        maxBadSteps,
        value,
        seed);
  }

  /** Returns this configuration with another seed. */
  public TrainerConfig seed(long value) {
    return new TrainerConfig(
        optimizer,
        clip,
        schedule,
        epochs,
        steps,
        logEvery,
        validateEvery,
        patience,
        checkpointEvery,
        maxBadSteps,
        capture,
        value);
  }

  /** For a reader of checkpoints; a schedule is code and has no text. */
  Map<String, Object> toMap() {
    var map = new LinkedHashMap<String, Object>();
    map.put("optimizer", optimizer.toString());
    map.put("clipNorm", clip.norm());
    map.put("clipValue", clip.value());
    map.put("epochs", epochs);
    map.put("steps", steps);
    map.put("seed", seed);
    return map;
  }

  private static void require(String name, long value, long least) {
    if (value < least) {
      throw new IllegalArgumentException(name + " " + value + ", must be at least " + least);
    }
  }
}
