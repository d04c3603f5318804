package io.github.cudnn4j.cli;

import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.model.TextEncodingException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.Charset;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class LineReaderTest {

  /** Gives one piece at each call. */
  private static LineReader reader(Charset encoding, byte[]... pieces) {
    ArrayDeque<byte[]> left = new ArrayDeque<>(Arrays.asList(pieces));
    InputStream in =
        new InputStream() {
          @Override
          public int read() {
            throw new UnsupportedOperationException();
          }

          @Override
          public int read(byte[] to, int at, int most) {
            if (left.isEmpty()) {
              return -1;
            }
            byte[] piece = left.remove();
            System.arraycopy(piece, 0, to, at, piece.length);
            return piece.length;
          }
        };
    return new LineReader("somewhere", in, encoding);
  }

  private static byte[] hex(String hex) {
    return HexFormat.ofDelimiter(" ").parseHex(hex);
  }

  @Test
  void linesAreReturnedOnceTheyAreThere() throws IOException {
    byte[] first = "\uFEFFa\nbc\r\nö".getBytes(UTF_8);
    byte[] second = Arrays.copyOfRange(first, first.length - 1, first.length);
    LineReader lines =
        reader(
            UTF_8, Arrays.copyOf(first, first.length - 1), second, "x".getBytes(UTF_8), hex("0A"));
    assertEquals(List.of("a"), lines.next(1));
    assertEquals(List.of("bc"), lines.next(9));
    assertEquals(List.of("öx"), lines.next(9));
    assertEquals(List.of(), lines.next(9));
  }

  @Test
  void theLastLineNeedsNoEnd() throws IOException {
    LineReader lines = reader(UTF_16LE, "\n\nab".getBytes(UTF_16LE));
    assertEquals(List.of("", ""), lines.next(9));
    assertEquals(List.of("ab"), lines.next(9));
    assertEquals(List.of(), lines.next(9));
  }

  @Test
  void whatIsWrongIsToldBehindTheLinesBefore() throws IOException {
    LineReader lines = reader(UTF_8, hex("61 0A 62 0A 63 FF 0A 64 0A"));
    assertEquals(List.of("a", "b"), lines.next(9));
    assertWrong("somewhere is not UTF-8: byte 0xFF in line 3 is wrong", lines);
    assertWrong(
        "somewhere is not UTF-8: byte 0xC3 in line 1 is wrong", reader(UTF_8, hex("61 C3")));
  }

  @Test
  void aFailureTellsWhatIsRead() {
    InputStream broken =
        new InputStream() {
          @Override
          public int read() throws IOException {
            throw new IOException("Input/output error");
          }
        };
    var failed =
        assertThrows(IOException.class, () -> new LineReader("somewhere", broken, UTF_8).next(9));
    assertEquals("somewhere: Input/output error", failed.getMessage());
  }

  private static void assertWrong(String message, LineReader lines) {
    assertEquals(
        message, assertThrows(TextEncodingException.class, () -> lines.next(9)).getMessage());
  }
}
