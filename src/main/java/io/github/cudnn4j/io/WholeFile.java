package io.github.cudnn4j.io;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Reads files as a whole, and writes them so that there is never a part of one: where writing fails
 * or the process ends, what was there before still is. Only a process that is killed leaves a part
 * beside it, whose name ends in {@code .partial}. May be used from any thread.
 */
public final class WholeFile {

  private static final int KEPT_OF_NAME = 64;

  /** The longest array of a JVM is shorter than an int's largest number. */
  private static final int MOST_READ = Integer.MAX_VALUE - 8;

  private WholeFile() {}

  /** What a file is to hold. */
  @FunctionalInterface
  public interface Content {
    /** Writes all of it. */
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Returns all bytes of a file.
   *
   * @throws IOException if it cannot be read or has more than an array; the message tells the file
   */
  public static byte[] read(Path file) throws IOException {
    try {
      long bytes = Files.size(file);
      if (bytes > MOST_READ) {
        throw new FileSystemException(
            file.toString(),
            null,
            "it has " + bytes + " bytes, at most " + MOST_READ + " are read");
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw FileFailure.of(file, e);
    }
  }

  /**
   * Writes a file in place of what is there, and forces it to the disk. A link stays one; what is
   * no regular file, such as a device, is written to as it is.
   *
   * @throws IOException if the folder is not there, writing fails, or the thread is interrupted;
   *     the message tells the file
   */
  public static void write(Path file, Content content) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      try (var channel = FileChannel.open(file, WRITE, TRUNCATE_EXISTING)) {
        content.writeTo(channel);
      } catch (IOException e) {
        throw FileFailure.of(file, e);
      }
      return;
    }
    Path target = (Files.exists(file) ? file.toRealPath() : file).toAbsolutePath();
    Path partial = target.resolveSibling(partial(target.getFileName().toString()));
    Thread deletion = deleteAtExit(partial);
    try {
      try (var channel = FileChannel.open(partial, CREATE_NEW, WRITE)) {
        content.writeTo(channel);
        channel.force(true);
      }
      Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      throw new NoSuchFileException(file.toString());
    } catch (AccessDeniedException e) {
      throw new AccessDeniedException(file.toString());
    } catch (FileSystemException e) {
      throw partial.toString().equals(e.getFile())
          ? new FileSystemException(file.toString(), null, e.getReason())
          : e;
    } catch (IOException e) {
      throw FileFailure.of(file, e);
    } finally {
      keepAtExit(deletion);
      Files.deleteIfExists(partial);
    }
  }

  /** For a process that a signal ends meanwhile. */
  private static Thread deleteAtExit(Path partial) {
    var deletion = new Thread(() -> partial.toFile().delete());
    try {
      Runtime.getRuntime().addShutdownHook(deletion);
    } catch (IllegalStateException e) {
      // It ends already.
    }
    return deletion;
  }

  /** What is to be done at the end would otherwise keep this class for ever. */
  private static void keepAtExit(Thread deletion) {
    try {
      Runtime.getRuntime().removeShutdownHook(deletion);
    } catch (IllegalStateException e) {
      // It ends, and the file is deleted.
    }
  }

  /** As {@link #write(Path, Content)}, of bytes, also in a thread that is interrupted. */
  public static void write(Path file, byte[] bytes) throws IOException {
    Uninterrupted.<@Nullable Void>run(
        () -> {
          write(
              file,
              channel -> {
                var left = ByteBuffer.wrap(bytes);
                while (left.hasRemaining()) {
                  channel.write(left);
                }
              });
          return null;
        });
  }

  /** Returns a name that begins as the file's, so that who cleans up finds it. */
  private static String partial(String name) {
    int end = Math.min(KEPT_OF_NAME, name.length());
    // Half of a pair of surrogates has no form in a file's name.
    boolean inPair = end < name.length() && Character.isLowSurrogate(name.charAt(end));
    String kept = name.substring(0, inPair ? end - 1 : end);
    return kept + "." + UUID.randomUUID() + ".partial";
  }
}
