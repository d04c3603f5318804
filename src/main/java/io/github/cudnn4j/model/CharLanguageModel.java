package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnInitializer;
import io.github.cudnn4j.rnn.RnnParameter;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.train.Model;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Predicts the next character of a text: characters as one-hot or learned vectors, a stack of
 * recurrent layers, and a linear layer to one logit for each character.
 *
 * <pre>
 *   tokens [T, B] → one-hot or embedding [T, B, E] → RNN [T, B, P] → linear [T, B, V]
 * </pre>
 *
 * <p>P is H without a projection. Owns its parameters in device memory. Belongs to the thread that
 * owns the device. Parameters carry PyTorch's names: {@code embedding.weight}, {@code
 * rnn.weight_ih_l0}, {@code linear.weight}, {@code linear.bias}.
 */
public final class CharLanguageModel implements Model, AutoCloseable {

  private final Device device;
  private final Vocabulary vocabulary;
  private final CharModelConfig config;
  private final Parameters parameters;
  private final Rnn rnn;

  private CharLanguageModel(
      Device device,
      Vocabulary vocabulary,
      CharModelConfig config,
      Parameters parameters,
      Rnn rnn) {
    this.device = device;
    this.vocabulary = vocabulary;
    this.config = config;
    this.parameters = parameters;
    this.rnn = rnn;
  }

  /** Returns a model with initial weights drawn from the configuration's seed, as PyTorch draws. */
  public static CharLanguageModel create(
      Device device, Vocabulary vocabulary, CharModelConfig config) {
    boolean oneHot = config.embeddingSize() == 0;
    int classes = vocabulary.size();
    RnnConfig rnnConfig = config.recurrent(classes);
    Parameters.Builder builder = Parameters.builder(device, config.precision().type());
    if (!oneHot) {
      builder.add("embedding.weight", classes, config.embeddingSize());
    }
    Parts parts = new Parts();
    try {
      Parameters parameters =
          parts.add(
              builder
                  .addRegion("rnn", Rnn.weightElements(device, rnnConfig))
                  .add("linear.weight", classes, rnnConfig.outputSize())
                  .add("linear.bias", classes)
                  .build());
      Rnn rnn =
          parts.add(
              Rnn.create(
                  device, rnnConfig, parameters.weights("rnn"), parameters.gradients("rnn")));
      parameters.attach("rnn", rnn);
      CharLanguageModel model = new CharLanguageModel(device, vocabulary, config, parameters, rnn);
      model.initialize();
      return model;
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  /**
   * Returns a model of the shape that {@link #configuration()} described, with initial weights.
   *
   * @throws IllegalArgumentException if an entry is missing or has the wrong type
   */
  public static CharLanguageModel of(Device device, Map<String, Object> configuration) {
    return create(device, vocabulary(configuration), CharModelConfig.ofMap(configuration));
  }

  /**
   * Returns the characters of the model that {@link #configuration()} described.
   *
   * @throws IllegalArgumentException if they are missing or are no characters
   */
  public static Vocabulary vocabulary(Map<String, Object> configuration) {
    List<String> characters =
        ((List<?>) CharModelConfig.entry(configuration, "characters", List.class))
            .stream().map(String::valueOf).toList();
    return Vocabulary.ofCharacters(characters);
  }

  private void initialize() {
    double bound = 1 / Math.sqrt(config.hiddenSize());
    SavableRandom random = new SavableRandom(config.seed());
    initializeRecurrent(random.nextLong());
    if (config.embeddingSize() > 0) {
      parameters.normal("embedding.weight", 1, random);
    }
    parameters.uniform("linear.weight", bound, random);
    parameters.uniform("linear.bias", bound, random);
  }

  /**
   * Draws into a network of its own, so that the masters of weights of 16 bits get what FP32 would
   * get, and not what is left of it.
   */
  private void initializeRecurrent(long seed) {
    Precision wide = config.precision() == Precision.FP64 ? Precision.FP64 : Precision.FP32;
    RnnConfig like = rnn.config().algorithm(RnnAlgorithm.STANDARD).precision(wide).dropout(0, 0);
    try (Rnn drawn = Rnn.create(device, like)) {
      drawn.initialize(seed);
      Double forgetBias = config.forgetBias();
      if (forgetBias != null) {
        RnnInitializer.forgetBias(drawn, forgetBias);
      }
      for (RnnParameter parameter : drawn.weights().parameters()) {
        double[] values = new double[Math.toIntExact(parameter.elements())];
        parameter.copyTo(values);
        parameters.write("rnn." + parameter.name(), values);
      }
    }
  }

  /** Returns the characters that this model predicts. */
  public Vocabulary vocabulary() {
    return vocabulary;
  }

  /** Returns the shape that this model was made with. */
  public CharModelConfig config() {
    return config;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public Precision precision() {
    return config.precision();
  }

  @Override
  public Parameters parameters() {
    return parameters;
  }

  @Override
  public Tensor logits(Tape tape, Indices tokens) {
    Tensor x =
        config.embeddingSize() == 0
            ? tape.oneHot(tokens, vocabulary.size())
            : tape.embedding(tokens, parameters.tensor("embedding.weight"));
    Tensor h = tape.carried(rnn, x);
    if (config.dropout() > 0) {
      h = tape.dropout(h, config.dropout(), config.seed() + 1);
    }
    return tape.linear(h, parameters.tensor("linear.weight"), parameters.tensor("linear.bias"));
  }

  @Override
  public Map<String, Object> configuration() {
    Map<String, Object> map = new LinkedHashMap<>(config.toMap());
    map.put("characters", vocabulary.characters());
    return map;
  }

  /** Frees the parameters. Safe to call twice. */
  @Override
  public void close() {
    try (parameters) {
      rnn.close();
    }
  }
}
