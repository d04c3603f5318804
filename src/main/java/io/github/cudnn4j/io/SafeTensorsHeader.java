package io.github.cudnn4j.io;

import io.github.cudnn4j.io.SafeTensors.Type;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The checked header of a safetensors file. */
final class SafeTensorsHeader {

  static final String METADATA = "__metadata__";

  private static final int MOST_TENSORS = 1 << 17;

  /** The most numbers in a shape, and the most metadata. */
  private static final int MOST_VALUES = 1 << 14;

  private static final int LONGEST_REASON = 300;

  /**
   * One tensor; the offsets count from the end of the header.
   *
   * @param type null if the format has got it after this was written
   */
  record Entry(
      @Nullable Type type, String typeName, long[] shape, long elements, long begin, long end) {}

  private final Path file;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private Map<String, String> metadata = Map.of();

  private SafeTensorsHeader(Path file, ByteBuffer text, long dataBytes) throws IOException {
    this.file = file;
    if (text.get(0) != '{') {
      throw broken("the header does not start with '{'");
    }
    String header = decoded(text);
    try {
      Json.parseMembers(header, MOST_VALUES, this::add);
    } catch (BrokenException e) {
      throw e;
    } catch (IOException e) {
      throw broken("header: " + e.getMessage());
    }
    checkLayout(dataBytes);
  }

  private void add(String name, @Nullable Object value) throws IOException {
    if (name.equals(METADATA)) {
      metadata = metadataOf(value);
    } else if (entries.size() == MOST_TENSORS) {
      throw broken("it has more than " + MOST_TENSORS + " tensors");
    } else if (entries.put(name, entryOf(name, value)) != null) {
      throw broken("there are two tensors " + name);
    }
  }

  static SafeTensorsHeader parse(Path file, ByteBuffer text, long dataBytes) throws IOException {
    return new SafeTensorsHeader(file, text, dataBytes);
  }

  Map<String, Entry> entries() {
    return Collections.unmodifiableMap(entries);
  }

  Map<String, String> metadata() {
    return metadata;
  }

  static IOException broken(Path file, String reason) {
    // A reason may quote what is in the file, however long.
    String brief =
        reason.length() <= LONGEST_REASON ? reason : reason.substring(0, LONGEST_REASON) + "…";
    return new BrokenException(file + " is not a valid safetensors file: " + brief);
  }

  private static final class BrokenException extends IOException {
    private static final long serialVersionUID = 1;

    BrokenException(String message) {
      super(message);
    }
  }

  private String decoded(ByteBuffer header) throws IOException {
    String text = new String(header.array(), StandardCharsets.UTF_8);
    try {
      // Stands for what is malformed, unless the file has it.
      if (text.indexOf('\uFFFD') >= 0) {
        StandardCharsets.UTF_8.newDecoder().decode(header);
      }
    } catch (CharacterCodingException e) {
      throw broken("the header is not UTF-8");
    }
    return text;
  }

  private Map<String, String> metadataOf(@Nullable Object value) throws IOException {
    var result = new LinkedHashMap<String, String>();
    if (value == null) {
      return result;
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw broken(METADATA + " is not an object");
    }
    for (var item : map.entrySet()) {
      if (!(item.getValue() instanceof String string)) {
        throw broken(METADATA + ", " + item.getKey() + " is not a string");
      }
      result.put((String) item.getKey(), string);
    }
    return Collections.unmodifiableMap(result);
  }

  private Entry entryOf(String name, @Nullable Object value) throws IOException {
    if (!(value instanceof Map<?, ?> map)
        || !map.keySet().equals(Set.of("dtype", "shape", "data_offsets"))) {
      throw broken(name + " is not an object of dtype, shape and data_offsets");
    }
    if (!(map.get("dtype") instanceof String typeName)) {
      throw broken(name + ": dtype is not a string");
    }
    Type type = null;
    for (Type known : Type.values()) {
      type = known.name().equals(typeName) ? known : type;
    }
    long[] shape = sizes(name, "shape", map.get("shape"));
    long[] offsets = sizes(name, "data_offsets", map.get("data_offsets"));
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw broken(name + " has data_offsets that are not a begin and an end");
    }
    long bytes = offsets[1] - offsets[0];
    long elements = 1;
    try {
      for (long extent : shape) {
        elements = Math.multiplyExact(elements, extent);
      }
      long due = type == null ? bytes : Math.multiplyExact(elements, (long) type.bytes());
      if (due != bytes) {
        throw broken(
            name
                + " takes "
                + due
                + " bytes by its shape and type, but "
                + bytes
                + " by its data_offsets");
      }
    } catch (ArithmeticException e) {
      throw broken(name + " has a shape beyond 2^63 bytes");
    }
    return new Entry(
        type, type == null ? typeName : type.name(), shape, elements, offsets[0], offsets[1]);
  }

  private long[] sizes(String name, String what, @Nullable Object value) throws IOException {
    if (!(value instanceof List<?> list)) {
      throw broken(name + ": " + what + " is not an array");
    }
    var sizes = new long[list.size()];
    for (int i = 0; i < sizes.length; i++) {
      if (!(list.get(i) instanceof Long size) || size < 0) {
        throw broken(name + ": " + what + " holds " + list.get(i) + ", not a whole number >= 0");
      }
      sizes[i] = size;
    }
    return sizes;
  }

  private void checkLayout(long dataBytes) throws IOException {
    var sorted = new ArrayList<>(entries.entrySet());
    sorted.sort(
        Comparator.<Map.Entry<String, Entry>>comparingLong(item -> item.getValue().begin)
            .thenComparingLong(item -> item.getValue().end));
    long end = 0;
    for (var item : sorted) {
      if (item.getValue().begin != end) {
        throw broken(
            item.getKey()
                + " begins at byte "
                + item.getValue().begin
                + " where "
                + end
                + " is due");
      }
      end = item.getValue().end;
    }
    if (end != dataBytes) {
      throw broken("the tensors take " + end + " bytes, the file has " + dataBytes + " for them");
    }
  }

  private IOException broken(String reason) {
    return broken(file, reason);
  }
}
