package io.github.cudnn4j.train;

import io.github.cudnn4j.io.FileFailure;
import io.github.cudnn4j.io.Json;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * A JSON object that describes a checkpoint, or a part of it. Its text ends in the checksum of all
 * that stands before, so that a digit that has changed is noticed.
 */
final class CheckpointJson {

  /** Several times what a vocabulary of a million words takes. */
  static final int MOST_BYTES = 1 << 26;

  private static final String SEAL = "crc32c";
  private static final String BEFORE_SEAL = ",\"" + SEAL + "\":";

  private final Path file;
  private final Map<String, @Nullable Object> values;

  private CheckpointJson(Path file, Map<String, @Nullable Object> values) {
    this.file = file;
    this.values = values;
  }

  /**
   * Reads a file.
   *
   * @throws IOException if it cannot be read, is of a format that is not readable or is damaged
   */
  static CheckpointJson read(Path file) throws IOException {
    String text = text(file);
    CheckpointJson description;
    try {
      description = new CheckpointJson(file, Json.parseObject(text));
    } catch (IOException e) {
      throw new IOException(file + " is damaged: " + e.getMessage(), e);
    }
    long format = description.number("format", 1, Long.MAX_VALUE);
    if (format > Checkpoint.FORMAT) {
      throw new IOException(
          file + " has format " + format + ", readable are 1 to " + Checkpoint.FORMAT);
    }
    boolean sealed = format >= Checkpoint.FIRST_SEALED || description.values.containsKey(SEAL);
    if (sealed && !endsInItsSeal(text)) {
      throw new IOException(file + " is damaged: its checksum is not that of its text");
    }
    return description;
  }

  private static String text(Path file) throws IOException {
    long bytes = Checkpoint.size(file);
    if (bytes > MOST_BYTES) {
      throw new IOException(
          file + " is damaged: it has " + bytes + " bytes, at most are " + MOST_BYTES);
    }
    try {
      return Files.readString(file);
    } catch (MalformedInputException e) {
      throw new IOException(file + " is damaged: it is not UTF-8", e);
    } catch (IOException e) {
      throw FileFailure.of(file, e);
    }
  }

  /**
   * Returns values as they are when they were written and read again.
   *
   * @throws IllegalArgumentException if JSON has no form for one
   */
  static Map<String, @Nullable Object> copy(Map<String, ?> values) {
    try {
      return Json.parseObject(Json.write(values));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Returns the text of a file.
   *
   * @throws IllegalArgumentException if JSON has no form for a value, or the file would be too
   *     large to be read
   */
  static String write(Map<String, Object> values) {
    String object = Json.write(values);
    String unfinished = object.substring(0, object.length() - 1);
    byte[] encoded = unfinished.getBytes(StandardCharsets.UTF_8);
    String seal = seal(encoded);
    int bytes = encoded.length + seal.length();
    if (bytes > MOST_BYTES) {
      throw new IllegalArgumentException(
          "a description of " + bytes + " bytes, at most are " + MOST_BYTES);
    }
    return unfinished + seal;
  }

  private static boolean endsInItsSeal(String text) {
    int end = text.lastIndexOf(BEFORE_SEAL);
    return end >= 0 && text.endsWith(seal(text.substring(0, end).getBytes(StandardCharsets.UTF_8)));
  }

  /** Returns what ends a text: the checksum of what is in front of it. */
  private static String seal(byte[] unfinished) {
    var checksum = new CRC32C();
    checksum.update(unfinished);
    return BEFORE_SEAL + checksum.getValue() + "}\n";
  }

  /**
   * Returns a whole number.
   *
   * @throws IOException if there is none, or it is out of its range
   */
  long number(String key, long least, long most) throws IOException {
    Object value = values.get(key);
    if (value instanceof Long number && number >= least && number <= most) {
      return number;
    }
    throw wrong(key, "a whole number from " + least + " to " + most);
  }

  /**
   * Returns a count that fits an int.
   *
   * @throws IOException if there is none, or it is negative or larger
   */
  int count(String key) throws IOException {
    return (int) number(key, 0, Integer.MAX_VALUE);
  }

  /**
   * Returns a number, or another where it is absent or null, as JSON has no form for NaN.
   *
   * @throws IOException if it is something else
   */
  double decimal(String key, double otherwise) throws IOException {
    return switch (values.get(key)) {
      case null -> otherwise;
      case Number number -> number.doubleValue();
      default -> throw wrong(key, "a number");
    };
  }

  /**
   * Returns a text, or another where it is absent.
   *
   * @throws IOException if it is something else
   */
  String text(String key, String otherwise) throws IOException {
    return switch (values.get(key)) {
      case null -> otherwise;
      case String text -> text;
      default -> throw wrong(key, "a text");
    };
  }

  /**
   * Returns a part.
   *
   * @throws IOException if there is none
   */
  CheckpointJson part(String key) throws IOException {
    if (values.get(key) instanceof Map<?, ?> map) {
      @SuppressWarnings("unchecked") // A JSON object.
      var part = (Map<String, @Nullable Object>) map;
      return new CheckpointJson(file, part);
    }
    throw wrong(key, "an object");
  }

  /** Returns a part, empty if it is absent. */
  CheckpointJson partIfAny(String key) throws IOException {
    return values.containsKey(key) ? part(key) : new CheckpointJson(file, new LinkedHashMap<>());
  }

  /** Returns all of it. */
  Map<String, @Nullable Object> values() {
    return values;
  }

  /** Returns a refusal of a value. */
  IOException wrong(String key, String wanted) {
    return new IOException(
        file + " is damaged: " + key + " is " + values.get(key) + ", must be " + wanted);
  }
}
