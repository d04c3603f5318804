package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a language model, and how it computes.
 *
 * @param cell the recurrent cell
 * @param hiddenSize H, units in each layer
 * @param projectionSize P, from 1 to H: what an LSTM projects its output to; H for no projection
 * @param layers L
 * @param embeddingSize E, width of the learned vector of each symbol, or 0 to feed symbols one-hot
 * @param tied whether the vectors are the weights of the output layer too, which needs E = P
 * @param inputSkipped whether the first layer receives the vectors without a matrix, which needs E
 *     = H
 * @param cellClip the bound of the absolute value of an LSTM's cell state, null for none
 * @param dropout probability of zeroing an element between layers and before the output layer, in
 *     [0, 1)
 * @param forgetBias what an LSTM's forget gates have as bias at first, null to draw it as the
 *     others
 * @param seed of the initial weights and of dropout
 * @param precision of weights, activations and products
 * @param algorithm how cuDNN runs the recurrent layers, null for the fastest, measured
 */
public record LanguageModelConfig(
    RnnMode cell,
    int hiddenSize,
    int projectionSize,
    int layers,
    int embeddingSize,
    boolean tied,
    boolean inputSkipped,
    @Nullable Double cellClip,
    double dropout,
    @Nullable Double forgetBias,
    long seed,
    Precision precision,
    @Nullable RnnAlgorithm algorithm) {

  /**
   * Checks the values that are not the recurrent layers' own; {@link #recurrent} checks those.
   *
   * @throws IllegalArgumentException if one is not as described
   */
  public LanguageModelConfig {
    positive("hiddenSize", hiddenSize);
    positive("layers", layers);
    if (embeddingSize < 0) {
      throw new IllegalArgumentException(
          "embeddingSize is " + embeddingSize + ", must be 0 (one-hot) or more");
    }
    if (tied && embeddingSize != projectionSize) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "tied vectors are as wide as the network's output, %d, but embeddingSize is %d",
              projectionSize,
              embeddingSize));
    }
    if (inputSkipped && embeddingSize != hiddenSize) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "skipping the input matrix needs symbols as vectors of hiddenSize, %d, but"
                  + " embeddingSize is %d",
              hiddenSize,
              embeddingSize));
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout is " + dropout + ", must be in [0, 1)");
    }
    if (cellClip != null && !(cellClip > 0)) {
      throw new IllegalArgumentException("cellClip is " + cellClip + ", must be positive");
    }
    if (forgetBias != null && (cell != RnnMode.LSTM || !Double.isFinite(forgetBias))) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "forgetBias is %s for a cell of kind %s, must be finite, and the cell an LSTM",
              forgetBias,
              cell));
    }
  }

  private static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", must be at least 1");
    }
  }

  /**
   * One layer that reads one-hot symbols, without projection, clipping or dropout, with seed 0, in
   * FP32 with the standard algorithm.
   */
  public static LanguageModelConfig of(RnnMode cell, int hiddenSize) {
    return new LanguageModelConfig(
        cell,
        hiddenSize,
        hiddenSize,
        1,
        0,
        false,
        false,
        null,
        0,
        null,
        0,
        Precision.FP32,
        RnnAlgorithm.STANDARD);
  }

  /** This LSTM with outputs projected to {@code value} numbers. */
  public LanguageModelConfig projection(int value) {
    return with(draft -> draft.projectionSize = value);
  }

  /** This with another number of layers. */
  public LanguageModelConfig layers(int value) {
    return with(draft -> draft.layers = value);
  }

  /** This with symbols as learned vectors of {@code value} numbers, 0 for one-hot. */
  public LanguageModelConfig embedding(int value) {
    return with(draft -> draft.embeddingSize = value);
  }

  /** This with or without vectors that are the weights of the output layer too. */
  public LanguageModelConfig tied(boolean value) {
    return with(draft -> draft.tied = value);
  }

  /** This with or without an input matrix in the first layer. */
  public LanguageModelConfig skipInput(boolean value) {
    return with(draft -> draft.inputSkipped = value);
  }

  /** This LSTM with another bound of its cell state. */
  public LanguageModelConfig cellClip(@Nullable Double value) {
    return with(draft -> draft.cellClip = value);
  }

  /** This with another probability of dropout. */
  public LanguageModelConfig dropout(double value) {
    return with(draft -> draft.dropout = value);
  }

  /** This LSTM with another first bias of its forget gates. */
  public LanguageModelConfig forgetBias(@Nullable Double value) {
    return with(draft -> draft.forgetBias = value);
  }

  /** This with another seed. */
  public LanguageModelConfig seed(long value) {
    return with(draft -> draft.seed = value);
  }

  /** This computing in another precision. */
  public LanguageModelConfig precision(Precision value) {
    return with(draft -> draft.precision = value);
  }

  /** This run by another algorithm, null for the fastest. */
  public LanguageModelConfig algorithm(@Nullable RnnAlgorithm value) {
    return with(draft -> draft.algorithm = value);
  }

  /**
   * Returns the recurrent layers.
   *
   * @param classes V, what one-hot symbols are as wide as
   * @throws IllegalArgumentException if there are no such layers; the message says why
   */
  public RnnConfig recurrent(int classes) {
    RnnConfig config =
        RnnConfig.of(cell, embeddingSize == 0 ? classes : embeddingSize, hiddenSize)
            .layers(layers)
            .projection(projectionSize)
            .dropout(dropout, seed)
            .precision(precision);
    config = inputSkipped ? config.skipInput() : config;
    config = cellClip != null ? config.clip(-cellClip, cellClip) : config;
    return algorithm == null ? config.autoAlgorithm() : config.algorithm(algorithm);
  }

  /** Returns the components as values that JSON can hold. */
  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("cell", Entries.name(cell));
    map.put("hiddenSize", hiddenSize);
    map.put("projectionSize", projectionSize);
    map.put("layers", layers);
    map.put("embeddingSize", embeddingSize);
    if (tied) {
      map.put("tied", true);
    }
    map.put("inputSkipped", inputSkipped);
    if (cellClip != null) {
      map.put("cellClip", cellClip);
    }
    map.put("dropout", dropout);
    if (forgetBias != null) {
      map.put("forgetBias", forgetBias);
    }
    map.put("seed", seed);
    map.put("precision", Entries.name(precision));
    map.put("algorithm", Entries.name(algorithm));
    return map;
  }

  /**
   * Returns the shape that a {@linkplain LanguageModel#configuration model's configuration} tells.
   *
   * @throws IllegalArgumentException if an entry is absent or cannot be; the message names it
   */
  public static LanguageModelConfig ofMap(Map<String, Object> map) {
    return new LanguageModelConfig(
        Entries.constant(map, "cell", RnnMode.class),
        Entries.whole(map, "hiddenSize"),
        Entries.whole(map, "projectionSize"),
        Entries.whole(map, "layers"),
        Entries.whole(map, "embeddingSize"),
        map.containsKey("tied") && Entries.entry(map, "tied", Boolean.class),
        Entries.entry(map, "inputSkipped", Boolean.class),
        map.containsKey("cellClip") ? Entries.decimal(map, "cellClip") : null,
        Entries.decimal(map, "dropout"),
        map.containsKey("forgetBias") ? Entries.decimal(map, "forgetBias") : null,
        Entries.number(map, "seed"),
        Entries.constant(map, "precision", Precision.class),
        Entries.algorithm(map));
  }

  private LanguageModelConfig with(Consumer<Draft> change) {
    Draft draft = new Draft(this);
    change.accept(draft);
    return new LanguageModelConfig(
        cell,
        hiddenSize,
        draft.projectionSize,
        draft.layers,
        draft.embeddingSize,
        draft.tied,
        draft.inputSkipped,
        draft.cellClip,
        draft.dropout,
        draft.forgetBias,
        draft.seed,
        draft.precision,
        draft.algorithm);
  }

  /** What can be changed, on its way from one configuration to the next. */
  private static final class Draft {
    int projectionSize;
    int layers;
    int embeddingSize;
    boolean tied;
    boolean inputSkipped;
    @Nullable Double cellClip;
    double dropout;
    @Nullable Double forgetBias;
    long seed;
    Precision precision;
    @Nullable RnnAlgorithm algorithm;

    Draft(LanguageModelConfig from) {
      projectionSize = from.projectionSize;
      layers = from.layers;
      embeddingSize = from.embeddingSize;
      tied = from.tied;
      inputSkipped = from.inputSkipped;
      cellClip = from.cellClip;
      dropout = from.dropout;
      forgetBias = from.forgetBias;
      seed = from.seed;
      precision = from.precision;
      algorithm = from.algorithm;
    }
  }
}
