package io.github.cudnn4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The models and losses of examples against PyTorch, where it is installed. */
class CoresTest {

  private static final Path SCRIPT = Path.of("src", "examples", "cores.py");
  private static final List<String> EXAMPLES =
      List.of("bidirectional", "residual", "clipping", "slow-context", "clockwork");

  @Test
  void lossesAndGradientsArePyTorchs(@TempDir Path folder)
      throws IOException, InterruptedException {
    assumeTrue(Files.exists(SCRIPT), "the sources are not here");
    assumeTrue(Files.exists(Path.of("target", "text")), "the texts of the build are not here");
    assumeTrue(hasTorch(), "no python3 on the PATH has PyTorch");
    for (String example : EXAMPLES) {
      Example.brief(example, folder);
    }
    var builder = new ProcessBuilder("python3", "-B", SCRIPT.toString(), folder.toString());
    var process = builder.redirectErrorStream(true).start();
    var table = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), table);
    assertTrue(table.lines().count() > 10, table);
  }

  private static boolean hasTorch() throws InterruptedException {
    try {
      var builder = new ProcessBuilder("python3", "-c", "import torch").redirectErrorStream(true);
      var process = builder.redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }
}
