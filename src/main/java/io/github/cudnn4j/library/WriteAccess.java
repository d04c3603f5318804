package io.github.cudnn4j.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Whether another user could have written a file, or could put another one in its place. Code from
 * such a file is not run.
 *
 * <p>A file is safe if it and every folder and link on the way to it belongs to the superuser or to
 * this user, and neither its group nor everybody can write it. The superuser's group and the group
 * that has its user's name count as that user. In a folder with the sticky bit, as {@code /tmp},
 * everybody can add files, but nobody can replace another's.
 *
 * @see <a href="https://man7.org/linux/man-pages/man7/inode.7.html">inode(7)</a>
 */
final class WriteAccess {
  private static final int GROUP_WRITES = 0020;
  private static final int OTHERS_WRITE = 0002;
  private static final int STICKY = 01000;

  private static final int SUPERUSER = 0;

  /** As many as Linux follows. */
  private static final int MAX_LINKS = 40;

  private WriteAccess() {}

  /** Returns who else can write a file, in words that follow its name; null if nobody can. */
  static @Nullable String refusal(Path file) {
    try {
      return refusal(file.toAbsolutePath(), MAX_LINKS);
    } catch (IOException e) {
      return "cannot be examined: " + e;
    }
  }

  /** Returns whether a file belongs to this process's user. */
  static boolean isOwn(Path file) throws IOException {
    return (int) Files.getAttribute(file, "unix:uid", LinkOption.NOFOLLOW_LINKS) == user();
  }

  private static @Nullable String refusal(Path file, int links) throws IOException {
    var reached = file.getRoot();
    var refusal = refusalOf(reached);
    for (var i = 0; i < file.getNameCount() && refusal == null; i++) {
      reached = reached.resolve(file.getName(i));
      refusal = refusalOf(reached);
      if (refusal == null && Files.isSymbolicLink(reached)) {
        if (links == 0) {
          return "too many links lead to it";
        }
        var target = reached.resolveSibling(Files.readSymbolicLink(reached));
        var rest = file.subpath(i, file.getNameCount());
        return refusal(target.resolve(file.getName(i).relativize(rest)), links - 1);
      }
    }
    return refusal;
  }

  private static @Nullable String refusalOf(Path path) throws IOException {
    var attributes =
        Files.readAttributes(path, "unix:uid,gid,mode,owner,group", LinkOption.NOFOLLOW_LINKS);
    var owner = number(attributes, "uid");
    if (owner != SUPERUSER && owner != user() && !isHiddenSuperuser(owner)) {
      return "belongs to another user (" + path + " to " + attributes.get("owner") + ")";
    }
    var mode = number(attributes, "mode");
    if (Files.isSymbolicLink(path) || (Files.isDirectory(path) && (mode & STICKY) != 0)) {
      return null;
    }
    if ((mode & OTHERS_WRITE) != 0) {
      return "can be replaced by everybody (who may write " + path + ")";
    }
    var group = attributes.get("group").toString();
    if ((mode & GROUP_WRITES) != 0
        && number(attributes, "gid") != SUPERUSER
        && !group.equals(attributes.get("owner").toString())) {
      return "can be replaced by the group " + group + " (which may write " + path + ")";
    }
    return null;
  }

  private static int number(Map<String, Object> attributes, String name) {
    return (int) attributes.get(name);
  }

  /** Returns this process's user, to whom its entry in {@code /proc} belongs. */
  private static int user() throws IOException {
    return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  /**
   * In a user namespace that does not have the superuser, as containers without privileges make it,
   * the system's files seem to belong to the kernel's overflow user.
   */
  private static boolean isHiddenSuperuser(int owner) throws IOException {
    var overflow = Files.readString(Path.of("/proc/sys/kernel/overflowuid")).strip();
    return overflow.equals(String.valueOf(owner))
        && Files.readAllLines(Path.of("/proc/self/uid_map")).stream()
            .noneMatch(line -> line.strip().startsWith("0 "));
  }
}
