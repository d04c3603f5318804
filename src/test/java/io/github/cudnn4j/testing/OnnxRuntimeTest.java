package io.github.cudnn4j.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.onnx.OnnxGraph;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** ONNX Runtime in a process of tests. */
class OnnxRuntimeTest {

  @TempDir private Path folder;

  /** As it is where many test classes are named and no variable tells of continuous integration. */
  @Test
  void loadsWhereTheCommandLineIsLong() throws Exception {
    OnnxGraph graph = new OnnxGraph("network");
    graph.output("y", graph.input("x", ElementType.FLOAT32, "T"));
    OnnxRuntime.load(graph.toByteArray()).close();
    Path file = folder.resolve("network.onnx");
    graph.write(file);
    JavaProcess process =
        JavaProcess.run(
            OnnxRuntime.class,
            List.of("-Dlong=" + "x".repeat(20_000)),
            Map.of("CI", "", "ORT_DISABLE_TELEMETRY", ""),
            file.toString());
    assertEquals("", process.errors());
    assertEquals(0, process.status());
  }
}
