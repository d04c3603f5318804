package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.WholeFile;
import io.github.cudnn4j.library.Settings;
import io.github.cudnn4j.library.UserCache;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What was measured to choose algorithms for networks with {@link RnnConfig#autoAlgorithm}, kept in
 * a file: a JSON array with one line for each choice.
 *
 * <p>It is {@code algorithms.json} in {@code $XDG_CACHE_HOME/cudnn4j}, by default below {@code
 * ~/.cache}, or the file that the system property {@value Settings#ALGORITHMS_PATH} names. A plan
 * writes what it measures; a file that cannot be read counts as empty there. Of several processes
 * that write at once one may lose what it measured, which then is measured again.
 *
 * <p>Instances may be used from any thread.
 */
public final class AlgorithmChoices {
  private static final Object LOCK = new Object();

  private final Path file;

  private AlgorithmChoices(Path file) {
    this.file = file;
  }

  /**
   * What a choice is for.
   *
   * @param device the name of the device
   * @param driver the newest CUDA that its driver is for
   * @param cudnn the version of cuDNN
   * @param network what the network is, apart from its algorithm
   * @param shape of the batches
   * @param training whether forward and backward are measured, or inference
   */
  public record Subject(
      String device, String driver, String cudnn, String network, String shape, boolean training) {}

  /**
   * One choice.
   *
   * @param subject what it is for
   * @param algorithm the choice
   * @param milliseconds of every algorithm that ran
   * @param refused why the others did not run
   */
  public record Choice(
      Subject subject,
      RnnAlgorithm algorithm,
      Map<RnnAlgorithm, Double> milliseconds,
      Map<RnnAlgorithm, String> refused) {

    /** What was measured, in a few words. */
    String figures() {
      String times =
          milliseconds.entrySet().stream()
              .map(e -> String.format(Locale.ROOT, "%s %.4g ms", e.getKey(), e.getValue()))
              .collect(Collectors.joining(", "));
      String others =
          refused.entrySet().stream()
              .map(e -> String.format(Locale.ROOT, "; %s refused: %s", e.getKey(), e.getValue()))
              .collect(Collectors.joining());
      return times + others;
    }

    private Map<String, Object> toJson() {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("device", subject.device);
      json.put("driver", subject.driver);
      json.put("cudnn", subject.cudnn);
      json.put("network", subject.network);
      json.put("shape", subject.shape);
      json.put("training", subject.training);
      json.put("algorithm", algorithm.name());
      json.put("milliseconds", byName(milliseconds));
      json.put("refused", byName(refused));
      return json;
    }

    private static <T> Map<String, T> byName(Map<RnnAlgorithm, T> map) {
      Map<String, T> named = new LinkedHashMap<>();
      map.forEach((algorithm, value) -> named.put(algorithm.name(), value));
      return named;
    }

    /** The opposite of {@link #toJson}; throws RuntimeException on anything else. */
    private static Choice ofJson(@Nullable Object json) {
      Map<?, ?> map = (Map<?, ?>) Objects.requireNonNull(json);
      return new Choice(
          new Subject(
              (String) part(map, "device"),
              (String) part(map, "driver"),
              (String) part(map, "cudnn"),
              (String) part(map, "network"),
              (String) part(map, "shape"),
              (boolean) part(map, "training")),
          RnnAlgorithm.valueOf((String) part(map, "algorithm")),
          byAlgorithm(part(map, "milliseconds"), time -> ((Number) time).doubleValue()),
          byAlgorithm(part(map, "refused"), String.class::cast));
    }

    private static Object part(Map<?, ?> map, String key) {
      return Objects.requireNonNull(map.get(key));
    }

    private static <T> Map<RnnAlgorithm, T> byAlgorithm(Object json, Function<Object, T> convert) {
      Map<RnnAlgorithm, T> map = new EnumMap<>(RnnAlgorithm.class);
      ((Map<?, ?>) json)
          .forEach(
              (name, value) -> map.put(RnnAlgorithm.valueOf((String) name), convert.apply(value)));
      return map;
    }
  }

  /** The choices of this user; null if there is no place to keep them. */
  public static @Nullable AlgorithmChoices ofUser() {
    String property = System.getProperty(Settings.ALGORITHMS_PATH);
    if (property != null) {
      return new AlgorithmChoices(Path.of(property));
    }
    try {
      return new AlgorithmChoices(UserCache.open().resolve("algorithms.json"));
    } catch (IOException e) {
      return null;
    }
  }

  /** The file, which need not exist. */
  public Path file() {
    return file;
  }

  /**
   * All choices, the oldest first; none if there is no file.
   *
   * @throws IOException if the file cannot be read or is damaged
   */
  public List<Choice> list() throws IOException {
    String text;
    try {
      text = Files.readString(file);
    } catch (NoSuchFileException e) {
      return List.of();
    }
    List<Choice> choices = new ArrayList<>();
    try {
      for (Object json : (List<?>) Objects.requireNonNull(Json.parse(text))) {
        choices.add(Choice.ofJson(json));
      }
    } catch (IOException e) {
      throw new IOException(file + " is damaged: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      throw new IOException(
          String.format(
              Locale.ROOT, "%s is damaged: entry %d is not a choice", file, choices.size()),
          e);
    }
    return choices;
  }

  /**
   * The choice for a subject; null if there is none.
   *
   * @throws IOException if the file cannot be read or is damaged
   */
  public @Nullable Choice find(Subject subject) throws IOException {
    for (Choice choice : list()) {
      if (choice.subject.equals(subject)) {
        return choice;
      }
    }
    return null;
  }

  /**
   * Forgets all choices, so that they are measured again.
   *
   * @throws IOException if the file cannot be deleted
   */
  public void clear() throws IOException {
    synchronized (LOCK) {
      Files.deleteIfExists(file);
    }
  }

  /** Adds a choice, or replaces that for the same; what a damaged file holds is dropped. */
  void add(Choice choice) throws IOException {
    synchronized (LOCK) {
      List<Choice> choices = new ArrayList<>();
      try {
        choices.addAll(list());
      } catch (IOException damaged) {
        // Whoever measures has told that.
      }
      choices.removeIf(other -> other.subject.equals(choice.subject));
      choices.add(choice);
      Files.createDirectories(file.toAbsolutePath().getParent());
      String text =
          choices.stream()
              .map(each -> Json.write(each.toJson()))
              .collect(Collectors.joining(",\n", "[\n", "\n]\n"));
      WholeFile.write(file, text.getBytes(StandardCharsets.UTF_8));
    }
  }
}
