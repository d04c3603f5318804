package io.github.cudnn4j.io;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class MessageTest {

  private static Message parse(String hex) throws IOException {
    return Message.parse(ByteBuffer.wrap(HexFormat.of().parseHex(hex)));
  }

  /** The examples of the encoding's description. */
  @Test
  void theEncodingIsTheDocumentedOne() throws IOException {
    assertEquals(
        "089601", HexFormat.of().formatHex(new MessageWriter().varint(1, 150).toByteArray()));
    assertEquals(
        "120774657374696e67",
        HexFormat.of().formatHex(new MessageWriter().text(2, "testing").toByteArray()));
    assertEquals(
        "1a03089601",
        HexFormat.of()
            .formatHex(
                new MessageWriter().message(3, new MessageWriter().varint(1, 150)).toByteArray()));
    assertArrayEquals(new long[] {3, 270, 86942}, parse("3206038e029ea705").numbers(6));
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    MessageWriter inner = new MessageWriter().text(1, "é").text(1, "");
    byte[] bytes =
        new MessageWriter()
            .varint(1, -1)
            .varint(1, 5)
            .fixed32(2, Float.floatToRawIntBits(1.5f))
            .fixed64(3, Double.doubleToRawLongBits(2.5))
            .message(400, inner)
            .toByteArray();
    Message read = Message.parse(ByteBuffer.wrap(bytes));
    assertArrayEquals(new long[] {-1, 5}, read.numbers(1));
    assertEquals(5, read.number(1, 0));
    assertEquals(7, read.number(9, 7));
    assertEquals(1.5f, read.fixed(2, Float.BYTES).getFloat());
    assertEquals(2.5, read.fixed(3, Double.BYTES).getDouble());
    assertEquals(List.of("é", ""), read.message(400).texts(1));
    assertEquals("", read.message(400).text(1));
    assertEquals(List.of(2, 1, 0), List.of(read.count(1), read.count(3), read.count(4)));
    assertNull(read.message(4));
  }

  @Test
  void whatIsNoMessageIsRefused() {
    for (String wrong :
        List.of(
            "08", "0880", "0a05aa", "0affffffffffffffffff01", "00", "0b", "0d0000", "09000000")) {
      assertThrows(IOException.class, () -> parse(wrong), wrong);
    }
    assertThrows(IOException.class, () -> parse("08ffffffffffffffffffff01"));
    assertThrows(IOException.class, () -> parse("0801").texts(1));
    assertThrows(IOException.class, () -> parse("0801").fixed(1, 4));
  }
}
