package io.github.cudnn4j.cuda;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the compiler made is kept, until it is damaged or nobody wants it. */
class KernelCacheTest {
  @TempDir private Path folder;
  private KernelCache cache;
  private int compiled;

  @BeforeEach
  void open() {
    cache = new KernelCache(folder);
  }

  private String get(String... from) {
    return new String(cache.get(List.of(from), () -> machineCode(from)), UTF_8);
  }

  private byte[] machineCode(String... from) {
    compiled++;
    return ("machine code of " + String.join("+", from)).repeat(100).getBytes(UTF_8);
  }

  private List<Path> files() throws IOException {
    try (var files = Files.list(folder)) {
      return files.toList();
    }
  }

  @Test
  void whatIsKeptIsNotCompiledAgain() throws IOException {
    var first = get("13.0", "source");
    assertEquals(first, get("13.0", "source"));
    cache = new KernelCache(folder);
    assertEquals(first, get("13.0", "source"));
    assertEquals(1, compiled);
    assertEquals(1, files().size());
  }

  @Test
  void anythingElseIsCompiled() throws IOException {
    get("13.0", "source");
    get("13.1", "source");
    get("13.0", "sources");
    get("13.", "0source");
    get("13.0", "source", "");
    assertEquals(5, compiled);
    assertEquals(5, files().size());
  }

  @Test
  void whatIsDamagedIsCompiledAgain() throws IOException {
    var expected = get("source");
    var file = files().getFirst();
    var whole = Files.readAllBytes(file);
    var changed = whole.clone();
    changed[changed.length / 2] ^= 1;
    var longer = Arrays.copyOf(whole, whole.length + 1);
    int count = 1;
    for (byte[] damaged :
        List.of(
            new byte[0], Arrays.copyOf(whole, 20), Arrays.copyOf(whole, 900), changed, longer)) {
      Files.write(file, damaged);
      assertEquals(expected, get("source"));
      assertEquals(++count, compiled);
      assertEquals(expected, get("source"));
      assertEquals(count, compiled);
    }
  }

  @Test
  void severalMayMakeTheSameAtOnce() throws Exception {
    var expected = get("source");
    Files.delete(files().getFirst());
    try (var threads = Executors.newFixedThreadPool(4)) {
      var tasks = new ArrayList<Callable<String>>();
      for (int i = 0; i < 64; i++) {
        tasks.add(() -> get("source"));
      }
      for (var result : threads.invokeAll(tasks)) {
        assertEquals(expected, result.get());
      }
    }
    assertEquals(1, files().size());
  }

  @Test
  void whatNobodyReadsIsDeletedWhenSomethingIsAdded() throws IOException {
    get("old");
    var old = files().getFirst();
    var other = Files.writeString(folder.resolve("algorithms.json"), "[]");
    get("read");
    var longAgo = FileTime.from(Instant.now().minus(Duration.ofDays(31)));
    for (var file : files()) {
      Files.setLastModifiedTime(file, longAgo);
    }
    get("read");
    get("new");
    assertFalse(Files.exists(old));
    assertTrue(Files.exists(other));
    assertEquals(3, files().size());
    assertEquals(3, compiled);
  }

  @Test
  void withoutAPlaceEverythingIsCompiled() {
    cache = new KernelCache(null);
    assertEquals(get("source"), get("source"));
    cache = new KernelCache(folder.resolve("missing"));
    assertEquals(get("source"), get("source"));
    assertEquals(4, compiled);
  }
}
