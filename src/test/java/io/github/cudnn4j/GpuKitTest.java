package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.testing.InOneMode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What {@code bench/gpu/run.sh} runs, in which order, and what it keeps when it is killed. Java and
 * Python are small programs of the shell; a test class is what such a Java does.
 */
@InOneMode
class GpuKitTest {
  private static final Path SCRIPT = Path.of("bench/gpu/run.sh");

  /** So many seconds that no machine needs them: whoever waits as long waits for nothing. */
  private static final int PLENTY = 1200;

  private static final String JAVA =
      """
      #!/usr/bin/env bash
      for argument; do
        case $argument in
          --select-class=*)
            class=${argument#*=}
            echo "$class ${CUBLAS_WORKSPACE_CONFIG-unset}" >> ran
            . "tests/${class//.//}.class"
            exit ;;
          tagging)
            echo '{"example":"tagging","metric":"span F1","value":0.9599,"baseline":0.7416,"seconds":11}' ;;
          doctor) echo '  0  A GPU, compute capability 9.0' ;;
        esac
      done
      """;

  private static final String PYTHON =
      """
      #!/usr/bin/env bash
      [[ $* != *find_spec* ]] || exit "${TORCH-1}"
      [[ $* != *compare.py*--set* ]] || echo "compared with $0"
      """;

  @TempDir private Path folder;
  private Path kit;

  @BeforeEach
  void pack() throws IOException {
    assumeTrue(Files.exists(SCRIPT), "the sources are not here");
    kit = folder.resolve("kit");
    String script = Files.readString(SCRIPT);
    assertTrue(script.contains("save_every=15 "));
    program(kit.resolve("run.sh"), script.replace("save_every=15 ", "save_every=1 "));
    program(kit.resolve("jdk/bin/java"), JAVA);
    program(kit.resolve("jdk/lib/jspawnhelper"), "");
    program(folder.resolve("bin/python3"), PYTHON);
    Files.writeString(kit.resolve("version.txt"), "cudnn4j of a test\n");
    Files.writeString(folder.resolve("libcudnn4j_host.so"), "");
  }

  private static void program(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    assertTrue(file.toFile().setExecutable(true));
  }

  private void testClass(String name, String script) throws IOException {
    Path file = kit.resolve("tests/io/github/cudnn4j/" + name + ".class");
    Files.createDirectories(file.getParent());
    Files.writeString(file, script + "\n");
  }

  private Process start(String results, String... options) throws IOException {
    var command = new ArrayList<>(List.of(kit.resolve("run.sh").toString()));
    command.addAll(List.of("--device", "host", "--host-path", folder.toString()));
    command.addAll(List.of("--seconds", "" + PLENTY));
    command.addAll(List.of(options));
    command.add(folder.resolve(results).toString());
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectOutput(folder.resolve("output").toFile());
    builder.environment().merge("PATH", folder.resolve("bin") + ":", (path, bin) -> bin + path);
    builder.environment().keySet().removeAll(List.of("VIRTUAL_ENV", "CONDA_PREFIX"));
    builder.environment().put("HOME", folder.toString());
    return builder.start();
  }

  private String run(int status, String results, String... options) throws Exception {
    Process process = start(results, options);
    assertTrue(process.waitFor(PLENTY, TimeUnit.SECONDS), "it hangs");
    String output = output();
    assertEquals(status, process.exitValue(), output);
    return output;
  }

  private String output() {
    try {
      return Files.readString(folder.resolve("output"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The classes that ran, with their variable for cuBLAS. */
  private List<String> ran() throws IOException {
    List<String> lines = Files.readAllLines(kit.resolve("ran"));
    Files.delete(kit.resolve("ran"));
    return lines.stream().map(line -> line.replaceFirst("^io.github.cudnn4j.", "")).toList();
  }

  /** A file of the archive that a run has left. */
  private String kept(String results, String file) throws Exception {
    Path archive = folder.resolve(results).resolve("results.tar.gz");
    var process =
        new ProcessBuilder("tar", "-xzOf", archive.toString(), "results/" + file)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    return new String(process.getInputStream().readAllBytes());
  }

  @Test
  void wrongArgumentsAreRefused() throws Exception {
    assertTrue(
        run(2, "r", "--only", "doctor,nothing").startsWith("--only: there is no part nothing\n"));
    assertTrue(run(2, "r", "--plan", "third").startsWith("--plan is first or second, not third\n"));
    assertTrue(
        run(2, "r", "--classes", "(").startsWith("--classes is not a regular expression: (\n"));
    assertTrue(
        run(2, "r", "--again", "/nowhere").startsWith("--again: /nowhere is not an archive"));
    assertTrue(run(2, "bin", "--only", "doctor").contains("bin is not an empty folder\n"));
  }

  @Test
  void aPlanIsFollowedByWhatItLeft() throws Exception {
    for (String name : List.of("cuda/ATest", "io/BTest", "proof/RowsTest", "rnn/CTest")) {
      testClass(name, "exit 0");
    }
    testClass("train/DTest", "exit 1");
    testClass(
        "train/BitsTest",
        "echo 'array contents differ at index [0]'; [[ ! -v CUBLAS_WORKSPACE_CONFIG ]]");
    program(folder.resolve(".venv/bin/python"), PYTHON.replace("TORCH-1", "TORCH-0"));

    String output = run(1, "first", "--plan", "first", "--jobs", "1");

    assertEquals(
        List.of(
            "proof.RowsTest :4096:2",
            "rnn.CTest :4096:2",
            "cuda.ATest :4096:2",
            "train.BitsTest :4096:2",
            "train.BitsTest :4096:2",
            "train.BitsTest unset",
            "train.DTest :4096:2"),
        ran());
    assertTrue(output.matches("(?s).*\n== doctor.*\n== probe.*\n== tests.*\n== steps.*"), output);
    assertTrue(kept("first", "tests.txt").contains("io.github.cudnn4j.train.DTest: FAILED\n"));
    assertTrue(
        Files.readString(folder.resolve("first/summary.md"))
            .contains("BitsTest again: FAILED; without CUBLAS_WORKSPACE_CONFIG=:4096:2: ok\n"));
    assertEquals(
        "compared with " + folder.resolve(".venv/bin/python") + "\n", kept("first", "steps.txt"));

    testClass("train/BitsTest", "exit 0");
    String again = folder.resolve("first").toString();
    output = run(1, "second", "--plan", "second", "--again", again, "--jobs", "1");
    assertEquals(
        List.of("train.BitsTest :4096:2", "train.DTest :4096:2", "io.BTest :4096:2"), ran());
    assertTrue(
        output.matches("(?s).*\n== tests.*\n== networks.*\n== d2l.*\n== examples.*\n== sweep.*"),
        output);
    List<String> examples = kept("second", "examples.txt").lines().toList();
    assertEquals("| tagging | 0.9599 | 0.7416 | 11 | span F1 |", examples.get(2));
    assertEquals("| key-terms | FAILED, see logs/examples.txt |", examples.get(3));
    assertTrue(kept("second", "examples.jsonl").startsWith("{\"example\":\"tagging\","));
  }

  @Test
  void whatRanIsKeptWhenItIsKilled() throws Exception {
    testClass("rnn/ATest", "exit 1");
    testClass("rnn/BTest", "sleep " + PLENTY);
    Process process = start("r", "--only", "doctor,tests", "--jobs", "1");
    try {
      waitUntil(
          process, () -> kept("r", "tests.txt").contains("io.github.cudnn4j.rnn.ATest: FAILED"));
    } finally {
      var children = process.descendants().toList();
      process.destroyForcibly().waitFor();
      children.forEach(ProcessHandle::destroyForcibly);
    }
    assertTrue(kept("r", "doctor.txt").contains("A GPU"));
    String summary = kept("r", "summary.md");
    assertTrue(summary.contains("| doctor | ok |"), summary);
    assertTrue(summary.contains("| tests | running |"), summary);
    var limits =
        Pattern.compile("== doctor, at most (\\d+) s\n(?s:.*)== tests, at most (\\d+) s\n");
    var found = limits.matcher(output());
    assertTrue(found.find(), this::output);
    int doctor = Integer.parseInt(found.group(1));
    int tests = Integer.parseInt(found.group(2));
    assertTrue(doctor < PLENTY / 4 && tests > PLENTY - doctor, this::output);
  }

  @Test
  void aSignalEndsEverything() throws Exception {
    testClass("rnn/ATest", "sleep " + PLENTY);
    Process process = start("r", "--only", "tests");
    waitUntil(process, () -> Files.exists(kit.resolve("ran")));
    var children = process.descendants().toList();
    process.destroy();
    assertTrue(process.waitFor(PLENTY, TimeUnit.SECONDS), "it hangs");
    assertEquals(143, process.exitValue());
    for (ProcessHandle child : children) {
      child.onExit().get(PLENTY, TimeUnit.SECONDS);
    }
    String summary = Files.readString(folder.resolve("r/summary.md"));
    assertTrue(summary.contains("| tests | STOPPED by a signal |"), summary);
    try (var files = Files.list(folder.resolve("r"))) {
      assertEquals(2, files.count());
    }
  }

  private void waitUntil(Process process, Callable<Boolean> condition) throws Exception {
    while (!condition.call()) {
      assertTrue(process.isAlive(), this::output);
      Thread.sleep(100);
    }
  }
}
