package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.function.Function;

/** What ready-made models do alike. */
final class Models {

  private Models() {}

  /**
   * Makes a model that owns new parameters, and draws its initial weights; nothing is left of one
   * that cannot be made.
   */
  static <M extends Model> M create(
      Device device, Precision precision, long seed, Function<Parameters, M> maker) {
    Parameters parameters = Parameters.on(device, precision);
    try {
      M model = maker.apply(parameters);
      parameters.initialize(seed);
      return model;
    } catch (RuntimeException | Error e) {
      try (parameters) {
        throw e;
      }
    }
  }

  /** Records a network's dropout once more behind it, with elements of its own. */
  static Tensor dropout(Tape tape, Tensor y, RnnConfig config) {
    return config.dropout() > 0 ? tape.dropout(y, config.dropout(), config.dropoutSeed() + 1) : y;
  }
}
