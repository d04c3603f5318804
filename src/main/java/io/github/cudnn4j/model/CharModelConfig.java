package io.github.cudnn4j.model;

import io.github.cudnn4j.cudnn.RnnMode;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * The shape of a character language model.
 *
 * @param cell the recurrent cell
 * @param hiddenSize H, units in each layer
 * @param layers L
 * @param embeddingSize width of the learned vector of each character, or 0 to feed characters
 *     one-hot
 * @param dropout probability of zeroing an element between layers and before the output layer, in
 *     [0, 1)
 * @param seed of the initial weights and of dropout
 */
public record CharModelConfig(
    RnnMode cell, int hiddenSize, int layers, int embeddingSize, double dropout, long seed) {

  /** Checks the ranges; see the parameters' descriptions. */
  public CharModelConfig {
    positive("hiddenSize", hiddenSize);
    positive("layers", layers);
    if (embeddingSize < 0) {
      throw new IllegalArgumentException(
          "embeddingSize is " + embeddingSize + ", must be 0 (one-hot) or more");
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout is " + dropout + ", must be in [0, 1)");
    }
  }

  private static void positive(String name, int value) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " is " + value + ", must be at least 1");
    }
  }

  /** Returns the components as values that JSON can hold. */
  Map<String, Object> toMap() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("cell", cell.name().toLowerCase(Locale.ROOT));
    map.put("hiddenSize", hiddenSize);
    map.put("layers", layers);
    map.put("embeddingSize", embeddingSize);
    map.put("dropout", dropout);
    map.put("seed", seed);
    return map;
  }

  /** The inverse of {@link #toMap}; an absent or mistyped entry is an IllegalArgumentException. */
  static CharModelConfig ofMap(Map<String, Object> map) {
    return new CharModelConfig(
        RnnMode.valueOf(entry(map, "cell", String.class).toUpperCase(Locale.ROOT)),
        entry(map, "hiddenSize", Number.class).intValue(),
        entry(map, "layers", Number.class).intValue(),
        entry(map, "embeddingSize", Number.class).intValue(),
        entry(map, "dropout", Number.class).doubleValue(),
        entry(map, "seed", Number.class).longValue());
  }

  /** Returns {@code map}'s entry {@code name} if it has the type, else says what is wrong. */
  static <T> T entry(Map<String, Object> map, String name, Class<T> type) {
    Object value = map.get(name);
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          "model configuration: \"" + name + "\" is " + value + ", not a " + type.getSimpleName());
    }
    return type.cast(value);
  }
}
