package io.github.cudnn4j.train;

import io.github.cudnn4j.data.SavableRandom;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Where a training is: all that its host side remembers from one step to the next. */
final class Position {

  SavableRandom random;

  /** The epoch under way, from 0. */
  int epoch;

  /** The next window of the epoch. */
  int window;

  /** The tokens that the epoch skips. */
  int offset;

  /** The steps done. */
  long step;

  /** The lowest validation loss, NaN before the first. */
  double best = Double.NaN;

  /** The step at which that was, -1 before the first. */
  long bestStep = -1;

  /** The validations since the best one. */
  int stale;

  /** The loss of the last epoch so far, or else between the latest two log points. */
  double lossSum;

  double lossCount;

  /** The loss since the latest log point, as far as the host knows it. */
  double intervalSum;

  double intervalCount;

  Position(long seed) {
    random = new SavableRandom(seed);
  }

  /** Returns where a training goes on with another text: at the beginning of this epoch. */
  Position onOtherText() {
    var position = new Position(0);
    position.random = random;
    position.epoch = epoch;
    position.step = step;
    return position;
  }

  /** Returns the steps done and those to come, of as many windows in each epoch. */
  long totalSteps(int epochs, int windows) {
    return step + Math.max(0, (long) (epochs - epoch) * windows - window);
  }

  Map<String, Object> toMap() {
    var map = new LinkedHashMap<String, Object>();
    map.put("epoch", epoch);
    map.put("window", window);
    map.put("offset", offset);
    map.put("step", step);
    map.put("random", random.state());
    if (!Double.isNaN(best)) {
      map.put("best", best);
    }
    map.put("bestStep", bestStep);
    map.put("stale", stale);
    map.put("lossSum", lossSum);
    map.put("lossCount", lossCount);
    map.put("intervalSum", intervalSum);
    map.put("intervalCount", intervalCount);
    return map;
  }

  /**
   * The inverse of {@link #toMap}.
   *
   * @throws IOException if a number is missing or cannot be
   */
  static Position of(Description saved) throws IOException {
    var position = new Position(saved.number("random", Long.MIN_VALUE, Long.MAX_VALUE));
    position.epoch = saved.count("epoch");
    position.window = saved.count("window");
    position.offset = saved.count("offset");
    position.step = saved.number("step", 0, Long.MAX_VALUE);
    position.best = saved.decimal("best", Double.NaN);
    position.bestStep = saved.number("bestStep", -1, Long.MAX_VALUE);
    position.stale = saved.count("stale");
    position.lossSum = saved.decimal("lossSum", 0);
    position.lossCount = saved.decimal("lossCount", 0);
    position.intervalSum = saved.decimal("intervalSum", 0);
    position.intervalCount = saved.decimal("intervalCount", 0);
    return position;
  }
}
