package io.github.cudnn4j.library;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where this library keeps what it can make again: {@code $XDG_CACHE_HOME/cudnn4j}, by default
 * {@code ~/.cache/cudnn4j}.
 */
public final class UserCache {
  private static final Set<PosixFilePermission> PRIVATE =
      PosixFilePermissions.fromString("rwx------");

  private UserCache() {}

  /**
   * Returns the folder, made if it is not there, in which no other user can write.
   *
   * @throws IOException if the user has no home folder, if the folder cannot be made, or if another
   *     user could put files into it; the message says what to do
   */
  public static Path open() throws IOException {
    return open(Environment.ofProcess());
  }

  private static @Nullable Path folder(Environment environment) {
    var cacheHome = Environment.fullPath(environment.variable().apply("XDG_CACHE_HOME"));
    if (cacheHome != null) {
      return cacheHome.resolve("cudnn4j");
    }
    var home = Environment.fullPath(environment.property().apply("user.home"));
    return home == null ? null : home.resolve(".cache").resolve("cudnn4j");
  }

  static Path open(Environment environment) throws IOException {
    var folder = folder(environment);
    if (folder == null) {
      throw new IOException("this user has no home folder");
    }
    makePrivate(folder);
    var refusal = WriteAccess.refusal(folder);
    if (refusal != null) {
      throw new FileSystemException(folder.toString(), null, refusal);
    }
    return folder;
  }

  /** Makes a folder that only its owner can read and write, or takes others' rights away. */
  static void makePrivate(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      Files.createDirectories(folder, PosixFilePermissions.asFileAttribute(PRIVATE));
    } else if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
        && WriteAccess.isOwn(folder)
        && othersCanWrite(Files.getPosixFilePermissions(folder))) {
      Files.setPosixFilePermissions(folder, PRIVATE);
    }
  }

  private static boolean othersCanWrite(Set<PosixFilePermission> permissions) {
    return permissions.contains(PosixFilePermission.GROUP_WRITE)
        || permissions.contains(PosixFilePermission.OTHERS_WRITE);
  }
}
