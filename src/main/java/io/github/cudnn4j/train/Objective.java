package io.github.cudnn4j.train;

import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Tape;
import java.util.Map;

/**
 * What a training is to make small: records a model and its loss on a tape.
 *
 * <p>It is called once for each shape that batches come in, on a tape for training, and again on
 * tapes for inference when something is evaluated; what it records is then played for every batch
 * of that shape. So it reads no numbers, and takes every tensor from the tape, the batch or the
 * parameters.
 */
@FunctionalInterface
public interface Objective {

  /**
   * Records the loss of a batch.
   *
   * @param tape to record on, which owns what is recorded
   * @param in the slots of the batch, in device memory
   * @return the loss that the step differentiates, recorded on the tape
   */
  Loss record(Tape tape, Batch in);

  /**
   * Returns what is needed to make the model again, in values that JSON has a form for: checkpoints
   * keep it. Nothing unless overridden.
   */
  default Map<String, Object> configuration() {
    return Map.of();
  }
}
