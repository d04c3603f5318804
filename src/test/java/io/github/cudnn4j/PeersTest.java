package io.github.cudnn4j;

import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bench.RnnWork;
import io.github.cudnn4j.bench.StreamWork;
import io.github.cudnn4j.bench.Workload;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.testing.InOneMode;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** How {@code bench/peers/compare.py} starts its processes. */
@InOneMode
class PeersTest {
  private static final Path FOLDER = Path.of("bench/peers");

  private static final String COMMAND =
      """
      import sys
      sys.argv = ["compare.py", "--work", "results"]
      import compare
      print(*compare.Peers(compare.arguments(), 1, None).command("ours-graph")[0], sep="\\n")
      """;

  private static final String ONNX =
      """
      import compare
      options = compare.arguments()
      with open(options.work / "log", "w") as log:
          peer = compare.Peers(options, 1, log).get("onnx")
          for work in "infer LSTM_3_4_L2_BI_B2_T3_ROWS", "stream GRU_5_4_B2_T1":
              peer.ask("open " + work)
              print(peer.ask("check"))
          peer.stop()
      """;

  @TempDir private Path folder;

  @Test
  void whatAPeerMeasuresIsNotTheUsers() throws IOException, InterruptedException {
    var command = python(COMMAND);
    assertTrue(
        command.contains("-Dcudnn4j.algorithms.path=results/algorithms.json"), command::toString);
    assertEquals("graph", command.getLast());
  }

  /** What ONNX Runtime computes of our networks as ONNX is what ours compute. */
  @Test
  @DisabledIfSystemProperty(
      named = "cudnn4j.host.mode",
      matches = "lazy",
      disabledReason = "it takes seconds, and the peer has a process of its own")
  void onnxRuntimeComputesTheSame() throws IOException, InterruptedException {
    // Absolute, for Python runs in another folder.
    var classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(each -> Path.of(each).toAbsolutePath())
            .toList();
    var jar =
        classPath.stream().filter(each -> each.toString().contains("onnxruntime")).findFirst();
    assumeTrue(jar.isPresent(), "ONNX Runtime is not on the class path");
    var checks =
        python(
            ONNX,
            "--work=" + folder,
            "--java=" + Path.of(System.getProperty("java.home"), "bin", "java"),
            "--classpath="
                + classPath.stream().map(Path::toString).collect(joining(File.pathSeparator)),
            "--host-path=" + System.getProperty("cudnn4j.host.path"),
            "--jars=" + jar.get().getParent());
    assertEquals(2, checks.size(), checks::toString);
    try (var device = Device.open();
        var network =
            new RnnWork(
                device, RnnWork.Kind.INFER, Workload.parse("LSTM_3_4_L2_BI_B2_T3_ROWS"), false);
        var stream = StreamWork.steps(device, Workload.parse("GRU_5_4_B2_T1"))) {
      same(network.check(), checks.get(0));
      same(stream.check(), checks.get(1));
    }
  }

  private static void same(Map<String, Double> ours, String theirs) {
    for (String result : theirs.split(" ")) {
      var value = result.split("=");
      double expected = ours.get(value[0]);
      assertEquals(expected, Double.parseDouble(value[1]), 1e-4 * expected, theirs);
    }
    assertEquals(ours.size(), theirs.split(" ").length, theirs);
  }

  private static List<String> python(String program, String... options)
      throws IOException, InterruptedException {
    assumeTrue(Files.exists(FOLDER.resolve("compare.py")), "the sources are not here");
    var path = System.getenv("PATH").split(File.pathSeparator);
    assumeTrue(
        Arrays.stream(path).anyMatch(bin -> Files.isExecutable(Path.of(bin, "python3"))),
        "python3 is not here");
    var command = new ArrayList<>(List.of("python3", "-B", "-c", program));
    command.addAll(List.of(options));
    var builder = new ProcessBuilder(command).directory(FOLDER.toFile());
    var process = builder.redirectErrorStream(true).start();
    var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), said);
    return said.lines().toList();
  }
}
