package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.model.Model;
import org.jspecify.annotations.Nullable;

/**
 * The data of a training, and the model that is to learn from them.
 *
 * @param <M> the kind of model
 */
interface TrainingTask<M extends Model> {

  BatchSource training(M model);

  /** Returns what the model is validated on; null if it is not. */
  @Nullable BatchSource heldOut(M model);

  /** Returns a new model, or that of the checkpoint to go on from; the caller closes it. */
  M model(Device device);

  /** Returns the number by which the model is judged. */
  Score score();

  /** Returns the model in a few words. */
  String description(M model);

  /** Returns the data in a few words, behind their name. */
  String data();

  /** Returns what shows the model at work; the caller closes it. */
  default Samples samples(M model) {
    return Samples.NONE;
  }
}
