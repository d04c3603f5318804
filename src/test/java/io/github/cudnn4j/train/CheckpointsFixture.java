package io.github.cudnn4j.train;

import io.github.cudnn4j.io.SafeTensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.text.MessageFormat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the tests of checkpoints share: a folder, small ones to write into it, what is warned of.
 */
abstract class CheckpointsFixture {

  static final String RUN = "a";

  @TempDir Path folder;
  final List<String> warnings = new ArrayList<>();
  private final Logger logger = Logger.getLogger(Checkpoints.class.getName());

  @BeforeEach
  void listen() {
    logger.setFilter(
        entry -> {
          warnings.add(MessageFormat.format(entry.getMessage(), entry.getParameters()));
          return false;
        });
  }

  @AfterEach
  void listenNoMore() {
    logger.setFilter(null);
  }

  static Path save(Checkpoints checkpoints, long step) throws IOException {
    return save(checkpoints, step, -1);
  }

  static Path save(Checkpoints checkpoints, long step, long best) throws IOException {
    return save(checkpoints, step, best, RUN, stage -> {});
  }

  static Path save(
      Checkpoints checkpoints, long step, long best, String run, Consumer<String> stages)
      throws IOException {
    try (var writer = new CheckpointWriter(checkpoints, run, step, stages)) {
      return save(writer, step, best);
    }
  }

  static Path save(CheckpointWriter writer, long step, long best) throws IOException {
    var description = new LinkedHashMap<String, Object>();
    description.put("epoch", 3);
    description.put("model", Map.of("hidden", 5));
    description.put("trainer", Map.of());
    return writer.save(
        step,
        best,
        new SafeTensorsWriter().add("w", new long[] {1}, new float[] {step}),
        new SafeTensorsWriter().add("s", new long[] {1}, new double[] {step}),
        description);
  }
}
