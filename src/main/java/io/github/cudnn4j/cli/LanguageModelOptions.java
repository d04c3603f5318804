package io.github.cudnn4j.cli;

import io.github.cudnn4j.cudnn.CellClip;
import io.github.cudnn4j.model.LanguageModelConfig;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What only a language model has. */
final class LanguageModelOptions {

  private static final int DEFAULT_VOCABULARY = 20_000;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--units",
      converter = UnitsOption.UnitsName.class,
      defaultValue = "characters",
      paramLabel = "characters|bytes|words",
      description = "What the model reads and writes one by one. Default: ${DEFAULT-VALUE}")
  private Units units;

  @Option(
      names = "--vocabulary",
      converter = Limits.PositiveCount.class,
      paramLabel = "V",
      description =
          "How many words it knows, the most frequent ones. Default: " + DEFAULT_VOCABULARY)
  private @Nullable Integer vocabulary;

  @Option(
      names = "--tie",
      description =
          "The learned vectors are the weights of the output layer too, and as wide as its input.")
  private boolean tied;

  @Option(names = "--one-hot", description = "Feed characters one-hot, without learned vectors.")
  private boolean oneHot;

  @Option(
      names = "--skip-input",
      description = "No input matrix in the first layer; needs an embedding of width H.")
  private boolean skipInput;

  @Option(
      names = "--forget-bias",
      converter = Limits.Finite.class,
      paramLabel = "B",
      description = "First bias of an LSTM's forget gates. Default: drawn as the other biases")
  private @Nullable Double forgetBias;

  /**
   * Returns the shape.
   *
   * @param classes V, what one-hot symbols are as wide as
   * @throws ParameterException if there is no such model
   */
  LanguageModelConfig config(NetworkOptions network, int classes, long seed) {
    if (network.isBidirectional()) {
      throw refused(
          "--bidirectional: a language model predicts the next character from those before it; a"
              + " backward direction would have read the very character it is to predict");
    }
    if (oneHot && network.hasEmbeddingSize()) {
      throw refused("--one-hot and --embedding exclude each other");
    }
    network.check();
    network.requireLstm("--forget-bias", forgetBias);
    if (vocabulary != null && units != Units.WORDS) {
      throw refused("--vocabulary: all " + units.many() + " are known, only words are chosen");
    }
    boolean asWide = tied && !network.hasEmbeddingSize();
    int width = oneHot ? 0 : asWide ? network.projectionSize() : network.embeddingSize();
    if (tied && width != network.projectionSize()) {
      throw refused(
          "--tie needs vectors as wide as the output, "
              + network.projectionSize()
              + ", not "
              + (oneHot ? "--one-hot" : "--embedding " + width));
    }
    if (skipInput && width != network.hiddenSize()) {
      throw refused(
          "--skip-input needs --embedding "
              + network.hiddenSize()
              + " as --hidden, not "
              + (oneHot ? "--one-hot" : "--embedding " + width));
    }
    RnnConfig layers = network.config(oneHot ? classes : width, seed);
    return LanguageModelConfig.of(skipInput ? layers.skipInput() : layers)
        .oneHot(oneHot)
        .tied(tied)
        .forgetBias(forgetBias)
        .seed(seed);
  }

  Units units() {
    return units;
  }

  /** Returns how many symbols are known at most. */
  int vocabulary() {
    return vocabulary == null ? DEFAULT_VOCABULARY : vocabulary;
  }

  /** The inverse: what the options of a model are, with an empty text for one that is not given. */
  static Map<String, String> options(LanguageModelConfig config) {
    Map<String, String> options = new LinkedHashMap<>();
    RnnConfig network = config.network();
    options.put("--cell", Limits.typed(network.mode()));
    options.put("--hidden", Integer.toString(network.hiddenSize()));
    options.put("--layers", Integer.toString(network.layers()));
    options.put("--embedding", config.oneHot() ? "" : Integer.toString(network.inputSize()));
    options.put("--tie", Boolean.toString(config.tied()));
    options.put("--one-hot", Boolean.toString(config.oneHot()));
    options.put("--dropout", Double.toString(network.dropout()));
    options.put(
        "--projection", network.projects() ? Integer.toString(network.projectionSize()) : "");
    options.put("--skip-input", Boolean.toString(network.inputSkipped()));
    CellClip clip = network.clip();
    options.put("--cell-clip", clip == null ? "" : Double.toString(clip.high()));
    options.put("--forget-bias", Objects.toString(config.forgetBias(), ""));
    options.put("--seed", Long.toString(config.seed()));
    options.put("--precision", Limits.typed(network.precision()));
    options.put("--algorithm", Limits.typed(NetworkOptions.Algorithm.of(network.algorithm())));
    return options;
  }

  private ParameterException refused(String message) {
    return new ParameterException(command.commandLine(), message);
  }
}
