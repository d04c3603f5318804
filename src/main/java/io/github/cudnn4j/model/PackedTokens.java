package io.github.cudnn4j.model;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.github.cudnn4j.data.Tokens;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Tokens of as few bytes as their vocabulary needs: in an array, or if they are many, in a mapped
 * temporary file, so that memory and heap do not limit them.
 */
final class PackedTokens implements Tokens {
  private static final long MOST_IN_HEAP = 1 << 24;
  private static final int PIECE = 1 << 16;

  private final MemorySegment segment;
  private final int width;

  private PackedTokens(MemorySegment segment, int width) {
    this.segment = segment;
    this.width = width;
  }

  @Override
  public long length() {
    return segment.byteSize() / width;
  }

  @Override
  public int get(long index) {
    return switch (width) {
      case Byte.BYTES -> Byte.toUnsignedInt(segment.get(JAVA_BYTE, index));
      case Short.BYTES -> Short.toUnsignedInt(segment.get(JAVA_SHORT_UNALIGNED, 2 * index));
      default -> segment.get(JAVA_INT_UNALIGNED, 4 * index);
    };
  }

  /** Takes tokens one by one. */
  static final class Writer implements AutoCloseable {
    private final int width;
    private final ByteBuffer buffer;
    private final @Nullable FileChannel file;

    /**
     * @param length how many tokens there will be
     * @param classes above every token
     */
    Writer(long length, int classes) throws IOException {
      this(length, classes, MOST_IN_HEAP);
    }

    Writer(long length, int classes, long mostInHeap) throws IOException {
      width = classes <= 1 << Byte.SIZE ? 1 : classes <= 1 << Short.SIZE ? 2 : 4;
      boolean inHeap = length * width <= mostInHeap;
      buffer =
          ByteBuffer.allocate(inHeap ? (int) length * width : PIECE).order(ByteOrder.nativeOrder());
      file = inHeap ? null : temporary();
    }

    private static FileChannel temporary() throws IOException {
      Path path = Files.createTempFile("cudnn4j-tokens", null);
      return FileChannel.open(
          path,
          StandardOpenOption.READ,
          StandardOpenOption.WRITE,
          StandardOpenOption.DELETE_ON_CLOSE);
    }

    void add(int token) throws IOException {
      if (!buffer.hasRemaining()) {
        flush();
      }
      switch (width) {
        case Byte.BYTES -> buffer.put((byte) token);
        case Short.BYTES -> buffer.putShort((short) token);
        default -> buffer.putInt(token);
      }
    }

    private void flush() throws IOException {
      if (file == null) {
        throw new IllegalStateException("more tokens than announced: " + buffer.limit() / width);
      }
      try {
        buffer.flip();
        while (buffer.hasRemaining()) {
          file.write(buffer);
        }
        buffer.clear();
      } catch (IOException e) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "the folder %s has no room for the tokens of the text, %d bytes for each character"
                    + " (%s); -Djava.io.tmpdir=DIR names another one",
                System.getProperty("java.io.tmpdir"),
                width,
                e.getMessage()),
            e);
      }
    }

    /** Returns what was added; nothing can be added any more. */
    PackedTokens tokens() throws IOException {
      if (file == null) {
        return new PackedTokens(MemorySegment.ofBuffer(buffer.flip()), width);
      }
      flush();
      return new PackedTokens(
          file.map(FileChannel.MapMode.READ_ONLY, 0, file.size(), Arena.ofAuto()), width);
    }

    @Override
    public void close() throws IOException {
      if (file != null) {
        file.close();
      }
    }
  }
}
