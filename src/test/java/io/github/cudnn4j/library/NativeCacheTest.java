package io.github.cudnn4j.library;

import static java.util.stream.Collectors.toSet;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Copies of a jar's files in the user's cache folder. */
class NativeCacheTest {
  private static final List<String> FILES = List.of("liba.so", "libb.so");

  @TempDir private Path folder;

  private Path jar(String name, String contents) throws IOException {
    var jar = folder.resolve(name);
    try (var out = new JarOutputStream(Files.newOutputStream(jar))) {
      for (var file : FILES) {
        out.putNextEntry(new JarEntry("native/" + file));
        out.write((file + contents).repeat(10_000).getBytes());
        out.closeEntry();
      }
    }
    return jar;
  }

  private NativeCache cache(Path jar) {
    return cache(jar, folder.resolve("c").toString());
  }

  private NativeCache cache(Path jar, String home) {
    var environment =
        new Environment(name -> null, Map.of("XDG_CACHE_HOME", home)::get, folder, false);
    return new NativeCache(
        environment,
        file -> {
          try {
            return URI.create("jar:" + jar.toUri() + "!/native/" + file).toURL();
          } catch (MalformedURLException e) {
            throw new AssertionError(e);
          }
        });
  }

  @Test
  void eachContentHasItsFolder() throws Exception {
    var one = cache(jar("1.jar", "one")).folder(FILES);
    var two = cache(jar("2.jar", "two")).folder(FILES);
    assertNotEquals(one, two);
    assertEquals(folder.resolve("c/cudnn4j"), one.getParent());
    assertEquals("libb.sotwo".repeat(10_000), Files.readString(two.resolve("libb.so")));
  }

  @Test
  void aCompleteFolderIsOnlyRead() throws Exception {
    var cache = cache(jar("1.jar", "one"));
    var target = cache.folder(FILES);
    assertTrue(target.getParent().toFile().setWritable(false));
    assertTrue(target.toFile().setWritable(false));
    var before = Files.getLastModifiedTime(target.resolve("liba.so"));
    assertEquals(target, cache.folder(FILES));
    assertEquals(before, Files.getLastModifiedTime(target.resolve("liba.so")));
    assertTrue(target.getParent().toFile().setWritable(true));
    assertTrue(target.toFile().setWritable(true));
  }

  @Test
  void anIncompleteFolderIsCompleted() throws Exception {
    var cache = cache(jar("1.jar", "one"));
    var target = cache.folder(FILES);
    Files.delete(target.resolve("liba.so"));
    Files.writeString(target.resolve("libb.so"), "cut off");
    assertEquals(target, cache.folder(FILES));
    assertEquals("liba.soone".repeat(10_000), Files.readString(target.resolve("liba.so")));
    assertEquals("libb.soone".repeat(10_000), Files.readString(target.resolve("libb.so")));
  }

  @Test
  void aDamagedFileOfTheSameSizeIsReplaced() throws Exception {
    var cache = cache(jar("1.jar", "one"));
    var library = cache.folder(FILES).resolve("liba.so");
    var size = Files.size(library);
    Files.write(library, new byte[(int) size]);
    assertEquals(library.getParent(), cache.folder(FILES));
    assertEquals("liba.soone".repeat(10_000), Files.readString(library));
  }

  @Test
  void nobodyElseCanReadOrWriteTheCache() throws Exception {
    var target = cache(jar("1.jar", "one")).folder(FILES);
    for (var made : List.of(folder.resolve("c"), target.getParent(), target)) {
      assertEquals("rwx------", permissions(made), made::toString);
    }
    assertEquals("rw-------", permissions(target.resolve("liba.so")));
  }

  @Test
  void aFolderThatEverybodyCanWriteIsTakenBack() throws Exception {
    var cache = cache(jar("1.jar", "one"));
    var target = cache.folder(FILES);
    permit(target.getParent(), "rwxrwxrwx");
    permit(target, "rwxrwxrwx");
    permit(target.resolve("liba.so"), "rw-rw-rw-");
    assertEquals(target, cache.folder(FILES));
    assertEquals("rwx------", permissions(target.getParent()));
    assertEquals("rwx------", permissions(target));
    assertEquals("rw-------", permissions(target.resolve("liba.so")));
  }

  @Test
  void aPlaceThatEverybodyCanWriteIsNotUsed() throws Exception {
    var open = Files.createDirectories(folder.resolve("open/deep"));
    Files.createDirectory(folder.resolve("c"));
    Files.createSymbolicLink(folder.resolve("c/cudnn4j"), open);
    permit(open.getParent(), "rwxrwxrwx");
    isUnpackedForThisProcess(cache(jar("1.jar", "one")));
    try (var files = Files.list(open)) {
      assertEquals(List.of(), files.toList());
    }
  }

  @Test
  void withoutACacheTheFilesAreUnpackedForThisProcess() throws Exception {
    Files.createFile(folder.resolve("c"));
    isUnpackedForThisProcess(cache(jar("1.jar", "one")));
  }

  private void isUnpackedForThisProcess(NativeCache cache) throws Exception {
    var target = cache.folder(FILES);
    assertFalse(target.startsWith(folder), target::toString);
    assertEquals("rwx------", permissions(target));
    assertEquals("liba.soone".repeat(10_000), Files.readString(target.resolve("liba.so")));
  }

  private static void permit(Path path, String permissions) throws IOException {
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
  }

  private static String permissions(Path path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
  }

  @Test
  void aNewVersionDeletesThoseThatNobodyHasUsedForLong() throws Exception {
    var used = new ArrayList<Path>();
    for (var i = 0; i < 5; i++) {
      used.add(cache(jar(i + ".jar", "contents " + i)).folder(FILES));
      age(used.get(i), 10 - i);
    }
    var someoneElses = Files.createDirectories(folder.resolve("c/cudnn4j/notes"));
    age(someoneElses, 100);
    assertEquals(used.get(1), cache(folder.resolve("1.jar")).folder(FILES), "this uses it again");
    var latest = cache(jar("new.jar", "new")).folder(FILES);
    try (var left = Files.list(folder.resolve("c/cudnn4j"))) {
      assertEquals(Set.of(used.get(1), used.get(4), someoneElses, latest), left.collect(toSet()));
    }
  }

  @Test
  void versionsUsedTodayStay() throws Exception {
    var used = new ArrayList<Path>();
    for (var i = 0; i < 5; i++) {
      used.add(cache(jar(i + ".jar", "contents " + i)).folder(FILES));
    }
    assertTrue(used.stream().allMatch(Files::isDirectory));
  }

  private static void age(Path path, int days) throws IOException {
    Files.setLastModifiedTime(path, FileTime.from(Instant.now().minus(Duration.ofDays(days))));
  }

  @Test
  void manyAtOnceGetOneCompleteFolder() throws Exception {
    var jar = jar("1.jar", "one");
    var threads = 8;
    var start = new CountDownLatch(threads);
    try (var pool = Executors.newFixedThreadPool(threads)) {
      var tasks = new ArrayList<Callable<Path>>();
      for (var i = 0; i < threads; i++) {
        tasks.add(
            () -> {
              start.countDown();
              start.await();
              return cache(jar).folder(FILES);
            });
      }
      var folders = new HashSet<Path>();
      for (var future : pool.invokeAll(tasks)) {
        folders.add(future.get());
      }
      assertEquals(1, folders.size());
      try (var left = Files.list(folder.resolve("c/cudnn4j"))) {
        assertEquals(List.copyOf(folders), left.toList());
      }
    }
  }

  @Test
  void aJarWithoutTheFilesIsNamed() {
    var cache =
        new NativeCache(
            new Environment(
                name -> null, Map.of("XDG_CACHE_HOME", folder.toString())::get, folder, false),
            file -> null);
    var e = assertThrows(NativeCache.UnavailableException.class, () -> cache.folder(FILES));
    assertEquals("no resource io/github/cudnn4j/native/linux-x86_64/liba.so", e.getMessage());
    assertFalse(Files.exists(folder.resolve("cudnn4j")));
  }

  @Test
  void aFolderThatCannotBeMadeIsToldAsSuch() throws Exception {
    Path jar = jar("1.jar", "one");
    var told = new ArrayList<String>();
    var logger = Logger.getLogger(NativeCache.class.getName());
    logger.setFilter(
        entry -> {
          told.add(entry.getParameters()[0].toString());
          return false;
        });
    try {
      cache(jar, "/proc").folder(FILES);
    } finally {
      logger.setFilter(null);
    }
    assertEquals(List.of("/proc/cudnn4j cannot be made"), told);
  }
}
