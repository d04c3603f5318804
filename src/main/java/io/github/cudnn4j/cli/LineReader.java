package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.TextEncodingException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Queue;

/**
 * The lines of a stream, which may come one by one. Owner of the stream.
 *
 * <p>A line ends with a line feed, or a carriage return and a line feed. A byte-order mark at the
 * beginning is no part of the first one.
 */
final class LineReader implements AutoCloseable {

  private static final int PIECE = 1 << 16;
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final String name;
  private final InputStream in;
  private final CharsetDecoder decoder;
  private final ByteBuffer bytes = ByteBuffer.allocate(PIECE).flip();
  private final CharBuffer chars = CharBuffer.allocate(PIECE);
  private final StringBuilder line = new StringBuilder();
  private final Queue<String> lines = new ArrayDeque<>();
  private long ended;
  private boolean atEnd;
  private int wrong = -1;

  /**
   * Begins to read.
   *
   * @param name of the stream, for messages
   */
  LineReader(String name, InputStream in, Charset encoding) {
    this.name = name;
    this.in = in;
    decoder = encoding.newDecoder();
  }

  /**
   * Returns the lines that are there by now, at least one unless the stream has ended; waits for
   * that one.
   *
   * @param most how many at most
   * @throws TextEncodingException if the next line has bytes that mean nothing in the encoding
   */
  List<String> next(int most) throws IOException {
    while (lines.isEmpty() && !atEnd && wrong < 0) {
      read();
    }
    if (lines.isEmpty() && wrong >= 0) {
      throw new TextEncodingException(
          String.format(
              Locale.ROOT,
              "%s is not %s: byte 0x%02X in line %d is wrong",
              name,
              decoder.charset(),
              wrong,
              ended + 1));
    }
    List<String> some = new ArrayList<>();
    while (some.size() < most && !lines.isEmpty()) {
      some.add(lines.remove());
    }
    return some;
  }

  private void read() throws IOException {
    bytes.compact();
    int count;
    try {
      count = in.read(bytes.array(), bytes.position(), bytes.remaining());
    } catch (IOException e) {
      throw new IOException(name + ": " + e.getMessage(), e);
    }
    bytes.position(bytes.position() + Math.max(0, count)).flip();
    CoderResult result;
    do {
      result = decoder.decode(bytes, chars, count < 0);
      if (count < 0 && result.isUnderflow()) {
        result = decoder.flush(chars);
      }
      chars.flip();
      while (chars.hasRemaining()) {
        add(chars.get());
      }
      chars.clear();
    } while (result.isOverflow());
    if (result.isError()) {
      wrong = Byte.toUnsignedInt(bytes.get(bytes.position()));
    } else if (count < 0) {
      atEnd = true;
      if (!line.isEmpty()) {
        end();
      }
    }
  }

  private void add(char c) {
    if (c == '\n') {
      end();
    } else if (c != BYTE_ORDER_MARK || ended > 0 || !line.isEmpty()) {
      line.append(c);
    }
  }

  private void end() {
    int last = line.length() - 1;
    if (last >= 0 && line.charAt(last) == '\r') {
      line.setLength(last);
    }
    lines.add(line.toString());
    line.setLength(0);
    ended++;
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
