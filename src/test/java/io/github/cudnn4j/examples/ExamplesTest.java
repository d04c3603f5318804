package io.github.cudnn4j.examples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.model.Translator.Pair;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.MethodOrderer.OrderAnnotation;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The examples in their short form: each must have learnt something. */
@InOneMode
@TestMethodOrder(OrderAnnotation.class)
class ExamplesTest {

  private static final Path SCRIPT = Path.of("src", "examples", "cores.py");
  private static final int EXAMPLES = 26;
  private static final int CORES = 30;

  /** Has a folder for each example. */
  @TempDir private static Path folders;

  @ParameterizedTest
  @CsvSource({
    "adversarial, 0, 0.6",
    "attachment, 0.75, 1",
    "attention, 0.85, 1",
    "audio, 0.35, 1",
    "autoencoder, 0.55, 1",
    "bidirectional, 0.9, 1",
    "caption, 0.3, 1",
    "clipping, 0, 2.8",
    "clockwork, 0, 0.2",
    "dialogue, 1, 1.7",
    "error-surface, 0, 0.01",
    "hierarchical, 0.45, 1",
    "key-terms, 0.9, 1",
    "memory, 0.8, 1",
    "parsing, 0.25, 1",
    "questions, 0.65, 1",
    "repeat-copy, 0.4, 1",
    "residual, 1, 16",
    "skip-thought, 0.25, 1",
    "slow-context, 0.6, 1",
    "speech, 0, 0.65",
    "spelling, 0, 0.35",
    "spoken-questions, 0.7, 1",
    "tagging, 0.85, 1",
    "translation, 0.5, 1",
    "turing, 0.4, 1"
  })
  void learns(String name, double least, double most) throws IOException {
    assumeTrue(Files.exists(Path.of("target", "text")), "the texts of the build are not here");
    var result = Example.brief(name, Files.createDirectory(folders.resolve(name)));
    assertTrue(result.value() >= least && result.value() <= most, result::toString);
    assertEquals(1, result.more().getOrDefault("fiveOfEach", 1.0), "paths that obey a constraint");
  }

  @Test
  void nothingThatATranslatorLearnsIsTested() {
    var pairs =
        IntStream.range(0, 60)
            .mapToObj(i -> new Pair("text " + i / 3, "translation " + i))
            .toList();
    var texts = Translating.of(pairs, 60, 5, 5, 10);
    var learnt = Translating.sources(texts.training());
    assertEquals(10, learnt.size());
    assertTrue(Collections.disjoint(learnt, Translating.sources(texts.test())));
    assertTrue(Collections.disjoint(learnt, Translating.sources(texts.development())));
  }

  /** As in the GPU kit. */
  @Test
  void aJavaWithoutDesktopComputesAndLeavesNoPicture() throws Exception {
    assumeTrue(Files.exists(Path.of("target", "text")), "the texts of the build are not here");
    var options = new ArrayList<>(JavaProcess.sameProperties());
    options.add("--limit-modules=java.logging,java.xml,jdk.unsupported");
    var process = JavaProcess.run(Example.class, options, Map.of(), "--brief", "error-surface");
    assertEquals(0, process.status(), process.errors());
    assertEquals("no picture: this Java has no module java.desktop\n", process.errors());
    String last = process.output().getLast();
    assertTrue(last.startsWith("{\"example\":\"error-surface\",\"metric\""), last);
  }

  /** Of all cores that the examples have written. */
  @Test
  @Order(Integer.MAX_VALUE)
  void lossesAndGradientsArePyTorchs() throws IOException, InterruptedException {
    assumeTrue(Files.exists(SCRIPT), "the sources are not here");
    assumeTrue(hasTorch(), "no python3 on the PATH has PyTorch");
    var command = new ArrayList<>(List.of("python3", "-B", SCRIPT.toString()));
    try (var examples = Files.list(folders)) {
      examples.forEach(each -> command.add(each.toString()));
    }
    assumeTrue(command.size() == 3 + EXAMPLES, "not all examples have run");
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var table = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), table);
    assertEquals(1 + CORES, table.lines().count(), table);
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
