package io.github.cudnn4j.train;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Where a training is: all that its host side remembers from one step to the next. */
final class LoopState {

  /** The generator that the epoch under way draws from, as it is before. */
  long random;

  /** The epoch under way, from 0. */
  int epoch;

  /** The batches of the epoch that are done. */
  long batch;

  /** The batches of an epoch, as the latest one had; -1 before its end. */
  long batches = -1;

  /** The steps done. */
  long step;

  /** The best value of the metric that decides, NaN before the first. */
  double best = Double.NaN;

  /** The step at which that was, -1 before the first. */
  long bestStep = -1;

  /** The step at which the latest validation was, -1 before the first. */
  long validatedStep = -1;

  /** The validations since the best one. */
  int stale;

  /** The loss of the last epoch so far, or else between the latest two log points. */
  final Mean loss = new Mean();

  /** The loss since the latest log point, as far as the host knows it. */
  final Mean interval = new Mean();

  /** A mean of numbers that come in parts. */
  static final class Mean {
    private double sum;
    private double count;

    void add(double sum, double count) {
      this.sum += sum;
      this.count += count;
    }

    void set(double sum, double count) {
      this.sum = sum;
      this.count = count;
    }

    void set(Mean other) {
      set(other.sum, other.count);
    }

    void clear() {
      set(0, 0);
    }

    /** Returns the mean; NaN of nothing. */
    double value() {
      return count > 0 ? sum / count : Double.NaN;
    }
  }

  LoopState(long seed) {
    random = seed;
  }

  /** Returns where a training goes on with other data: at the beginning of this epoch. */
  LoopState onOtherData() {
    var position = new LoopState(random);
    position.epoch = epoch;
    position.step = step;
    return position;
  }

  /**
   * Returns the steps done and those to come, of as many batches in each epoch and each step.
   *
   * @return -1 if it is not known how many these are
   */
  long totalSteps(int epochs, long batchesOfEpoch, int microBatches) {
    if (batchesOfEpoch < 0) {
      return -1;
    }
    long stepsOfEpoch = Math.ceilDiv(batchesOfEpoch, microBatches);
    return step + Math.max(0, (epochs - epoch) * stepsOfEpoch - Math.ceilDiv(batch, microBatches));
  }

  /**
   * Takes note of the end of an epoch.
   *
   * @param next what the next one's generator begins with
   */
  void endEpoch(long next) {
    batches = batch;
    random = next;
    batch = 0;
    epoch++;
  }

  /** Takes note of a validation; returns whether it is better than all before. */
  boolean validated(double value, boolean higherIsBetter) {
    boolean isFirst = Double.isNaN(best) && !Double.isNaN(value);
    boolean isBest = isFirst || (higherIsBetter ? value > best : value < best);
    best = isBest ? value : best;
    bestStep = isBest ? step : bestStep;
    stale = isBest ? 0 : stale + 1;
    return isBest;
  }

  Map<String, Object> toMap() {
    var map = new LinkedHashMap<String, Object>();
    map.put("epoch", epoch);
    map.put("batchOfEpoch", batch);
    map.put("batchesOfEpoch", batches);
    map.put("step", step);
    map.put("random", random);
    if (!Double.isNaN(best)) {
      map.put("best", best);
    }
    map.put("bestStep", bestStep);
    map.put("validatedStep", validatedStep);
    map.put("stale", stale);
    map.put("lossSum", loss.sum);
    map.put("lossCount", loss.count);
    map.put("intervalSum", interval.sum);
    map.put("intervalCount", interval.count);
    return map;
  }

  /**
   * The inverse of {@link #toMap}.
   *
   * @throws IOException if a number is missing or cannot be
   */
  static LoopState of(CheckpointJson saved) throws IOException {
    var position = new LoopState(saved.number("random", Long.MIN_VALUE, Long.MAX_VALUE));
    position.epoch = saved.count("epoch");
    position.batch = saved.number("batchOfEpoch", 0, Long.MAX_VALUE);
    position.batches = saved.number("batchesOfEpoch", -1, Long.MAX_VALUE);
    position.step = saved.number("step", 0, Long.MAX_VALUE);
    position.best = saved.decimal("best", Double.NaN);
    position.bestStep = saved.number("bestStep", -1, Long.MAX_VALUE);
    position.validatedStep =
        saved.values().containsKey("validatedStep")
            ? saved.number("validatedStep", -1, Long.MAX_VALUE)
            : -1;
    position.stale = saved.count("stale");
    position.loss.set(saved.decimal("lossSum", 0), saved.decimal("lossCount", 0));
    position.interval.set(saved.decimal("intervalSum", 0), saved.decimal("intervalCount", 0));
    return position;
  }
}
