package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.github.cudnn4j.io.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsTest {

  @TempDir Path folder;

  @Test
  void appendsOneObjectPerLineAndFlushesIt() throws IOException {
    var file = folder.resolve("metrics.jsonl");
    var progress = new Progress(1, 2, 50, 100, 1.5, Math.exp(1.5), 0.5, 0.1, 9e4, 3, 512, 1.25, 7);
    try (var metrics = Metrics.append(file)) {
      metrics.logged(progress);
      assertEquals(1, Files.readAllLines(file).size());
    }
    try (var metrics = Metrics.append(file)) {
      metrics.validated(new Validation(1, 60, Double.NaN, Double.NaN, false));
      metrics.checkpointed(Path.of("folder", "a \"b\""), 60);
      var lines = Files.readAllLines(file);
      assertEquals(3, lines.size());
      var train = Json.parseObject(lines.get(0));
      assertEquals("train", train.get("kind"));
      assertEquals(50L, train.get("step"));
      assertEquals(1.5, train.get("loss"));
      assertEquals(3L, train.get("skipped"));
      assertEquals(512.0, train.get("lossScale"));
      var validation = Json.parseObject(lines.get(1));
      assertEquals("validation", validation.get("kind"));
      assertNull(validation.get("loss"));
      assertEquals("folder/a \"b\"", Json.parseObject(lines.get(2)).get("path"));
    }
  }
}
