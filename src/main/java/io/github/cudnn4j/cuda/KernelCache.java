package io.github.cudnn4j.cuda;

import io.github.cudnn4j.io.WholeFile;
import io.github.cudnn4j.library.UserCache;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Compiled kernels in files of the {@link UserCache}, so that not every process compiles them: it
 * takes some tenths of a second a file.
 *
 * <p>A file is named by a checksum of all that decides what is in it, and begins with a checksum of
 * the rest: one that is damaged is made again. It appears by one rename when it is complete, so
 * that several processes may make it at once. Adding one deletes those that nobody has read for a
 * while. Where there is no cache, or it cannot be written, everything is compiled.
 */
final class KernelCache {
  private static final System.Logger LOG = System.getLogger(KernelCache.class.getName());
  private static final String PREFIX = "kernels-";
  private static final Duration KEPT_FOR = Duration.ofDays(30);

  private final @Nullable Path folder;

  /** Keeps files in a folder in which only this user can write, or nowhere. */
  KernelCache(@Nullable Path folder) {
    this.folder = folder;
  }

  /** Returns that of this user. */
  static KernelCache ofUser() {
    try {
      return new KernelCache(UserCache.open());
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "compiled kernels are not kept: {0}", e.toString());
      return new KernelCache(null);
    }
  }

  /**
   * Returns what is kept, or compiles and keeps it.
   *
   * @param from all that decides what the compiler makes: its version, options, sources
   */
  byte[] get(List<String> from, Supplier<byte[]> compiler) {
    if (folder == null) {
      return compiler.get();
    }
    var file = folder.resolve(PREFIX + name(from));
    var kept = read(file);
    if (kept != null) {
      return kept;
    }
    var made = compiler.get();
    try {
      write(file, made);
      prune(folder);
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "compiled kernels are not kept: {0}", e.toString());
    }
    return made;
  }

  private static String name(List<String> from) {
    var digest = digest();
    for (var part : from) {
      // With its length, so that no two lists read the same.
      digest.update((part.length() + ":" + part).getBytes(StandardCharsets.UTF_8));
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Returns null if there is no such file, or not what was written. */
  private static byte @Nullable [] read(Path file) {
    try {
      var bytes = Files.readAllBytes(file);
      var digest = digest();
      var start = digest.getDigestLength();
      if (bytes.length < start) {
        return null;
      }
      digest.update(bytes, start, bytes.length - start);
      if (!Arrays.equals(digest.digest(), Arrays.copyOf(bytes, start))) {
        return null;
      }
      Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
      return Arrays.copyOfRange(bytes, start, bytes.length);
    } catch (NoSuchFileException e) {
      return null;
    } catch (IOException e) {
      LOG.log(Level.DEBUG, "kept kernels cannot be read: {0}", e.toString());
      return null;
    }
  }

  private static void write(Path file, byte[] content) throws IOException {
    var sum = digest().digest(content);
    var whole = Arrays.copyOf(sum, sum.length + content.length);
    System.arraycopy(content, 0, whole, sum.length, content.length);
    WholeFile.write(file, whole);
  }

  private static void prune(Path folder) throws IOException {
    var limit = FileTime.from(Instant.now().minus(KEPT_FOR));
    try (var files = Files.newDirectoryStream(folder, PREFIX + "*")) {
      for (var file : files) {
        if (Files.getLastModifiedTime(file).compareTo(limit) < 0) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
