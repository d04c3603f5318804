package io.github.cudnn4j.spark;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.train.RankGroup;
import java.io.Serializable;

/**
 * What one of several ranks does on an executor, sent there by Java's serialization.
 *
 * @param <T> what comes back to the driver, serializable too
 */
@FunctionalInterface
public interface RankTask<T extends Serializable> extends Serializable {

  /**
   * Does the work of one rank.
   *
   * @param device of this rank, closed afterwards
   * @param group all ranks, closed afterwards
   * @throws Exception which fails the task, and with it the stage
   */
  T run(Device device, RankGroup group) throws Exception;
}
