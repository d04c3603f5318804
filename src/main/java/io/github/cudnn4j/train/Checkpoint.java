package io.github.cudnn4j.train;

import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.SafeTensors;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import org.jspecify.annotations.Nullable;

/**
 * A training at rest: a folder that holds the weights by their PyTorch names in {@code
 * weights.safetensors}, what else the next step depends on in {@code state.safetensors}, and {@code
 * checkpoint.json} with the configuration, the place in the text, and length and CRC-32C of the
 * other two. Reading one back checks all of that.
 */
public final class Checkpoint {

  /** The version of the layout that is written and read. */
  public static final int FORMAT = 1;

  static final String WEIGHTS = "weights.safetensors";
  static final String STATE = "state.safetensors";
  static final String DESCRIPTION = "checkpoint.json";
  static final List<String> DATA = List.of(WEIGHTS, STATE);

  private final Path folder;
  private final long step;
  private final long bestStep;
  private final int epoch;
  private final Map<String, Object> model;
  private final Map<String, Object> trainer;

  private Checkpoint(Path folder) throws IOException {
    this.folder = folder;
    var description = Json.parseObject(Files.readString(folder.resolve(DESCRIPTION)));
    if (!Long.valueOf(FORMAT).equals(description.get("format"))) {
      throw new IOException(
          folder + " has format " + description.get("format") + ", readable is " + FORMAT);
    }
    step = number(description, "step");
    bestStep = number(description, "bestStep");
    epoch = Math.toIntExact(number(description, "epoch"));
    model = object(description, "model");
    trainer = object(description, "trainer");
    var files = object(description, "files");
    for (String name : DATA) {
      var expected = object(files, name);
      var found = seal(folder.resolve(name));
      if (!found.equals(expected)) {
        throw new IOException(
            folder.resolve(name) + " is damaged: it has " + found + ", written was " + expected);
      }
    }
  }

  /**
   * Opens the checkpoint in one folder.
   *
   * @throws IOException if it is not a whole and undamaged checkpoint
   */
  public static Checkpoint open(Path folder) throws IOException {
    return new Checkpoint(folder);
  }

  /** Returns the folder that holds the files. */
  public Path folder() {
    return folder;
  }

  /** Returns the number of steps done. */
  public long step() {
    return step;
  }

  /** Returns the step of the best validation up to then, negative if there was none. */
  public long bestStep() {
    return bestStep;
  }

  /** Returns the epoch under way, from 1. */
  public int epoch() {
    return epoch;
  }

  /** Returns the {@linkplain Model#configuration configuration} of the model. */
  public Map<String, Object> modelConfiguration() {
    return model;
  }

  /**
   * Opens the weights; the caller closes them.
   *
   * @throws IOException if reading fails
   */
  public SafeTensors weights() throws IOException {
    return SafeTensors.open(folder.resolve(WEIGHTS));
  }

  SafeTensors state() throws IOException {
    return SafeTensors.open(folder.resolve(STATE));
  }

  Map<String, Object> trainer() {
    return trainer;
  }

  /** Returns the length and the checksum of a file. */
  static Map<String, Object> seal(Path file) throws IOException {
    var checksum = new CRC32C();
    long bytes;
    try (var in = new CheckedInputStream(Files.newInputStream(file), checksum)) {
      bytes = in.transferTo(OutputStream.nullOutputStream());
    }
    var seal = new LinkedHashMap<String, Object>();
    seal.put("bytes", bytes);
    seal.put("crc32c", checksum.getValue());
    return seal;
  }

  static long number(Map<String, ? extends @Nullable Object> map, String key) throws IOException {
    if (map.get(key) instanceof Long number) {
      return number;
    }
    throw new IOException("the checkpoint's " + key + " is " + map.get(key) + ", not a number");
  }

  private static Map<String, Object> object(Map<String, ? extends @Nullable Object> map, String key)
      throws IOException {
    if (map.get(key) instanceof Map<?, ?> object) {
      @SuppressWarnings("unchecked") // A JSON object.
      var result = (Map<String, Object>) object;
      return result;
    }
    throw new IOException("the checkpoint's " + key + " is " + map.get(key) + ", not an object");
  }
}
