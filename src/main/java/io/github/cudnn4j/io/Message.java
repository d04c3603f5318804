package io.github.cudnn4j.io;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;

/**
 * A message of protocol buffers, to be written or read: fields, each with its number and a value.
 * What the fields mean is told by a schema, which this knows nothing of.
 *
 * <pre>{@code
 * byte[] bytes = new Message().varint(1, 8).text(2, "cudnn4j").toByteArray();
 * Message read = Message.parse(ByteBuffer.wrap(bytes));
 * read.number(1, 0); // 8
 * }</pre>
 *
 * @see <a href="https://protobuf.dev/programming-guides/encoding/">The encoding</a>
 */
public final class Message {

  private static final int VARINT = 0;
  private static final int FIXED_64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED_32 = 5;

  private static final int MOST_VARINT_BYTES = 10;

  /**
   * A field.
   *
   * @param number the value unless it is bytes
   * @param bytes borrowed from what was parsed; empty unless the kind is {@link #BYTES}
   */
  private record Field(int field, int kind, long number, ByteBuffer bytes) {}

  private static final ByteBuffer NO_BYTES = ByteBuffer.allocate(0);

  private final List<Field> fields = new ArrayList<>();

  /** Has no field yet. */
  public Message() {}

  /** Adds a whole number, as {@code int32}, {@code int64}, {@code bool} and enums are written. */
  public Message varint(int field, long value) {
    fields.add(new Field(field, VARINT, value, NO_BYTES));
    return this;
  }

  /** Adds 8 bytes, such as a {@code double}'s. */
  public Message fixed64(int field, long value) {
    fields.add(new Field(field, FIXED_64, value, NO_BYTES));
    return this;
  }

  /** Adds 4 bytes, such as a {@code float}'s. */
  public Message fixed32(int field, int value) {
    fields.add(new Field(field, FIXED_32, value, NO_BYTES));
    return this;
  }

  /** Adds bytes, which are not copied. */
  public Message bytes(int field, byte[] value) {
    fields.add(new Field(field, BYTES, 0, ByteBuffer.wrap(value)));
    return this;
  }

  /** Adds a text. */
  public Message text(int field, String value) {
    return bytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds a message as it is at this moment. */
  public Message message(int field, Message value) {
    return bytes(field, value.toByteArray());
  }

  /** Returns the encoding, the fields in the order in which they were added. */
  public byte[] toByteArray() {
    var out = new ByteArrayOutputStream();
    for (Field field : fields) {
      write(out, (long) field.field << 3 | field.kind);
      switch (field.kind) {
        case VARINT -> write(out, field.number);
        case FIXED_64 -> out.writeBytes(littleEndian(Long.BYTES).putLong(field.number).array());
        case FIXED_32 ->
            out.writeBytes(littleEndian(Integer.BYTES).putInt((int) field.number).array());
        default -> {
          write(out, field.bytes.remaining());
          var bytes = new byte[field.bytes.remaining()];
          field.bytes.get(field.bytes.position(), bytes);
          out.writeBytes(bytes);
        }
      }
    }
    return out.toByteArray();
  }

  private static void write(ByteArrayOutputStream out, long value) {
    long left = value;
    while ((left & ~0x7fL) != 0) {
      out.write((int) (left & 0x7f | 0x80));
      left >>>= 7;
    }
    out.write((int) left);
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Reads a message, without those in it.
   *
   * @param encoding from its position to its limit; the bytes are borrowed, not copied
   * @throws IOException if it is cut off or is no message
   */
  public static Message parse(ByteBuffer encoding) throws IOException {
    ByteBuffer in = encoding.slice().order(ByteOrder.LITTLE_ENDIAN);
    var message = new Message();
    while (in.hasRemaining()) {
      int start = in.position();
      long head = varint(in);
      int kind = (int) (head & 7);
      long number = head >>> 3;
      if (number < 1 || number > Integer.MAX_VALUE >> 2) {
        throw new IOException("field number " + number + " at byte " + start);
      }
      int field = (int) number;
      message.fields.add(
          switch (kind) {
            case VARINT -> new Field(field, kind, varint(in), NO_BYTES);
            case FIXED_64 -> new Field(field, kind, take(in, Long.BYTES).getLong(), NO_BYTES);
            case FIXED_32 -> new Field(field, kind, take(in, Integer.BYTES).getInt(), NO_BYTES);
            case BYTES -> new Field(field, kind, 0, take(in, varint(in)));
            default -> throw new IOException("a field of unknown kind " + kind + " at " + start);
          });
    }
    return message;
  }

  private static ByteBuffer take(ByteBuffer in, long bytes) throws IOException {
    if (bytes < 0 || bytes > in.remaining()) {
      throw new IOException(
          "cut off: " + bytes + " bytes at byte " + in.position() + " of " + in.limit());
    }
    ByteBuffer taken = in.slice(in.position(), (int) bytes).order(ByteOrder.LITTLE_ENDIAN);
    in.position(in.position() + (int) bytes);
    return taken;
  }

  private static long varint(ByteBuffer in) throws IOException {
    long value = 0;
    for (int i = 0; i < MOST_VARINT_BYTES; i++) {
      byte next = take(in, 1).get();
      value |= (next & 0x7fL) << 7 * i;
      if (next >= 0) {
        return value;
      }
    }
    throw new IOException("an endless number at byte " + in.position());
  }

  /** Tells whether there is such a field. */
  public boolean has(int field) {
    return fields.stream().anyMatch(each -> each.field == field);
  }

  /**
   * Returns a number: a varint, or the bits of a fixed one; of several the last.
   *
   * @param absent what to return if there is none
   * @throws IOException if the field is of bytes
   */
  public long number(int field, long absent) throws IOException {
    long[] all = numbers(field);
    return all.length == 0 ? absent : all[all.length - 1];
  }

  /**
   * Returns all varints of a field, one by one or packed, or the bits of its fixed numbers, one by
   * one.
   *
   * @throws IOException if packed ones are cut off
   */
  public long[] numbers(int field) throws IOException {
    var values = LongStream.builder();
    for (Field each : fields) {
      if (each.field == field && each.kind == BYTES) {
        ByteBuffer packed = each.bytes.duplicate();
        while (packed.hasRemaining()) {
          values.add(varint(packed));
        }
      } else if (each.field == field) {
        values.add(each.number);
      }
    }
    return values.build().toArray();
  }

  /**
   * Returns all fixed numbers of a field, one by one or packed, as little-endian bytes.
   *
   * @param size 4 or 8, the bytes of a number
   * @throws IOException if they have another size
   */
  public ByteBuffer fixed(int field, int size) throws IOException {
    int kind = size == Long.BYTES ? FIXED_64 : FIXED_32;
    var out = new ByteArrayOutputStream();
    for (Field each : fields) {
      if (each.field == field && each.kind == BYTES && each.bytes.remaining() % size == 0) {
        var packed = new byte[each.bytes.remaining()];
        each.bytes.get(each.bytes.position(), packed);
        out.writeBytes(packed);
      } else if (each.field == field && each.kind == kind) {
        byte[] number = littleEndian(Long.BYTES).putLong(each.number).array();
        out.write(number, 0, size);
      } else if (each.field == field) {
        throw new IOException("field " + field + " has no numbers of " + size + " bytes");
      }
    }
    return ByteBuffer.wrap(out.toByteArray()).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Returns the bytes of each such field, borrowed.
   *
   * @throws IOException if one has a number
   */
  public List<ByteBuffer> bytes(int field) throws IOException {
    var found = new ArrayList<ByteBuffer>();
    for (Field each : fields) {
      if (each.field == field) {
        if (each.kind != BYTES) {
          throw new IOException("field " + field + " is a number, must be bytes");
        }
        found.add(each.bytes.duplicate().order(ByteOrder.LITTLE_ENDIAN));
      }
    }
    return found;
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
    return bytes(field).stream()
        .map(text -> StandardCharsets.UTF_8.decode(text).toString())
        .toList();
  }

  /**
   * Returns all messages of a field.
   *
   * @throws IOException if one is a number or cannot be read
   */
  public List<Message> messages(int field) throws IOException {
    var found = new ArrayList<Message>();
    for (ByteBuffer each : bytes(field)) {
      found.add(parse(each));
    }
    return found;
  }
}
