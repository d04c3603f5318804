package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.data.SavableRandom;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.LibraryReport.Fact;
import io.github.cudnn4j.library.NativeLibraries;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a profiler is told of a training step, by an NVTX that prints it. */
@InOneMode
class ProfilerRangeTest {
  private static final String NVTX =
      """
      #include <stdio.h>
      int nvtxRangePushA(const char *name) { dprintf(1, "%s {\\n", name); return 0; }
      int nvtxRangePop(void) { dprintf(1, "}\\n"); return 0; }
      """;

  private static final List<String> STEP =
      List.of("step {", "fetch {", "}", "forward {", "}", "backward {", "}", "update {", "}", "}");

  @TempDir private Path folder;

  /** Two steps that are played, or one that is captured and one that replays it. */
  static final class Steps {
    private Steps() {}

    public static void main(String[] capture) throws IOException {
      var config = TrainerConfig.of(Optimizer.sgd(1)).capture(Boolean.parseBoolean(capture[0]));
      var batches = TextWindows.training(TinyModel.tokens(100), 2, 3, false);
      try (var device = Device.open();
          var model = new TinyModel(device, Precision.FP32, RnnMode.LSTM, 6, 5, 0);
          var step = Step.create(model.parameters(), model, batches, config)) {
        step.begin(new SavableRandom(0), 0);
        for (int i = 0; i < 3; i++) {
          step.run(0.1);
          device.synchronize();
        }
      }
      NativeLibraries.load().report().facts().stream()
          .filter(fact -> fact.name().equals("NVTX"))
          .map(Fact::value)
          .forEach(System.out::println);
    }
  }

  private List<String> steps(boolean capture) throws IOException, InterruptedException {
    var options = new ArrayList<>(JavaProcess.sameProperties());
    options.add("-Dcudnn4j.cuda.path=" + folder);
    var process = JavaProcess.run(Steps.class, options, Map.of(), Boolean.toString(capture));
    assertEquals(0, process.status(), process::errors);
    return process.output();
  }

  @Test
  void aStepAndItsPartsHaveNames() throws IOException, InterruptedException {
    assumeTrue(HostControl.ifHost().isPresent(), "another place of NVTX would be one of CUDA too");
    assertEquals(List.of("not found, so profilers show no names"), steps(false));

    Path source = Files.writeString(folder.resolve("nvtx.c"), NVTX);
    Path library = folder.resolve("libnvToolsExt.so.1");
    var compiler =
        new ProcessBuilder("cc", "-shared", "-fPIC", "-o", library.toString(), source.toString());
    assumeTrue(compiler.inheritIO().start().waitFor() == 0, "there is no C compiler");

    var played = new ArrayList<String>();
    for (int i = 0; i < 3; i++) {
      played.addAll(STEP);
    }
    played.add(library.toString());
    assertEquals(played, steps(false));

    var captured = new ArrayList<>(steps(true));
    assertEquals(library.toString(), captured.removeLast());
    assertEquals(STEP, captured.subList(0, STEP.size()));
    assertEquals(
        List.of("step {", "}", "step {", "}"),
        captured.subList(captured.size() - 4, captured.size()));
    assertTrue(captured.contains("forward {"));
  }
}
