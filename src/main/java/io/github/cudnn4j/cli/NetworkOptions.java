package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The recurrent layers of a model, what they read, and how they compute. */
final class NetworkOptions {

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

  @Option(
      names = "--bidirectional",
      description = "Read in both directions; refused for a language model, with the reason.")
  private boolean bidirectional;

  @Option(
      names = "--embedding",
      converter = Limits.PositiveCount.class,
      paramLabel = "E",
      description =
          "Width of each symbol's learned vector; refused for a recogniser, which reads none."
              + " Default: "
              + DEFAULT_EMBEDDING)
  private @Nullable Integer embedding;

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
      names = "--cell-clip",
      converter = Limits.Positive.class,
      paramLabel = "LIMIT",
      description = "Keep an LSTM's cell state in [-LIMIT, LIMIT].")
  private @Nullable Double cellClip;

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
   * Returns the layers, whose input is the embedding.
   *
   * @param seed of the dropout
   * @throws ParameterException if there are no such layers
   */
  RnnConfig config(long seed) {
    return config(embeddingSize(), seed);
  }

  /**
   * Returns the layers.
   *
   * @param inputSize the elements of what they read
   * @param seed of the dropout
   * @throws ParameterException if there are no such layers
   */
  RnnConfig config(int inputSize, long seed) {
    check();
    RnnConfig config =
        RnnConfig.of(cell, inputSize, hidden)
            .layers(layers)
            .projection(projectionSize())
            .precision(precision)
            .dropout(dropout, seed);
    config = bidirectional ? config.bidirectional() : config;
    config = cellClip != null ? config.clip(-cellClip, cellClip) : config;
    return algorithm.value == null ? config.autoAlgorithm() : config.algorithm(algorithm.value);
  }

  /**
   * Refuses what no network has.
   *
   * @throws ParameterException naming the option
   */
  void check() {
    if (projection != null && projection > hidden) {
      throw refused("--projection is " + projection + ", must be from 1 to " + hidden);
    }
    requireLstm("--projection", projection);
    requireLstm("--cell-clip", cellClip);
  }

  /** Refuses an option that was given unless the cell is an LSTM. */
  void requireLstm(String option, @Nullable Object value) {
    if (value != null && cell != RnnMode.LSTM) {
      throw refused(option + ": only an LSTM has it, not --cell " + Limits.typed(cell));
    }
  }

  private ParameterException refused(String message) {
    return new ParameterException(command.commandLine(), message);
  }

  /** Returns layers in a few words. */
  static String describe(RnnConfig config) {
    return String.format(
        Locale.ROOT,
        "%s, %d layer%s of %d units%s%s",
        Limits.typed(config.mode()),
        config.layers(),
        config.layers() == 1 ? "" : "s",
        config.hiddenSize(),
        config.projects() ? " projected to " + config.projectionSize() : "",
        config.directions() == 2 ? " in both directions" : "");
  }

  int hiddenSize() {
    return hidden;
  }

  boolean isBidirectional() {
    return bidirectional;
  }

  boolean hasEmbeddingSize() {
    return embedding != null;
  }

  int embeddingSize() {
    return embedding == null ? DEFAULT_EMBEDDING : embedding;
  }

  int projectionSize() {
    return projection == null ? hidden : projection;
  }
}
