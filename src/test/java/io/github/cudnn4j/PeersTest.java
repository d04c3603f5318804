package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How {@code bench/peers/compare.py} starts its processes. */
class PeersTest {
  private static final Path FOLDER = Path.of("bench/peers");

  private static final String COMMAND =
      """
      import sys
      sys.argv = ["compare.py", "--work", "results"]
      import compare
      print(*compare.Peers(compare.arguments(), 1, None).command("ours-graph")[0], sep="\\n")
      """;

  @Test
  void whatAPeerMeasuresIsNotTheUsers() throws IOException, InterruptedException {
    assumeTrue(Files.exists(FOLDER.resolve("compare.py")), "the sources are not here");
    var path = System.getenv("PATH").split(File.pathSeparator);
    assumeTrue(
        Arrays.stream(path).anyMatch(bin -> Files.isExecutable(Path.of(bin, "python3"))),
        "python3 is not here");
    var builder = new ProcessBuilder("python3", "-B", "-c", COMMAND).directory(FOLDER.toFile());
    var process = builder.redirectErrorStream(true).start();
    var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
    var command = List.of(said.split("\n"));
    assertTrue(command.contains("-Dcudnn4j.algorithms.path=results/algorithms.json"), said);
    assertEquals("graph", command.getLast());
  }
}
