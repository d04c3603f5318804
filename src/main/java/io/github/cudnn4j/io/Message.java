package io.github.cudnn4j.io;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A message of protocol buffers: fields, each with its number and a value. What the fields mean is
 * told by a schema, which this knows nothing of.
 *
 * <p>It is nothing but the bytes, which each method reads anew, so that what a file makes of its
 * reader's memory is bounded by what is asked of it.
 *
 * @see MessageWriter
 * @see <a href="https://protobuf.dev/programming-guides/encoding/">The encoding</a>
 */
public final class Message {

  static final int VARINT = 0;
  static final int FIXED_64 = 1;
  static final int BYTES = 2;
  static final int FIXED_32 = 5;

  private static final int MOST_VARINT_BYTES = 10;

  private final ByteBuffer encoding;

  private Message(ByteBuffer encoding) {
    this.encoding = encoding;
  }

  /** Takes messages one by one. */
  @FunctionalInterface
  public interface Reader {
    /**
     * Takes one.
     *
     * @throws IOException if it is not as expected
     */
    void read(Message message) throws IOException;
  }

  /** Goes from field to field, or to those of one number. */
  private static final class Cursor {
    private final ByteBuffer in;
    private final ByteBuffer packed;
    private int field;
    private int kind;

    /** The value unless it is bytes. */
    private long number;

    /** Where bytes are. */
    private int start;

    private int length;

    Cursor(ByteBuffer encoding) {
      in = encoding.duplicate().order(ByteOrder.LITTLE_ENDIAN);
      packed = encoding.duplicate();
    }

    boolean next() throws IOException {
      if (!in.hasRemaining()) {
        return false;
      }
      int at = in.position();
      long head = varint(in);
      kind = (int) (head & 7);
      if (head >>> 3 < 1 || head >>> 3 > Integer.MAX_VALUE >> 2) {
        throw new IOException("field number " + (head >>> 3) + " at byte " + at);
      }
      field = (int) (head >>> 3);
      switch (kind) {
        case VARINT -> number = varint(in);
        case FIXED_64 -> number = require(in, Long.BYTES).getLong();
        case FIXED_32 -> number = require(in, Integer.BYTES).getInt();
        case BYTES -> {
          long bytes = varint(in);
          start = require(in, bytes).position();
          length = (int) bytes;
          in.position(start + length);
        }
        default -> throw new IOException("a field of unknown kind " + kind + " at " + at);
      }
      return true;
    }

    boolean next(int wanted) throws IOException {
      while (next()) {
        if (field == wanted) {
          return true;
        }
      }
      return false;
    }

    ByteBuffer bytes() throws IOException {
      requireBytes();
      return in.slice(start, length).order(ByteOrder.LITTLE_ENDIAN);
    }

    void requireBytes() throws IOException {
      if (kind != BYTES) {
        throw new IOException("field " + field + " is a number, must be bytes");
      }
    }

    /** Returns packed numbers, until the next are asked for. */
    ByteBuffer packed() {
      return packed.limit(start + length).position(start);
    }

    String text() throws IOException {
      return length == 0 && kind == BYTES ? "" : UTF_8.decode(bytes()).toString();
    }
  }

  private static ByteBuffer require(ByteBuffer in, long bytes) throws IOException {
    if (bytes < 0 || bytes > in.remaining()) {
      throw new IOException(
          "cut off: " + bytes + " bytes at byte " + in.position() + " of " + in.limit());
    }
    return in;
  }

  private static long varint(ByteBuffer in) throws IOException {
    long value = 0;
    for (int i = 0; i < MOST_VARINT_BYTES; i++) {
      byte next = require(in, 1).get();
      value |= (next & 0x7fL) << 7 * i;
      if (next >= 0) {
        return value;
      }
    }
    throw new IOException("an endless number at byte " + in.position());
  }

  /**
   * Reads a message, without those in it.
   *
   * @param encoding from its position to its limit; the bytes are borrowed, not copied
   * @throws IOException if it is cut off or is no message
   */
  public static Message parse(ByteBuffer encoding) throws IOException {
    var message = new Message(encoding.slice());
    var cursor = new Cursor(message.encoding);
    while (cursor.next()) {
      // Whatever is wrong is found here, not when a field is asked for.
    }
    return message;
  }

  /** Returns how many such fields there are. */
  public int count(int field) throws IOException {
    var cursor = new Cursor(encoding);
    int count = 0;
    while (cursor.next(field)) {
      count++;
    }
    return count;
  }

  /**
   * Returns a number: a varint, or the bits of a fixed one; of several the last.
   *
   * @param absent what to return if there is none
   * @throws IOException if packed ones are cut off
   */
  public long number(int field, long absent) throws IOException {
    var cursor = new Cursor(encoding);
    long last = absent;
    while (cursor.next(field)) {
      if (cursor.kind == BYTES) {
        for (ByteBuffer packed = cursor.packed(); packed.hasRemaining(); ) {
          last = varint(packed);
        }
      } else {
        last = cursor.number;
      }
    }
    return last;
  }

  /**
   * Returns all varints of a field, one by one or packed, or the bits of its fixed numbers, one by
   * one.
   *
   * @throws IOException if packed ones are cut off
   */
  public long[] numbers(int field) throws IOException {
    var values = new long[numbers(field, null)];
    numbers(field, values);
    return values;
  }

  /** Counts numbers, and takes them if there is something to put them into. */
  private int numbers(int field, long @Nullable [] values) throws IOException {
    var cursor = new Cursor(encoding);
    int count = 0;
    while (cursor.next(field)) {
      if (cursor.kind == BYTES) {
        for (ByteBuffer packed = cursor.packed(); packed.hasRemaining(); count++) {
          long value = varint(packed);
          if (values != null) {
            values[count] = value;
          }
        }
      } else {
        if (values != null) {
          values[count] = cursor.number;
        }
        count++;
      }
    }
    return count;
  }

  /**
   * Returns all fixed numbers of a field, one by one or packed, as little-endian bytes.
   *
   * @param size 4 or 8, the bytes of a number
   * @throws IOException if they have another size
   */
  public ByteBuffer fixed(int field, int size) throws IOException {
    int kind = size == Long.BYTES ? FIXED_64 : FIXED_32;
    int bytes = 0;
    var cursor = new Cursor(encoding);
    while (cursor.next(field)) {
      if (cursor.kind != kind && (cursor.kind != BYTES || cursor.length % size != 0)) {
        throw new IOException("field " + field + " has no numbers of " + size + " bytes");
      }
      bytes += cursor.kind == BYTES ? cursor.length : size;
    }
    ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    cursor = new Cursor(encoding);
    while (cursor.next(field)) {
      switch (cursor.kind) {
        case BYTES -> out.put(cursor.bytes());
        case FIXED_64 -> out.putLong(cursor.number);
        default -> out.putInt((int) cursor.number);
      }
    }
    return out.flip();
  }

  /**
   * Returns bytes, borrowed; of several fields the last's, null if there is none.
   *
   * @throws IOException if one is a number
   */
  public @Nullable ByteBuffer bytes(int field) throws IOException {
    var cursor = new Cursor(encoding);
    int start = -1;
    int length = 0;
    while (cursor.next(field)) {
      cursor.requireBytes();
      start = cursor.start;
      length = cursor.length;
    }
    return start < 0 ? null : encoding.slice(start, length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Returns a text, of several the last; empty if there is none.
   *
   * @throws IOException if the field is a number
   */
  public String text(int field) throws IOException {
    List<String> all = texts(field);
    return all.isEmpty() ? "" : all.getLast();
  }

  /**
   * Returns all texts of a field.
   *
   * @throws IOException if one is a number
   */
  public List<String> texts(int field) throws IOException {
    var texts = new ArrayList<String>();
    var cursor = new Cursor(encoding);
    while (cursor.next(field)) {
      texts.add(cursor.text());
    }
    return texts;
  }

  /**
   * Returns a message, of several the last; null if there is none.
   *
   * @throws IOException if the field is a number or cannot be read
   */
  public @Nullable Message message(int field) throws IOException {
    ByteBuffer last = bytes(field);
    return last == null ? null : parse(last);
  }

  /**
   * Reads all messages of a field.
   *
   * @throws IOException if one is a number or cannot be read
   */
  public void messages(int field, Reader reader) throws IOException {
    var cursor = new Cursor(encoding);
    while (cursor.next(field)) {
      reader.read(parse(cursor.bytes()));
    }
  }
}
