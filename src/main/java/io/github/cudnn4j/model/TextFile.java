package io.github.cudnn4j.model;

import io.github.cudnn4j.io.FileFailure;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.Charset;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;
import java.util.function.IntPredicate;

/**
 * A text in a file, decoded piece by piece. A byte-order mark at its beginning is no part of it. In
 * ISO-8859-1 each byte of any file is the character of its number, as {@link
 * Vocabulary.Units#BYTES} needs them.
 *
 * <p>Immutable, safe for use by several threads.
 */
public final class TextFile implements Text {
  private static final int PIECE = 1 << 16;
  private static final int BYTE_ORDER_MARK = 0xFEFF;

  private final Path name;
  private final Path file;
  private final Charset encoding;

  private TextFile(Path name, Path file, Charset encoding) {
    this.name = name;
    this.file = file;
    this.encoding = encoding;
  }

  /**
   * Names a file. What is no regular file, such as a pipe, can be read only once, and is copied to
   * a temporary file.
   *
   * @throws IOException if the file cannot be opened or copied
   */
  public static TextFile of(Path file, Charset encoding) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      if (Files.isRegularFile(file)) {
        return new TextFile(file, file, encoding);
      }
      Path copy = Files.createTempFile("cudnn4j-text", null);
      copy.toFile().deleteOnExit();
      try {
        Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException e) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s cannot be copied to %s (%s); -Djava.io.tmpdir=DIR names another folder",
                file,
                copy,
                e.getMessage()),
            e);
      }
      return new TextFile(file, copy, encoding);
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws TextEncodingException if the file has bytes that mean nothing in its encoding
   */
  @Override
  public void read(IntPredicate reader) throws IOException {
    CharsetDecoder decoder = encoding.newDecoder();
    ByteBuffer bytes = ByteBuffer.allocate(PIECE).flip();
    CharBuffer chars = CharBuffer.allocate(PIECE);
    Cursor cursor = new Cursor(reader);
    try (FileChannel channel = FileChannel.open(file)) {
      boolean ended = false;
      while (true) {
        if (!ended) {
          ended = isAtEnd(channel, bytes.compact());
          bytes.flip();
        }
        CoderResult result = decoder.decode(bytes, chars, ended);
        if (ended && result.isUnderflow()) {
          result = decoder.flush(chars);
        }
        if (!cursor.pass(chars.flip())) {
          return;
        }
        chars.clear();
        if (result.isError()) {
          throw wrong(channel, channel.position() - bytes.remaining(), cursor.line);
        }
        if (ended && result.isUnderflow()) {
          return;
        }
      }
    }
  }

  private boolean isAtEnd(FileChannel channel, ByteBuffer bytes) throws IOException {
    try {
      return channel.read(bytes) < 0;
    } catch (IOException e) {
      throw FileFailure.of(name, e);
    }
  }

  private TextEncodingException wrong(FileChannel channel, long offset, long line)
      throws IOException {
    byte[] head = read(channel, 0);
    byte[] around = read(channel, Math.max(0, offset - PIECE / 2));
    int found = Byte.toUnsignedInt(read(channel, offset)[0]);
    return new TextEncodingException(
        String.format(
            Locale.ROOT,
            "%s is not %s: byte 0x%02X at offset %d, in line %d, is wrong; %s",
            name,
            encoding,
            found,
            offset,
            line,
            EncodingGuess.of(head, around)));
  }

  private static byte[] read(FileChannel channel, long offset) throws IOException {
    return Channels.newInputStream(channel.position(offset)).readNBytes(PIECE);
  }

  /** Where the reader is: knows the line, and puts pairs of surrogates together. */
  private static final class Cursor {
    private final IntPredicate reader;
    private long line = 1;
    private boolean begun;
    private char high;

    Cursor(IntPredicate reader) {
      this.reader = reader;
    }

    boolean pass(CharBuffer chars) {
      while (chars.hasRemaining()) {
        char c = chars.get();
        if (Character.isHighSurrogate(c)) {
          high = c;
          continue;
        }
        int character = Character.isLowSurrogate(c) ? Character.toCodePoint(high, c) : c;
        boolean mark = character == BYTE_ORDER_MARK && !begun;
        begun = true;
        if (!mark && !reader.test(character)) {
          return false;
        }
        line += character == '\n' ? 1 : 0;
      }
      return true;
    }
  }
}
