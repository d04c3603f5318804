package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.model.CharModelConfig;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The shape of the model. */
final class ModelOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--cell",
      defaultValue = "lstm",
      paramLabel = "lstm|gru|tanh|relu",
      description = "The recurrent cell. Default: ${DEFAULT-VALUE}")
  private RnnMode cell;

  @Option(
      names = "--hidden",
      defaultValue = "256",
      paramLabel = "H",
      description = "Units in each layer. Default: ${DEFAULT-VALUE}")
  private int hidden;

  @Option(
      names = "--layers",
      defaultValue = "1",
      paramLabel = "L",
      description = "Recurrent layers. Default: ${DEFAULT-VALUE}")
  private int layers;

  @Option(names = "--bidirectional", description = "Refused for a language model, with the reason.")
  private boolean bidirectional;

  @ArgGroup private Input input = new Input();

  /** Characters as learned vectors, or one-hot. */
  static final class Input {

    private static final int DEFAULT_EMBEDDING = 64;

    @Option(
        names = "--embedding",
        paramLabel = "E",
        description = "Width of each character's learned vector. Default: " + DEFAULT_EMBEDDING)
    private int embedding = DEFAULT_EMBEDDING;

    @Option(names = "--one-hot", description = "Feed characters one-hot, without learned vectors.")
    private boolean oneHot;
  }

  @Option(
      names = "--dropout",
      defaultValue = "0",
      paramLabel = "P",
      description =
          "Probability of dropping an element between layers and before the output. Default:"
              + " ${DEFAULT-VALUE}")
  private double dropout;

  @Option(
      names = "--projection",
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
      paramLabel = "LIMIT",
      description = "Keep an LSTM's cell state in [-LIMIT, LIMIT].")
  private @Nullable Double cellClip;

  @Option(
      names = "--forget-bias",
      paramLabel = "B",
      description = "First bias of an LSTM's forget gates. Default: drawn as the other biases")
  private @Nullable Double forgetBias;

  @Option(
      names = "--precision",
      defaultValue = "fp32",
      paramLabel = "fp32|tf32|fp16|bf16|fp64",
      description =
          "How to compute; fp16 and bf16 train weights in FP32, fp16 scales the loss. Default:"
              + " ${DEFAULT-VALUE}")
  private Precision precision;

  @Option(
      names = "--algorithm",
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

    /** The name as it is typed. */
    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  CharModelConfig config(long seed) {
    if (bidirectional) {
      throw new ParameterException(
          command.commandLine(),
          "--bidirectional: a language model predicts the next character from those before it; a"
              + " backward direction would have read the very character it is to predict");
    }
    if (!input.oneHot && input.embedding < 1) {
      throw new ParameterException(
          command.commandLine(),
          "--embedding is " + input.embedding + ", must be at least 1 (or use --one-hot)");
    }
    CharModelConfig config =
        CharModelConfig.of(cell, hidden)
            .layers(layers)
            .embedding(input.oneHot ? 0 : input.embedding)
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
}
