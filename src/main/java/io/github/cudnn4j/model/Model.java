package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.onnx.OnnxGraph;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Metric;
import io.github.cudnn4j.train.Objective;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * A ready-made model: parameters, the objective that trains them, and what makes it again.
 *
 * <p>Owns its parameters in device memory. Belongs to the thread that owns the device.
 */
public interface Model extends Objective, AutoCloseable {

  /** Where a configuration tells which model it is of. */
  String KIND = "kind";

  /** Returns all weights and gradients. */
  Parameters parameters();

  /**
   * Returns what makes the model again, its weights aside, in values that JSON has a form for:
   * {@link #KIND} and what else {@link #of} needs.
   */
  @Override
  Map<String, Object> configuration();

  /**
   * Returns what tells how good the model is beside the loss, the one that decides first; nothing
   * if the loss decides.
   */
  default List<Metric> metrics() {
    return List.of();
  }

  /**
   * Returns whether the loss is the cross-entropy of the symbols of a text, so that its exponential
   * is a perplexity.
   */
  default boolean hasPerplexity() {
    return false;
  }

  /** Returns the device that holds the weights. */
  default Device device() {
    return parameters().device();
  }

  /** Returns how the model computes; its weights and gradients are of that type. */
  default Precision precision() {
    return parameters().precision();
  }

  /**
   * Returns the network as a graph of ONNX with its weights of this moment; waits for the device.
   * The configuration goes with it, as JSON under that name.
   *
   * @throws IllegalArgumentException if ONNX has no such network: its layers project, bound their
   *     cell states or have no input matrix, or it does not read a sequence once
   */
  default OnnxGraph onnx() {
    throw new IllegalArgumentException(
        "a model of the kind " + kind(configuration()) + " is not written as ONNX");
  }

  /** Frees the parameters. Safe to call twice. */
  @Override
  void close();

  /**
   * Returns the kind of model that a configuration is of; one without a kind is of a {@link
   * LanguageModel}.
   */
  static String kind(Map<String, ?> configuration) {
    return configuration.get(KIND) instanceof String kind ? kind : LanguageModel.KIND_NAME;
  }

  /**
   * Returns the model that {@link #configuration()} described, with initial weights.
   *
   * @throws IllegalArgumentException if there is no such kind of model, or an entry is missing or
   *     cannot be
   */
  static Model of(Device device, Map<String, Object> configuration) {
    String kind = kind(configuration);
    return switch (kind) {
      case LanguageModel.KIND_NAME -> LanguageModel.of(device, configuration);
      case SequenceClassifier.KIND_NAME -> SequenceClassifier.of(device, configuration);
      case Translator.KIND_NAME -> Translator.of(device, configuration);
      case Recogniser.KIND_NAME -> Recogniser.of(device, configuration);
      case SequenceTagger.KIND_NAME -> SequenceTagger.of(device, configuration);
      default ->
          throw new IllegalArgumentException(
              "model configuration: \"" + KIND + "\" is " + kind + ", which is no model here");
    };
  }

  /**
   * Returns the model that {@link #configuration()} described, with the weights that its {@link
   * #parameters()} wrote; the caller closes it.
   *
   * @throws IllegalArgumentException if there is no such kind of model, or an entry is missing or
   *     cannot be
   * @throws IOException if the weights cannot be read, or are not the model's
   */
  static Model of(Device device, Map<String, Object> configuration, SafeTensors weights)
      throws IOException {
    Model model = of(device, configuration);
    try {
      model.parameters().load(weights);
      return model;
    } catch (IOException | RuntimeException | Error e) {
      try (model) {
        throw e;
      }
    }
  }

  /**
   * Returns the model that a checkpoint was written of, with its weights; the caller closes it.
   *
   * @throws IOException if the weights cannot be read, or the checkpoint is of no model here
   */
  static Model of(Device device, Checkpoint checkpoint) throws IOException {
    try (SafeTensors weights = checkpoint.weights()) {
      return of(device, checkpoint.modelConfiguration(), weights);
    } catch (IllegalArgumentException e) {
      throw new IOException(checkpoint.folder() + ": " + e.getMessage(), e);
    }
  }
}
