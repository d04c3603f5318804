package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.text.MessageFormat;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Logger;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsLogTest {

  @TempDir Path folder;

  @Test
  void appendsOneObjectPerLineAndFlushesIt() throws IOException {
    var file = folder.resolve("metrics.jsonl");
    var progress = new Progress(1, 2, 50, 100, 1.5, 0.5, 0.1, 9e4, 3, 512, 1.25, 7);
    try (var metrics = MetricsLog.append(file)) {
      metrics.logged(progress);
      assertEquals(1, Files.readAllLines(file).size());
    }
    try (var metrics = MetricsLog.append(file)) {
      metrics.validated(new Validation(1, 60, Double.NaN, Map.of("accuracy", 0.5), false));
      metrics.checkpointed(Path.of("folder", "a \"b\""), 60);
      var lines = Files.readAllLines(file);
      assertEquals(3, lines.size());
      var train = Json.parseObject(lines.get(0));
      assertEquals("train", train.get("kind"));
      assertEquals(50L, train.get("step"));
      assertEquals(1.5, train.get("loss"));
      assertFalse(train.containsKey("perplexity"), "its loss may be of anything");
      assertEquals(3L, train.get("skipped"));
      assertEquals(512.0, train.get("lossScale"));
      var validation = Json.parseObject(lines.get(1));
      assertEquals("validation", validation.get("kind"));
      assertNull(validation.get("loss"));
      assertFalse(validation.containsKey("perplexity"));
      assertEquals(0.5, validation.get("accuracy"));
      assertEquals("folder/a \"b\"", Json.parseObject(lines.get(2)).get("path"));
    }
  }

  @Test
  void perplexityIsOfALossOfSymbols() throws IOException {
    var file = folder.resolve("metrics.jsonl");
    try (var metrics = MetricsLog.append(file).withPerplexity()) {
      metrics.logged(new Progress(1, 2, 50, 100, 1.5, 0.5, 0.1, 9e4, 3, 512, 1.25, 7));
      metrics.validated(new Validation(1, 60, 2.5, Map.of(), false));
    }
    var lines = Files.readAllLines(file);
    assertEquals(Math.exp(1.5), Json.parseObject(lines.get(0)).get("perplexity"));
    assertEquals(Math.exp(2.5), Json.parseObject(lines.get(1)).get("perplexity"));
  }

  /** A process may be killed between a checkpoint and its line. */
  @Test
  void aCheckpointToGoOnFromHasALine() throws IOException {
    var file = folder.resolve("metrics.jsonl");
    var checkpoint = folder.resolve("step-20");
    MetricsLog.resume(file, 20, checkpoint).close();
    assertEquals(List.of(), steps(file), "a new file begins with what comes");
    try (var metrics = MetricsLog.append(file)) {
      for (long step : new long[] {10, 20}) {
        metrics.checkpointed(checkpoint, step); // of another training
      }
      for (long step : new long[] {10, 20, 30}) {
        metrics.validated(new Validation(1, step, 1, Map.of(), false));
      }
    }
    MetricsLog.resume(file, 20, checkpoint).close();
    assertEquals(List.of(10L, 20L, 10L, 20L, 20L), steps(file));
    var last = Json.parseObject(Files.readAllLines(file).getLast());
    assertEquals("checkpoint", last.get("kind"));
    assertEquals(checkpoint + "", last.get("path"));
    MetricsLog.resume(file, 20, checkpoint).close();
    assertEquals(List.of(10L, 20L, 10L, 20L, 20L), steps(file), "once");
    try (var metrics = MetricsLog.append(file)) {
      metrics.validated(new Validation(1, 20, 1, Map.of(), false));
    }
    Files.writeString(file, "{\"step\":\"of something else\"}\n", StandardOpenOption.APPEND);
    List<String> lines = Files.readAllLines(file);
    MetricsLog.resume(file, 20, checkpoint).close();
    assertEquals(lines, Files.readAllLines(file), "whatever comes after it");
  }

  /** What is behind the checkpoint comes again; what another training wrote before stays. */
  @Test
  void noStepIsThereTwiceAfterAResume() throws IOException {
    var file = folder.resolve("metrics.jsonl");
    try (var metrics = MetricsLog.append(file)) {
      for (long step : new long[] {10, 90, 10, 20, 30, 40}) {
        metrics.validated(new Validation(1, step, 1, Map.of("accuracy", 0.5), false));
      }
    }
    Files.writeString(file, "{\"kind\":\"tra", StandardOpenOption.APPEND);
    try (var metrics = MetricsLog.resume(file, 20, folder)) {
      metrics.validated(new Validation(1, 30, 1, Map.of("accuracy", 0.5), false));
    }
    assertEquals(List.of(10L, 90L, 10L, 20L, 20L, 30L), steps(file));
    Files.writeString(file, "half", StandardOpenOption.APPEND);
    try (var metrics = MetricsLog.append(file)) {
      metrics.validated(new Validation(1, 1, 1, Map.of("accuracy", 0.5), false));
    }
    assertEquals(List.of(10L, 90L, 10L, 20L, 20L, 30L, 1L), steps(file));
  }

  private static List<Long> steps(Path file) throws IOException {
    var steps = new ArrayList<Long>();
    for (String line : Files.readAllLines(file)) {
      steps.add((Long) Json.parseObject(line).get("step"));
    }
    return steps;
  }

  @Test
  void aFullDiskEndsTheMetricsWithOneWarning() throws IOException {
    var full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "this system has no /dev/full");
    var warnings = new ArrayList<String>();
    var logger = Logger.getLogger(MetricsLog.class.getName());
    logger.setFilter(
        entry -> {
          warnings.add(MessageFormat.format(entry.getMessage(), entry.getParameters()));
          return false;
        });
    try (var metrics = MetricsLog.append(full)) {
      metrics.checkpointed(folder, 1);
      metrics.checkpointed(folder, 2);
    } finally {
      logger.setFilter(null);
    }
    assertEquals(
        List.of("no more metrics are written: /dev/full: No space left on device"), warnings);
  }

  /** Writes lines into a file until no more are written. */
  static final class Lines {
    static void main(String[] arguments) throws IOException {
      try (var metrics = MetricsLog.append(Path.of(arguments[0]))) {
        for (int step = 1; step <= 100; step++) {
          metrics.checkpointed(Path.of("checkpoints"), step);
        }
      }
    }
  }

  /** A file of 1,024 bytes at most, which is no whole number of lines. */
  @Test
  void onlyWholeLinesAreLeftWhenNoMoreFit() throws IOException, InterruptedException {
    Path file = folder.resolve("metrics");
    var process = JavaProcess.runWithFilesUpTo(1, Lines.class, file.toString());
    assertEquals(0, process.status(), process::toString);
    List<Long> written = steps(file);
    assertEquals(LongStream.rangeClosed(1, written.size()).boxed().toList(), written);
    assertTrue(Files.size(file) > 900 && Files.size(file) < 1024, file + ": " + Files.size(file));
  }
}
