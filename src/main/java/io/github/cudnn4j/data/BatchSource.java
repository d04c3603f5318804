package io.github.cudnn4j.data;

import java.io.IOException;
import java.util.Map;
import java.util.random.RandomGenerator;

/** Data as batches, which can be gone through any number of times. */
public interface BatchSource {

  /** Returns what a batch holds. */
  BatchLayout layout();

  /**
   * Returns what tells these data and their order from others: strings, longs and doubles that a
   * checkpoint can hold. Empty if that is not known.
   */
  Map<String, Object> identity();

  /** Returns the number of batches of a pass, -1 if that is not known. */
  long batches();

  /**
   * Tells whether the rows of a batch go on where those of the batch before it ended, so that a
   * recurrent state is to be carried on.
   */
  default boolean isSequel() {
    return false;
  }

  /**
   * Begins a pass.
   *
   * @param random gives everything that is random about it, now: from the same state comes the same
   *     pass
   * @throws IOException if the data cannot be opened
   */
  Epoch epoch(RandomGenerator random) throws IOException;
}
