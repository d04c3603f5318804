package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.CellClip;
import io.github.cudnn4j.cudnn.DirectionMode;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The entries of a model's configuration; one that is missing or cannot be is refused by its name
 * with an IllegalArgumentException.
 */
final class Entries {

  private static final String AUTO = "auto";

  private Entries() {}

  /** Returns the entry {@code name} if it has the type. */
  static <T> T entry(Map<String, Object> map, String name, Class<T> type) {
    Object value = map.get(name);
    if (!type.isInstance(value)) {
      throw refused(name, value, "not a " + type.getSimpleName());
    }
    return type.cast(value);
  }

  static long number(Map<String, Object> map, String name) {
    return entry(map, name, Number.class).longValue();
  }

  static int whole(Map<String, Object> map, String name) {
    long value = number(map, name);
    if (value != (int) value) {
      throw refused(name, value, "at most is " + Integer.MAX_VALUE);
    }
    return (int) value;
  }

  static double decimal(Map<String, Object> map, String name) {
    return entry(map, name, Number.class).doubleValue();
  }

  static List<String> strings(Map<String, Object> map, String name) {
    return ((List<?>) entry(map, name, List.class)).stream().map(String::valueOf).toList();
  }

  /** Returns a constant by its {@linkplain #name name}. */
  static <E extends Enum<E>> E constant(Map<String, Object> map, String name, Class<E> type) {
    return Enum.valueOf(type, entry(map, name, String.class).toUpperCase(Locale.ROOT));
  }

  /** Returns the algorithm of recurrent layers, null for the fastest. */
  static @Nullable RnnAlgorithm algorithm(Map<String, Object> map) {
    return AUTO.equals(map.get("algorithm"))
        ? null
        : constant(map, "algorithm", RnnAlgorithm.class);
  }

  /** Returns how a constant is written; an algorithm that is null is the fastest. */
  static String name(@Nullable Enum<?> value) {
    return value == null ? AUTO : value.name().toLowerCase(Locale.ROOT);
  }

  /** Returns all of a network, for {@link #network}. */
  static Map<String, Object> of(RnnConfig config) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("cell", name(config.mode()));
    map.put("inputSize", config.inputSize());
    map.put("hiddenSize", config.hiddenSize());
    map.put("projectionSize", config.projectionSize());
    map.put("layers", config.layers());
    map.put("direction", name(config.direction()));
    map.put("bias", name(config.bias()));
    map.put("inputSkipped", config.inputSkipped());
    CellClip clip = config.clip();
    if (clip != null) {
      map.put("lowestCell", clip.low());
      map.put("highestCell", clip.high());
    }
    map.put("dropout", config.dropout());
    map.put("dropoutSeed", config.dropoutSeed());
    map.put("precision", name(config.precision()));
    map.put("algorithm", name(config.algorithm()));
    return map;
  }

  /** Returns the network that is the entry {@code name}. */
  @SuppressWarnings("unchecked")
  static RnnConfig network(Map<String, Object> configuration, String name) {
    Map<String, Object> map = entry(configuration, name, Map.class);
    return new RnnConfig(
        constant(map, "cell", RnnMode.class),
        whole(map, "inputSize"),
        whole(map, "hiddenSize"),
        whole(map, "projectionSize"),
        whole(map, "layers"),
        constant(map, "direction", DirectionMode.class),
        constant(map, "bias", BiasMode.class),
        entry(map, "inputSkipped", Boolean.class),
        map.containsKey("lowestCell")
            ? new CellClip(decimal(map, "lowestCell"), decimal(map, "highestCell"))
            : null,
        decimal(map, "dropout"),
        number(map, "dropoutSeed"),
        constant(map, "precision", Precision.class),
        algorithm(map));
  }

  private static IllegalArgumentException refused(String name, @Nullable Object value, String why) {
    return new IllegalArgumentException(
        "model configuration: \"" + name + "\" is " + value + ", " + why);
  }
}
