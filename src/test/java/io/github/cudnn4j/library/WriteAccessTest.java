package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files that another user could have written. */
class WriteAccessTest {
  /** No user of an ordinary system. */
  private static final int STRANGER = 54_321;

  @TempDir private Path root;
  private Path folder;
  private Path file;

  @BeforeEach
  void makeFile() throws IOException {
    root = root.toRealPath();
    folder = Files.createDirectory(root.resolve("folder"));
    file = Files.createFile(folder.resolve("library.so"));
    permit(folder, "rwxr-xr-x");
    permit(file, "rw-r--r--");
  }

  private static void permit(Path path, String permissions) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
  }

  private static void give(Path path, String what) throws IOException {
    assumeTrue(Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0), "only root can");
    Files.setAttribute(path, "unix:" + what, STRANGER, LinkOption.NOFOLLOW_LINKS);
  }

  private String refusal(Path path) {
    var refusal = WriteAccess.refusal(path);
    return refusal == null ? "" : refusal.replace(root.toString(), "");
  }

  @Test
  void aFileThatOnlyItsUserCanWriteIsSafe() {
    assertNull(WriteAccess.refusal(file));
  }

  @Test
  void everybodyMayWriteTheFile() throws IOException {
    permit(file, "rw-r--rw-");
    assertEquals("can be replaced by everybody (who may write /folder/library.so)", refusal(file));
  }

  @Test
  void everybodyMayWriteAFolderAboveIt() throws IOException {
    permit(folder, "rwxr-xrwx");
    assertEquals("can be replaced by everybody (who may write /folder)", refusal(file));
  }

  @Test
  void nobodyCanReplaceAFileInAStickyFolder() throws IOException {
    Files.setAttribute(folder, "unix:mode", 01777);
    assertNull(WriteAccess.refusal(file));
  }

  @Test
  void theGroupThatHasItsUsersNameIsThatUser() throws IOException {
    permit(folder, "rwxrwxr-x");
    assertNull(WriteAccess.refusal(file));
    give(folder, "gid");
    assertEquals("can be replaced by the group 54321 (which may write /folder)", refusal(file));
  }

  @Test
  void anotherUsersFileIsRefused() throws IOException {
    give(file, "uid");
    assertEquals("belongs to another user (/folder/library.so to 54321)", refusal(file));
  }

  @Test
  void linksAreFollowed() throws IOException {
    var open = Files.createDirectory(root.resolve("open"));
    var target = Files.createFile(open.resolve("library.so.1"));
    var link = Files.createSymbolicLink(folder.resolve("link"), Path.of("../open"));
    assertNull(WriteAccess.refusal(link.resolve("library.so.1")));
    permit(open, "rwxrwxrwx");
    assertEquals(
        "can be replaced by everybody (who may write /folder/../open)",
        refusal(link.resolve("library.so.1")));
    assertEquals(
        "can be replaced by everybody (who may write /open)",
        refusal(Files.createSymbolicLink(folder.resolve("full"), target)));
    var circle = Files.createSymbolicLink(folder.resolve("circle"), Path.of("circle"));
    assertEquals("too many links lead to it", refusal(circle));
  }

  @Test
  void anotherUsersLinkIsRefused() throws IOException {
    var link = Files.createSymbolicLink(folder.resolve("link"), file);
    give(link, "uid");
    assertEquals("belongs to another user (/folder/link to 54321)", refusal(link));
  }
}
