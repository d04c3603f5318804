package io.github.cudnn4j.io;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a message of protocol buffers, field by field.
 *
 * <pre>{@code
 * byte[] bytes = new MessageWriter().varint(1, 8).text(2, "cudnn4j").toByteArray();
 * Message read = Message.parse(ByteBuffer.wrap(bytes));
 * read.number(1, 0); // 8
 * }</pre>
 *
 * @see Message
 */
public final class MessageWriter {

  private final List<byte[]> pieces = new ArrayList<>();

  /** Has no field yet. */
  public MessageWriter() {}

  /** Adds a whole number, as {@code int32}, {@code int64}, {@code bool} and enums are written. */
  public MessageWriter varint(int field, long value) {
    return add(head(field, Message.VARINT), varint(value));
  }

  /** Adds 8 bytes, such as a {@code double}'s. */
  public MessageWriter fixed64(int field, long value) {
    return add(head(field, Message.FIXED_64), littleEndian(Long.BYTES).putLong(value).array());
  }

  /** Adds 4 bytes, such as a {@code float}'s. */
  public MessageWriter fixed32(int field, int value) {
    return add(head(field, Message.FIXED_32), littleEndian(Integer.BYTES).putInt(value).array());
  }

  /** Adds bytes, which are not copied. */
  public MessageWriter bytes(int field, byte[] value) {
    return add(head(field, Message.BYTES), varint(value.length), value);
  }

  /** Adds a text. */
  public MessageWriter text(int field, String value) {
    return bytes(field, value.getBytes(StandardCharsets.UTF_8));
  }

  /** Adds a message as it is at this moment. */
  public MessageWriter message(int field, MessageWriter value) {
    return bytes(field, value.toByteArray());
  }

  /** Returns the encoding, the fields in the order in which they were added. */
  public byte[] toByteArray() {
    ByteBuffer all =
        ByteBuffer.allocate(pieces.stream().mapToInt(p -> p.length).reduce(0, Math::addExact));
    pieces.forEach(all::put);
    return all.array();
  }

  private MessageWriter add(byte[]... added) {
    pieces.addAll(List.of(added));
    return this;
  }

  private static byte[] head(int field, int kind) {
    return varint((long) field << 3 | kind);
  }

  private static byte[] varint(long value) {
    int length = Math.max(1, Math.ceilDiv(Long.SIZE - Long.numberOfLeadingZeros(value), 7));
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[i] = (byte) (value >>> 7 * i & 0x7f | (i + 1 < length ? 0x80 : 0));
    }
    return bytes;
  }

  private static ByteBuffer littleEndian(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
