package io.github.cudnn4j.io;

import io.github.cudnn4j.io.SafeTensorsHeader.Entry;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * An open safetensors file: named tensors, row-major, little-endian.
 *
 * <p>Opening reads and checks the whole header: its length and the number of tensors, 131,072, are
 * bounded, shapes and offsets agree, and the tensors fill the file without holes, overlaps or a
 * rest. A tensor may be of a type that is not known here: its bytes can be read, its values not.
 * Tensors are read when they are asked for; nothing is mapped into memory, so a file that shrinks
 * afterwards gives an {@link IOException} like any other.
 *
 * <p>Owner of an open file; {@link #close} is idempotent. Instances may be used from any thread,
 * one at a time.
 *
 * @see <a href="https://huggingface.co/docs/safetensors">the format</a>
 */
public final class SafeTensors implements AutoCloseable {

  /** The longest header that is read, in bytes. */
  public static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int SOME_NAMES = 20;

  /** The type of a tensor's elements, by the name that the file uses. */
  public enum Type {
    /** Boolean, one byte. */
    BOOL(1),
    /** 8-bit unsigned integer. */
    U8(1),
    /** 8-bit integer. */
    I8(1),
    /** 16-bit integer. */
    I16(2),
    /** 16-bit unsigned integer. */
    U16(2),
    /** IEEE 754 binary16. */
    F16(2),
    /** The upper half of an IEEE 754 binary32. */
    BF16(2),
    /** 32-bit integer. */
    I32(4),
    /** 32-bit unsigned integer. */
    U32(4),
    /** IEEE 754 binary32. */
    F32(4),
    /** IEEE 754 binary64. */
    F64(8),
    /** 64-bit integer. */
    I64(8),
    /** 64-bit unsigned integer. */
    U64(8);

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    /** Returns the size of an element in bytes. */
    public int bytes() {
      return bytes;
    }
  }

  private final Path file;
  private final FileChannel channel;
  private final long dataStart;
  private final SafeTensorsHeader header;

  private SafeTensors(Path file, FileChannel channel) throws IOException {
    this.file = file;
    this.channel = channel;
    long size = channel.size();
    if (size < Long.BYTES) {
      throw SafeTensorsHeader.broken(file, "its " + size + " bytes cannot hold a header");
    }
    long headerBytes = readAt(0, Long.BYTES).getLong();
    long limit = Math.min(MAX_HEADER_BYTES, size - Long.BYTES);
    if (headerBytes < 2 || headerBytes > limit) {
      String what = FileKind.of(readAt(0, (int) Math.min(size, FileKind.BYTES)));
      throw SafeTensorsHeader.broken(
          file,
          what != null
              ? "it looks like " + what
              : "header of " + headerBytes + " bytes, possible are 2 to " + limit);
    }
    dataStart = Long.BYTES + headerBytes;
    header = SafeTensorsHeader.parse(file, readAt(Long.BYTES, (int) headerBytes), size - dataStart);
  }

  /**
   * Opens and checks a file.
   *
   * @throws IOException if the file cannot be read or is not a whole and valid safetensors file
   */
  public static SafeTensors open(Path file) throws IOException {
    Objects.requireNonNull(file, "file");
    var channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      return new SafeTensors(file, channel);
    } catch (IOException | RuntimeException | Error e) {
      try (channel) {
        throw e;
      }
    }
  }

  /** Returns the free-form strings that the file carries beside its tensors. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** Returns the names of the tensors in the order of the header. */
  public Set<String> names() {
    return header.entries().keySet();
  }

  /** Tells whether there is a tensor of this name. */
  public boolean contains(String name) {
    return header.entries().containsKey(name);
  }

  /**
   * Returns the type of a tensor's elements.
   *
   * @throws IOException if there is no such tensor, or its type is none of {@link Type}
   */
  public Type type(String name) throws IOException {
    var entry = entry(name);
    if (entry.type() == null) {
      throw new IOException(
          file
              + ": "
              + name
              + " is of the type "
              + entry.typeName()
              + ", which is not known here; only its bytes can be read");
    }
    return entry.type();
  }

  /**
   * Returns the name of the type of a tensor's elements, be it known here or not.
   *
   * @throws IOException if there is no such tensor
   */
  public String typeName(String name) throws IOException {
    return entry(name).typeName();
  }

  /**
   * Returns a tensor's extents, outermost first; empty for a scalar.
   *
   * @throws IOException if there is no such tensor
   */
  public long[] shape(String name) throws IOException {
    return entry(name).shape().clone();
  }

  /**
   * Returns the number of a tensor's elements.
   *
   * @throws IOException if there is no such tensor
   */
  public long elements(String name) throws IOException {
    return entry(name).elements();
  }

  /**
   * Reads a tensor of type F32, F16 or BF16; the narrow types are widened without loss.
   *
   * @throws IOException if there is no such tensor, it has another type or reading fails
   */
  public float[] floats(String name) throws IOException {
    var entry = entry(name);
    var values = new float[count(name, entry)];
    switch (type(name)) {
      case F32 ->
          forEachPart(
              entry,
              Float.BYTES,
              (part, first) ->
                  part.asFloatBuffer().get(values, first, part.remaining() / Float.BYTES));
      case F16 ->
          forEachPart(
              entry,
              Short.BYTES,
              (part, first) -> {
                for (int i = first; part.hasRemaining(); i++) {
                  values[i] = HalfFloat.FLOAT16.toFloat(part.getShort());
                }
              });
      case BF16 ->
          forEachPart(
              entry,
              Short.BYTES,
              (part, first) -> {
                for (int i = first; part.hasRemaining(); i++) {
                  values[i] = HalfFloat.BFLOAT16.toFloat(part.getShort());
                }
              });
      default -> throw wrongType(name, entry, "F32, F16 or BF16");
    }
    return values;
  }

  /**
   * Reads a tensor of type F64, F32, F16 or BF16; the narrow types are widened without loss.
   *
   * @throws IOException if there is no such tensor, it has another type or reading fails
   */
  public double[] doubles(String name) throws IOException {
    var entry = entry(name);
    if (type(name) != Type.F64) {
      float[] narrow = floats(name);
      var values = new double[narrow.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = narrow[i];
      }
      return values;
    }
    var values = new double[count(name, entry)];
    forEachPart(
        entry,
        Double.BYTES,
        (part, first) -> part.asDoubleBuffer().get(values, first, part.remaining() / Double.BYTES));
    return values;
  }

  /**
   * Reads a tensor of type I32.
   *
   * @throws IOException if there is no such tensor, it has another type or reading fails
   */
  public int[] ints(String name) throws IOException {
    var entry = require(name, Type.I32);
    var values = new int[count(name, entry)];
    forEachPart(
        entry,
        Integer.BYTES,
        (part, first) -> part.asIntBuffer().get(values, first, part.remaining() / Integer.BYTES));
    return values;
  }

  /**
   * Reads a tensor of type I64.
   *
   * @throws IOException if there is no such tensor, it has another type or reading fails
   */
  public long[] longs(String name) throws IOException {
    var entry = require(name, Type.I64);
    var values = new long[count(name, entry)];
    forEachPart(
        entry,
        Long.BYTES,
        (part, first) -> part.asLongBuffer().get(values, first, part.remaining() / Long.BYTES));
    return values;
  }

  /**
   * Reads the bytes of a tensor of any type as they stand in the file.
   *
   * @throws IOException if there is no such tensor, it has more than 2 GiB or reading fails
   */
  public byte[] bytes(String name) throws IOException {
    var entry = entry(name);
    long bytes = entry.end() - entry.begin();
    if (bytes > Integer.MAX_VALUE - 8) {
      throw new IOException(file + ": " + name + " has " + bytes + " bytes, too many for an array");
    }
    var values = new byte[(int) bytes];
    forEachPart(entry, 1, (part, first) -> part.get(values, first, part.remaining()));
    return values;
  }

  /** Returns the path of the file. */
  @Override
  public String toString() {
    return file.toString();
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private Entry entry(String name) throws IOException {
    var entry = header.entries().get(name);
    if (entry == null) {
      throw new IOException(file + ": no tensor " + name + " among " + someNames());
    }
    return entry;
  }

  private String someNames() {
    List<String> some = names().stream().limit(SOME_NAMES).toList();
    int rest = names().size() - some.size();
    return rest == 0 ? some.toString() : some + " and " + rest + " more";
  }

  private Entry require(String name, Type type) throws IOException {
    var entry = entry(name);
    if (type(name) != type) {
      throw wrongType(name, entry, type.name());
    }
    return entry;
  }

  private int count(String name, Entry entry) throws IOException {
    if (entry.elements() > Integer.MAX_VALUE - 8) {
      throw new IOException(
          file + ": " + name + " has " + entry.elements() + " elements, too many for an array");
    }
    return (int) entry.elements();
  }

  private interface PartReader {
    void read(ByteBuffer part, int firstElement);
  }

  private void forEachPart(Entry entry, int width, PartReader reader) throws IOException {
    // A power of two, so that no element is split.
    long step = 1 << 20;
    for (long at = entry.begin(); at < entry.end(); at += step) {
      var part = readAt(dataStart + at, (int) Math.min(step, entry.end() - at));
      reader.read(part, (int) ((at - entry.begin()) / width));
    }
  }

  private ByteBuffer readAt(long position, int bytes) throws IOException {
    var buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      int count;
      try {
        count = channel.read(buffer, position + buffer.position());
      } catch (IOException e) {
        throw FileFailure.of(file, e);
      }
      if (count < 0) {
        throw new EOFException(file + ": the file ends before byte " + (position + bytes));
      }
    }
    return buffer.flip();
  }

  private IOException wrongType(String name, Entry entry, String wanted) {
    return new IOException(file + ": " + name + " is " + entry.typeName() + ", not " + wanted);
  }
}
