package io.github.cudnn4j.train;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.Map;

/**
 * A model that predicts the next symbol at each place of a sequence: what {@link Trainer} and
 * {@link Evaluator} need to know of it. Whoever made the model closes it.
 */
public interface Model {

  /** Returns the device that holds the weights. */
  Device device();

  /** Returns how the model computes; its weights and gradients are of that type. */
  Precision precision();

  /** Returns all weights and gradients. */
  Parameters parameters();

  /**
   * Records the model on a tape, which carries the recurrent states.
   *
   * @param tokens {@code [T, B]}
   * @return the logits, {@code [T, B, V]}
   */
  Tensor logits(Tape tape, Indices tokens);

  /** Returns what is needed to make the model again, in values that JSON has a form for. */
  Map<String, Object> configuration();
}
