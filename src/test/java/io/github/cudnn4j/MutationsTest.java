package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The list of wrong changes means lines and tests that are there. */
class MutationsTest {

  private static final Path BASE = Path.of(System.getProperty("basedir", ""));
  private static final Path LIST = BASE.resolve("src/test/mutation/mutations.txt");
  private static final Path TESTS = BASE.resolve("src/test/java");

  @Test
  void everyChangeIsOfALineThatIsThereOnce() throws IOException {
    var stale = new ArrayList<String>();
    String file = "";
    List<String> lines = List.of();
    int changes = 0;
    for (String entry : Files.readAllLines(LIST)) {
      if (entry.startsWith("@ ")) {
        file = entry.substring(2);
        Path path = BASE.resolve(file);
        lines =
            Files.exists(path)
                ? Files.readAllLines(path).stream().map(String::stripLeading).toList()
                : List.of();
      } else if (entry.startsWith("- ")) {
        String line = entry.substring(2);
        changes++;
        long times = lines.stream().filter(line::equals).count();
        if (times != 1) {
          stale.add(file + " has " + times + " times: " + line);
        }
      }
    }
    assertTrue(changes > 0, "no change in " + LIST);
    assertEquals(List.of(), stale);
  }

  @Test
  void everyTestIsThere() throws IOException {
    List<Path> classes;
    try (Stream<Path> files = Files.walk(TESTS)) {
      classes = files.toList();
    }
    var missing = new ArrayList<String>();
    for (String entry : Files.readAllLines(LIST)) {
      if (entry.startsWith("! ")) {
        for (String test : entry.substring(2).split(" ")) {
          Path end = Path.of(test.replace('.', '/') + ".java");
          if (classes.stream().filter(path -> path.endsWith(end)).count() != 1) {
            missing.add(test);
          }
        }
      }
    }
    assertEquals(List.of(), missing, "classes that are not there, or several of that name");
  }
}
