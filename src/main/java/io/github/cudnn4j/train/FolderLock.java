package io.github.cudnn4j.train;

import io.github.cudnn4j.io.FileFailure;
import io.github.cudnn4j.io.Uninterrupted;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps all but one training out of a folder. The operating system gives the lock back when the
 * process ends, however it does; the file stays, with the number of the process that had it last,
 * unless the folder was made for the lock and nothing came into it: then both are deleted, as is a
 * file into which the number cannot be written.
 */
final class FolderLock implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger(Checkpoints.class.getName());
  private static final String NAME = ".lock";

  /**
   * The folders that this process has locked. To the operating system a lock is the process's, and
   * is lost when the process closes the file, were it opened a second time.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path folder;
  private final FileChannel channel;
  private final boolean made;

  private FolderLock(Path folder, FileChannel channel, boolean made) {
    this.folder = folder;
    this.channel = channel;
    this.made = made;
  }

  /**
   * Locks a folder, which is made if there is none.
   *
   * @throws IOException if another training has locked it, or it cannot be written to
   */
  static FolderLock acquire(Path folder) throws IOException {
    boolean made = !Files.exists(folder);
    Files.createDirectories(folder);
    Path real = folder.toRealPath();
    if (!HELD.add(real)) {
      throw used(folder, Long.toString(ProcessHandle.current().pid()));
    }
    try {
      return Uninterrupted.run(() -> lock(folder, real, made));
    } catch (IOException | RuntimeException | Error e) {
      if (made) {
        delete(real);
      }
      HELD.remove(real);
      throw e;
    }
  }

  private static FolderLock lock(Path folder, Path real, boolean made) throws IOException {
    Path file = real.resolve(NAME);
    var channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      if (isTaken(folder, channel)) {
        throw used(folder, Files.readString(file).strip());
      }
      tellProcess(file, channel);
      return new FolderLock(real, channel, made);
    } catch (IOException | RuntimeException | Error e) {
      try (channel) {
        throw e;
      }
    }
  }

  private static void tellProcess(Path file, FileChannel channel) throws IOException {
    var process = Long.toString(ProcessHandle.current().pid()) + "\n";
    try {
      channel.truncate(0);
      channel.write(ByteBuffer.wrap(process.getBytes(StandardCharsets.UTF_8)));
    } catch (ClosedByInterruptException e) {
      throw e;
    } catch (IOException e) {
      delete(file);
      throw FileFailure.of(file, e);
    }
  }

  private static boolean isTaken(Path folder, FileChannel channel) {
    try {
      return channel.tryLock() == null;
    } catch (OverlappingFileLockException e) {
      return true;
    } catch (IOException e) {
      LOG.log(
          Level.WARNING,
          "{0} cannot be locked ({1}): let no other training use it",
          folder,
          e.getMessage());
      return false;
    }
  }

  private static IOException used(Path folder, String process) {
    // Whoever has just locked it has not yet told.
    String who = process.isEmpty() ? "" : " (process " + process + ")";
    return new IOException("another training" + who + " uses " + folder);
  }

  @Override
  public void close() throws IOException {
    if (made) {
      deleteUnlessUsed();
    }
    channel.close();
    HELD.remove(folder);
  }

  private void deleteUnlessUsed() {
    try (var children = Files.list(folder)) {
      if (children.allMatch(child -> child.endsWith(NAME))) {
        delete(folder.resolve(NAME));
        delete(folder);
      }
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "{0} stays: {1}", folder, e.getMessage());
    }
  }

  /** Deletes a file, or a folder in which there is nothing. */
  private static void delete(Path path) {
    try {
      Files.deleteIfExists(path);
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "{0} stays: {1}", path, e.getMessage());
    }
  }
}
