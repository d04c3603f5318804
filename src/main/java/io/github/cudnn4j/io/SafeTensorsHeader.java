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

  /** One tensor; the offsets count from the end of the header. */
  record Entry(Type type, long[] shape, long elements, long begin, long end) {}

  private final Path file;
  private final Map<String, Entry> entries = new LinkedHashMap<>();
  private final Map<String, String> metadata;

  private SafeTensorsHeader(Path file, ByteBuffer text, long dataBytes) throws IOException {
    this.file = file;
    var header = objectOf(text);
    metadata = metadataOf(header.remove(METADATA));
    for (var item : header.entrySet()) {
      entries.put(item.getKey(), entryOf(item.getKey(), item.getValue()));
    }
    checkLayout(dataBytes);
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
    return new IOException(file + " is not a valid safetensors file: " + reason);
  }

  private Map<String, @Nullable Object> objectOf(ByteBuffer header) throws IOException {
    if (header.get(0) != '{') {
      throw broken("the header does not start with '{'");
    }
    try {
      return Json.parseObject(StandardCharsets.UTF_8.newDecoder().decode(header).toString());
    } catch (CharacterCodingException e) {
      throw broken("the header is not UTF-8");
    } catch (IOException e) {
      throw broken("header: " + e.getMessage());
    }
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
    Type type = null;
    for (Type known : Type.values()) {
      if (known.name().equals(map.get("dtype"))) {
        type = known;
      }
    }
    if (type == null) {
      throw broken(name + " has the unknown type " + map.get("dtype"));
    }
    long[] shape = sizes(name, "shape", map.get("shape"));
    long[] offsets = sizes(name, "data_offsets", map.get("data_offsets"));
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw broken(name + " has data_offsets that are not a begin and an end");
    }
    long elements = 1;
    long bytes;
    try {
      for (long extent : shape) {
        elements = Math.multiplyExact(elements, extent);
      }
      bytes = Math.multiplyExact(elements, (long) type.bytes());
    } catch (ArithmeticException e) {
      throw broken(name + " has a shape beyond 2^63 bytes");
    }
    if (offsets[1] - offsets[0] != bytes) {
      throw broken(
          name
              + " takes "
              + bytes
              + " bytes by its shape and type, but "
              + (offsets[1] - offsets[0])
              + " by its data_offsets");
    }
    return new Entry(type, shape, elements, offsets[0], offsets[1]);
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
