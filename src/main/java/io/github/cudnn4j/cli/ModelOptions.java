package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.model.LanguageModelConfig;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The shape of the model. */
final class ModelOptions {

  private static final int DEFAULT_EMBEDDING = 64;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--cell",
      converter = CellName.class,
      defaultValue = "lstm",
      paramLabel = "lstm|gru|tanh|relu",
      description = "The recurrent cell. Default: ${DEFAULT-VALUE}")
  private RnnMode cell;

  @Option(
      names = "--hidden",
      converter = Limits.PositiveCount.class,
      defaultValue = "256",
      paramLabel = "H",
      description = "Units in each layer. Default: ${DEFAULT-VALUE}")
  private int hidden;

  @Option(
      names = "--layers",
      converter = Limits.PositiveCount.class,
      defaultValue = "1",
      paramLabel = "L",
      description = "Recurrent layers. Default: ${DEFAULT-VALUE}")
  private int layers;

  @Option(names = "--bidirectional", description = "Refused for a language model, with the reason.")
  private boolean bidirectional;

  @Option(
      names = "--embedding",
      converter = Limits.PositiveCount.class,
      paramLabel = "E",
      description = "Width of each character's learned vector. Default: " + DEFAULT_EMBEDDING)
  private @Nullable Integer embedding;

  @Option(names = "--one-hot", description = "Feed characters one-hot, without learned vectors.")
  private boolean oneHot;

  @Option(
      names = "--dropout",
      converter = Limits.Fraction.class,
      defaultValue = "0",
      paramLabel = "P",
      description =
          "Probability of dropping an element between layers and before the output. Default:"
              + " ${DEFAULT-VALUE}")
  private double dropout;

  @Option(
      names = "--projection",
      converter = Limits.PositiveCount.class,
      paramLabel = "P",
      description =
          "Numbers that an LSTM projects its output to, at most H. Default: no projection")
  private @Nullable Integer projection;

  @Option(
      names = "--skip-input",
      description = "No input matrix in the first layer; needs an embedding of width H.")
  private boolean skipInput;

  @Option(
      names = "--cell-clip",
      converter = Limits.Positive.class,
      paramLabel = "LIMIT",
      description = "Keep an LSTM's cell state in [-LIMIT, LIMIT].")
  private @Nullable Double cellClip;

  @Option(
      names = "--forget-bias",
      converter = Limits.Finite.class,
      paramLabel = "B",
      description = "First bias of an LSTM's forget gates. Default: drawn as the other biases")
  private @Nullable Double forgetBias;

  @Option(
      names = "--precision",
      converter = PrecisionName.class,
      defaultValue = "fp32",
      paramLabel = "fp32|tf32|fp16|bf16|fp16-math|fp64",
      description =
          "How to compute; fp16 and bf16 train weights in FP32, fp16 scales the loss, fp16-math"
              + " also computes in FP16. Default: ${DEFAULT-VALUE}")
  private Precision precision;

  @Option(
      names = "--algorithm",
      converter = AlgorithmName.class,
      defaultValue = "standard",
      paramLabel = "standard|persist-static|persist-dynamic|small-h|auto",
      description =
          "How cuDNN runs the recurrent layers; auto: the fastest, measured. Default:"
              + " ${DEFAULT-VALUE}")
  private Algorithm algorithm;

  /** An algorithm by its name here. */
  enum Algorithm {
    STANDARD(RnnAlgorithm.STANDARD),
    PERSIST_STATIC(RnnAlgorithm.PERSIST_STATIC),
    PERSIST_DYNAMIC(RnnAlgorithm.PERSIST_DYNAMIC),
    SMALL_H(RnnAlgorithm.PERSIST_STATIC_SMALL_H),
    AUTO(null);

    private final @Nullable RnnAlgorithm value;

    Algorithm(@Nullable RnnAlgorithm value) {
      this.value = value;
    }

    /** The constant of an algorithm, null for the fastest. */
    static Algorithm of(@Nullable RnnAlgorithm value) {
      return Arrays.stream(values()).filter(a -> a.value == value).findFirst().orElseThrow();
    }
  }

  static final class CellName extends Limits.Choice<RnnMode> {
    CellName() {
      super(RnnMode.class);
    }
  }

  static final class PrecisionName extends Limits.Choice<Precision> {
    PrecisionName() {
      super(Precision.class);
    }
  }

  static final class AlgorithmName extends Limits.Choice<Algorithm> {
    AlgorithmName() {
      super(Algorithm.class);
    }
  }

  /**
   * Returns the shape.
   *
   * @throws ParameterException if there is no such model
   */
  LanguageModelConfig config(long seed) {
    if (bidirectional) {
      throw refused(
          "--bidirectional: a language model predicts the next character from those before it; a"
              + " backward direction would have read the very character it is to predict");
    }
    if (oneHot && embedding != null) {
      throw refused("--one-hot and --embedding exclude each other");
    }
    int width = oneHot ? 0 : embedding == null ? DEFAULT_EMBEDDING : embedding;
    if (projection != null && projection > hidden) {
      throw refused("--projection is " + projection + ", must be from 1 to " + hidden);
    }
    if (skipInput && width != hidden) {
      throw refused(
          "--skip-input needs --embedding "
              + hidden
              + " as --hidden, not "
              + (oneHot ? "--one-hot" : "--embedding " + width));
    }
    requireLstm("--projection", projection);
    requireLstm("--cell-clip", cellClip);
    requireLstm("--forget-bias", forgetBias);
    LanguageModelConfig config =
        LanguageModelConfig.of(cell, hidden)
            .layers(layers)
            .embedding(width)
            .projection(projection == null ? hidden : projection)
            .skipInput(skipInput)
            .cellClip(cellClip)
            .dropout(dropout)
            .forgetBias(forgetBias)
            .seed(seed)
            .precision(precision)
            .algorithm(algorithm.value);
    config.recurrent(1); // refuses what cannot be before anything is opened
    return config;
  }

  /** The inverse: what the options of a model are, with an empty text for one that is not given. */
  static Map<String, String> options(LanguageModelConfig config) {
    Map<String, String> options = new LinkedHashMap<>();
    options.put("--cell", Limits.typed(config.cell()));
    options.put("--hidden", Integer.toString(config.hiddenSize()));
    options.put("--layers", Integer.toString(config.layers()));
    int width = config.embeddingSize();
    options.put("--embedding", width == 0 ? "" : Integer.toString(width));
    options.put("--one-hot", Boolean.toString(width == 0));
    options.put("--dropout", Double.toString(config.dropout()));
    int projection = config.projectionSize();
    options.put(
        "--projection", projection == config.hiddenSize() ? "" : Integer.toString(projection));
    options.put("--skip-input", Boolean.toString(config.inputSkipped()));
    options.put("--cell-clip", Objects.toString(config.cellClip(), ""));
    options.put("--forget-bias", Objects.toString(config.forgetBias(), ""));
    options.put("--seed", Long.toString(config.seed()));
    options.put("--precision", Limits.typed(config.precision()));
    options.put("--algorithm", Limits.typed(Algorithm.of(config.algorithm())));
    return options;
  }

  private void requireLstm(String option, @Nullable Object value) {
    if (value != null && cell != RnnMode.LSTM) {
      throw refused(option + ": only an LSTM has it, not --cell " + Limits.typed(cell));
    }
  }

  private ParameterException refused(String message) {
    return new ParameterException(command.commandLine(), message);
  }
}
