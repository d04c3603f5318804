package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.testing.JavaProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The jars that {@code java -jar} runs, in a folder where nothing of the build is. The build runs
 * this class when it has packed them.
 */
class PackagedJarsTest {

  private static final List<String> DEVICE =
      List.of("-Dcudnn4j.device=" + System.getProperty("cudnn4j.device"));

  @TempDir private Path folder;

  @Test
  void theCommandLineFindsItsDevice() throws Exception {
    var process = JavaProcess.runJar(jar("cli"), folder, DEVICE, "doctor");
    assertEquals(0, process.status(), process.errors());
    assertTrue(
        process.output().getFirst().startsWith("cudnn4j on Linux"), process.output()::toString);
  }

  /** One for each place that data come from: OpenNLP, FreeTTS and the text of the build. */
  @ParameterizedTest
  @ValueSource(strings = {"key-terms", "audio", "bidirectional"})
  void anExampleFindsItsData(String name) throws Exception {
    var process = JavaProcess.runJar(jar("examples"), folder, DEVICE, "--brief", name);
    assertEquals(0, process.status(), process.errors());
    String last = process.output().getLast();
    assertTrue(last.startsWith("{\"example\":\"" + name + "\","), last);
  }

  private static Path jar(String name) {
    Path jar =
        Path.of(System.getProperty("basedir", ""), "target", "cudnn4j-" + name + ".jar")
            .toAbsolutePath();
    assumeTrue(Files.exists(jar), jar + " is not packed");
    return jar;
  }
}
