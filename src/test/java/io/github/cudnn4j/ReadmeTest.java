package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.SourceProgram;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example in the README compiles without a warning, runs, and does what its text says. */
@InOneMode
class ReadmeTest {
  private static final Path README = Path.of(System.getProperty("basedir", ""), "README.md");
  private static final Pattern EXAMPLE = Pattern.compile("(?s)```java\n(.*?)```");
  private static final Pattern LINE = Pattern.compile("step (\\d): mean of y (-?\\d\\.\\d{4})");

  @TempDir private Path folder;

  @Test
  void exampleTrains() throws Exception {
    assumeTrue(Files.isRegularFile(README), "no README here, only the built classes");
    Path file = Files.writeString(folder.resolve("Example.java"), examples().getFirst());
    List<String> lines = SourceProgram.run(file, folder);
    double previous = 1;
    for (int step = 0; step < lines.size(); step++) {
      var line = LINE.matcher(lines.get(step));
      assertTrue(line.matches(), lines.get(step));
      assertEquals(step, Integer.parseInt(line.group(1)));
      double mean = Double.parseDouble(line.group(2));
      assertTrue(mean < previous, () -> "the mean of y does not fall: " + lines);
      previous = mean;
    }
    assertEquals(5, lines.size());
  }

  @Test
  void classifierIsTheOneThatIsTested() throws IOException {
    assumeTrue(Files.isRegularFile(README), "no README here, only the built classes");
    Path classifier = README.resolveSibling("src/examples/guide/Classifier.java");
    assertEquals(Files.readString(classifier), examples().get(1));
  }

  private static List<String> examples() throws IOException {
    var blocks = EXAMPLE.matcher(Files.readString(README)).results();
    return blocks.map(block -> block.group(1)).toList();
  }
}
