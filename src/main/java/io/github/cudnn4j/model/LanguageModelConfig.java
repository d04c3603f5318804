package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a language model.
 *
 * @param network the recurrent layers, in one direction; their input size is E, the width of each
 *     symbol's vector, and their dropout is before the output layer too
 * @param oneHot whether symbols are fed one-hot, which needs E = V, and not as learned vectors
 * @param tied whether the learned vectors are the weights of the output layer too, which needs E =
 *     P
 * @param forgetBias what an LSTM's forget gates have as bias at first, null to draw it as the
 *     others
 * @param seed of the initial weights
 */
public record LanguageModelConfig(
    RnnConfig network, boolean oneHot, boolean tied, @Nullable Double forgetBias, long seed) {

  /**
   * Checks what belongs together.
   *
   * @throws IllegalArgumentException if it is not as described
   */
  public LanguageModelConfig {
    if (network.directions() != 1) {
      throw new IllegalArgumentException(
          "a backward direction would have read the symbol that is to be predicted");
    }
    if (tied && oneHot) {
      throw new IllegalArgumentException("symbols that are fed one-hot have no vectors to be tied");
    }
    if (tied && network.inputSize() != network.outputSize()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "tied vectors are as wide as the network's output, %d, but its inputSize is %d",
              network.outputSize(),
              network.inputSize()));
    }
    if (forgetBias != null && (network.mode() != RnnMode.LSTM || !Double.isFinite(forgetBias))) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "forgetBias is %s for a cell of kind %s, must be finite, and the cell an LSTM",
              forgetBias,
              network.mode()));
    }
  }

  /** Symbols as learned vectors of their own, weights drawn from seed 0. */
  public static LanguageModelConfig of(RnnConfig network) {
    return new LanguageModelConfig(network, false, false, null, 0);
  }

  /** This with other recurrent layers. */
  public LanguageModelConfig network(RnnConfig value) {
    return new LanguageModelConfig(value, oneHot, tied, forgetBias, seed);
  }

  /** This with symbols one-hot or as learned vectors. */
  public LanguageModelConfig oneHot(boolean value) {
    return new LanguageModelConfig(network, value, tied, forgetBias, seed);
  }

  /** This with or without vectors that are the weights of the output layer too. */
  public LanguageModelConfig tied(boolean value) {
    return new LanguageModelConfig(network, oneHot, value, forgetBias, seed);
  }

  /** This LSTM with another first bias of its forget gates. */
  public LanguageModelConfig forgetBias(@Nullable Double value) {
    return new LanguageModelConfig(network, oneHot, tied, value, seed);
  }

  /** This with another seed. */
  public LanguageModelConfig seed(long value) {
    return new LanguageModelConfig(network, oneHot, tied, forgetBias, value);
  }

  /** Returns the components as values that JSON can hold. */
  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("network", Entries.of(network));
    map.put("oneHot", oneHot);
    map.put("tied", tied);
    if (forgetBias != null) {
      map.put("forgetBias", forgetBias);
    }
    map.put("seed", seed);
    return map;
  }

  /**
   * Returns the shape that a {@linkplain LanguageModel#configuration model's configuration} tells.
   *
   * @throws IllegalArgumentException if an entry is absent or cannot be; the message names it
   */
  public static LanguageModelConfig ofMap(Map<String, Object> map) {
    boolean nested = map.containsKey("network");
    return new LanguageModelConfig(
        nested ? Entries.network(map, "network") : flat(map),
        nested
            ? Entries.entry(map, "oneHot", Boolean.class)
            : Entries.whole(map, "embeddingSize") == 0,
        map.containsKey("tied") && Entries.entry(map, "tied", Boolean.class),
        map.containsKey("forgetBias") ? Entries.decimal(map, "forgetBias") : null,
        Entries.number(map, "seed"));
  }

  /** Reads what checkpoints had before they held the network as others do. */
  private static RnnConfig flat(Map<String, Object> map) {
    int width = Entries.whole(map, "embeddingSize");
    RnnConfig network =
        RnnConfig.of(
                Entries.constant(map, "cell", RnnMode.class),
                width == 0 ? Vocabulary.ofMap(map).size() : width,
                Entries.whole(map, "hiddenSize"))
            .layers(Entries.whole(map, "layers"))
            .projection(Entries.whole(map, "projectionSize"))
            .dropout(Entries.decimal(map, "dropout"), Entries.number(map, "seed"))
            .precision(Entries.constant(map, "precision", Precision.class));
    if (Entries.entry(map, "inputSkipped", Boolean.class)) {
      network = network.skipInput();
    }
    if (map.containsKey("cellClip")) {
      double clip = Entries.decimal(map, "cellClip");
      network = network.clip(-clip, clip);
    }
    RnnAlgorithm algorithm = Entries.algorithm(map);
    return algorithm == null ? network.autoAlgorithm() : network.algorithm(algorithm);
  }
}
