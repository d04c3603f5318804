package io.github.cudnn4j.io;

import io.github.cudnn4j.io.SafeTensors.Type;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Collects tensors and writes them as one safetensors file.
 *
 * <p>As in the reference implementation, wide types come first, then names in their order, and the
 * header is padded with spaces so that the data starts at a multiple of 8 bytes. The arrays are not
 * copied: they must not change until {@link #write} has returned.
 */
public final class SafeTensorsWriter {

  private record Entry(String name, Type type, long[] shape, Object array, int elements) {}

  private final List<Entry> entries = new ArrayList<>();
  private final Map<String, String> metadata = new TreeMap<>();

  /** Makes a writer without tensors. */
  public SafeTensorsWriter() {}

  /** Adds a free-form string that the file carries beside its tensors; the last of a key counts. */
  public SafeTensorsWriter metadata(String key, String value) {
    Objects.requireNonNull(key, "key");
    Objects.requireNonNull(value, "value");
    metadata.put(key, value);
    return this;
  }

  /**
   * Adds a tensor of type F32.
   *
   * @throws IllegalArgumentException if the shape does not fit the values or the name is taken
   */
  public SafeTensorsWriter add(String name, long[] shape, float[] values) {
    return add(name, Type.F32, shape, values, values.length);
  }

  /**
   * Adds a tensor of type F32, F16 or BF16; the half types take the nearest numbers, see {@link
   * HalfFloat}.
   *
   * @throws IllegalArgumentException if the type is another one, the shape does not fit the values
   *     or the name is taken
   */
  public SafeTensorsWriter add(String name, Type type, long[] shape, float[] values) {
    if (type != Type.F32 && type != Type.F16 && type != Type.BF16) {
      throw new IllegalArgumentException(
          name + ": type " + type + " for floats, possible are F32, F16 and BF16");
    }
    return add(name, type, shape, values, values.length);
  }

  /**
   * Adds a tensor of type F64.
   *
   * @throws IllegalArgumentException if the shape does not fit the values or the name is taken
   */
  public SafeTensorsWriter add(String name, long[] shape, double[] values) {
    return add(name, Type.F64, shape, values, values.length);
  }

  /**
   * Adds a tensor of type I32.
   *
   * @throws IllegalArgumentException if the shape does not fit the values or the name is taken
   */
  public SafeTensorsWriter add(String name, long[] shape, int[] values) {
    return add(name, Type.I32, shape, values, values.length);
  }

  /**
   * Adds a tensor of type I64.
   *
   * @throws IllegalArgumentException if the shape does not fit the values or the name is taken
   */
  public SafeTensorsWriter add(String name, long[] shape, long[] values) {
    return add(name, Type.I64, shape, values, values.length);
  }

  /**
   * Adds a tensor of type U8.
   *
   * @throws IllegalArgumentException if the shape does not fit the values or the name is taken
   */
  public SafeTensorsWriter add(String name, long[] shape, byte[] values) {
    return add(name, Type.U8, shape, values, values.length);
  }

  private SafeTensorsWriter add(String name, Type type, long[] shape, Object array, int elements) {
    // Exact as far as an array goes, and never an overflow.
    double product = 1;
    for (long extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException(name + ": extent " + extent + " is negative");
      }
      product *= extent;
    }
    if (product != elements) {
      throw new IllegalArgumentException(
          name + ": shape " + Arrays.toString(shape) + " does not hold " + elements + " values");
    }
    if (name.equals(SafeTensorsHeader.METADATA)
        || entries.stream().anyMatch(e -> e.name.equals(name))) {
      throw new IllegalArgumentException("the name " + name + " is taken");
    }
    entries.add(new Entry(name, type, shape.clone(), array, elements));
    return this;
  }

  /**
   * Writes the file as {@link WholeFile} does, in place of what is there.
   *
   * @throws IOException if writing fails; the message tells the file
   */
  public void write(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    var sorted = new ArrayList<>(entries);
    sorted.sort(
        Comparator.comparingInt((Entry entry) -> -entry.type.bytes()).thenComparing(Entry::name));
    WholeFile.write(
        file,
        channel -> {
          writeAll(channel, header(sorted));
          for (var entry : sorted) {
            writeData(channel, entry);
          }
        });
  }

  private ByteBuffer header(List<Entry> sorted) {
    var header = new LinkedHashMap<String, Object>();
    if (!metadata.isEmpty()) {
      header.put(SafeTensorsHeader.METADATA, metadata);
    }
    long offset = 0;
    for (var entry : sorted) {
      long end = offset + (long) entry.elements * entry.type.bytes();
      var item = new LinkedHashMap<String, Object>();
      item.put("dtype", entry.type.name());
      item.put("shape", Arrays.stream(entry.shape).boxed().toList());
      item.put("data_offsets", List.of(offset, end));
      header.put(entry.name, item);
      offset = end;
    }
    byte[] text = Json.write(header).getBytes(StandardCharsets.UTF_8);
    int padded = Math.ceilDiv(text.length, Long.BYTES) * Long.BYTES;
    var buffer = littleEndian(Long.BYTES + padded).putLong(padded).put(text);
    while (buffer.hasRemaining()) {
      buffer.put((byte) ' ');
    }
    return buffer.flip();
  }

  private static void writeData(FileChannel channel, Entry entry) throws IOException {
    int step = (1 << 20) / entry.type.bytes();
    for (int first = 0; first < entry.elements; first += step) {
      int count = Math.min(step, entry.elements - first);
      var part = littleEndian(count * entry.type.bytes());
      switch (entry.array) {
        case float[] values -> putFloats(part, entry.type, values, first, count);
        case double[] values -> part.asDoubleBuffer().put(values, first, count);
        case int[] values -> part.asIntBuffer().put(values, first, count);
        case long[] values -> part.asLongBuffer().put(values, first, count);
        case byte[] values -> part.duplicate().put(values, first, count);
        default -> throw new AssertionError(entry.array.getClass());
      }
      writeAll(channel, part);
    }
  }

  private static void putFloats(ByteBuffer part, Type type, float[] values, int first, int count) {
    if (type == Type.F32) {
      part.asFloatBuffer().put(values, first, count);
      return;
    }
    var half = type == Type.F16 ? HalfFloat.FLOAT16 : HalfFloat.BFLOAT16;
    for (int i = 0; i < count; i++) {
      part.putShort(i * Short.BYTES, half.fromFloat(values[first + i]));
    }
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static void writeAll(FileChannel channel, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }
}
