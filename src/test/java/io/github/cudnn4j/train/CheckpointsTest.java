package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.text.MessageFormat;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointsTest {

  private static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  @TempDir Path folder;
  private final List<String> warnings = new ArrayList<>();
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

  @Test
  void readsWhatItWrote() throws IOException {
    var checkpoints = Checkpoints.in(folder.resolve("new"), 1);
    assertTrue(checkpoints.latest().isEmpty());
    Path written = save(checkpoints, 12);
    var checkpoint = checkpoints.latest().orElseThrow();
    assertEquals(written, checkpoint.folder());
    assertEquals("step-000000012", written.getFileName().toString());
    assertEquals(12, checkpoint.step());
    assertEquals(3, checkpoint.epoch());
    assertEquals(Map.of("hidden", 5L), checkpoint.modelConfiguration());
    try (var weights = checkpoint.weights();
        var state = checkpoint.state()) {
      assertArrayEquals(new float[] {12}, weights.floats("w"));
      assertArrayEquals(new double[] {12}, state.doubles("s"));
    }
  }

  @Test
  void keepsTheNewest() throws IOException {
    var checkpoints = Checkpoints.in(folder, 2);
    for (long step : new long[] {1, 20, 3, 100}) {
      save(checkpoints, step);
    }
    assertEquals(List.of("step-000000020", "step-000000100"), names());
    assertEquals(100, checkpoints.latest().orElseThrow().step());
    assertThrows(IllegalArgumentException.class, () -> Checkpoints.in(folder, 0));
  }

  /** Wherever writing stops, a whole checkpoint is found and the next write works. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCrashAtAnyStageLeavesAWholeCheckpoint(boolean replacing) throws IOException {
    var stages = new ArrayList<String>();
    var probe = folder.resolve("probe");
    save(Checkpoints.in(probe, 1), 1);
    save(new Checkpoints(probe, 1, stages::add), replacing ? 1 : 2);
    assertTrue(stages.containsAll(List.of("folder", "weights", "state", "description", "renamed")));
    assertEquals(replacing, stages.contains("replaced"));
    assertEquals(!replacing, stages.contains("pruned"));
    for (String crashAt : stages) {
      var place = folder.resolve(crashAt);
      save(Checkpoints.in(place, 2), 1);
      save(Checkpoints.in(place, 2), 5);
      var crashing =
          new Checkpoints(
              place,
              1,
              stage -> {
                if (stage.equals(crashAt)) {
                  throw new Crash();
                }
              });
      assertThrows(Crash.class, () -> save(crashing, replacing ? 5 : 6));
      var latest = Checkpoints.in(place, 1).latest().orElseThrow();
      assertTrue(latest.step() >= (crashAt.equals("replaced") ? 1 : 5), crashAt);
      save(Checkpoints.in(place, 1), 7);
      assertEquals(7, Checkpoints.in(place, 1).latest().orElseThrow().step());
      try (var children = Files.list(place)) {
        assertEquals(
            List.of("step-000000007"),
            children.map(child -> child.getFileName().toString()).toList(),
            "nothing is left behind");
      }
    }
  }

  @Test
  void everyDamageIsFoundAndTheOneBeforeIsUsed() throws IOException {
    var checkpoints = Checkpoints.in(folder, 2);
    save(checkpoints, 1);
    Path newest = save(checkpoints, 2);
    for (String name : List.of("weights.safetensors", "state.safetensors", "checkpoint.json")) {
      Path file = newest.resolve(name);
      byte[] whole = Files.readAllBytes(file);
      for (int cut : new int[] {0, 1, whole.length / 2, whole.length - 2}) {
        Files.write(file, Arrays.copyOf(whole, cut));
        assertEquals(1, checkpoints.latest().orElseThrow().step(), name + " cut at " + cut);
      }
      Files.delete(file);
      assertEquals(1, checkpoints.latest().orElseThrow().step(), name + " deleted");
      Files.write(file, whole);
      assertEquals(5, warnings.size());
      assertTrue(warnings.get(0).contains(newest.toString()), warnings.get(0));
      warnings.clear();
      assertEquals(2, checkpoints.latest().orElseThrow().step());
    }
    for (String name : List.of("weights.safetensors", "state.safetensors")) {
      Path file = newest.resolve(name);
      byte[] whole = Files.readAllBytes(file);
      for (int i = 0; i < whole.length; i++) {
        byte[] flipped = whole.clone();
        flipped[i] ^= 16;
        Files.write(file, flipped);
        var error = assertThrows(IOException.class, () -> Checkpoint.open(newest));
        assertTrue(error.getMessage().contains("is damaged"), error.getMessage());
      }
      Files.write(file, whole);
    }
  }

  @Test
  void refusesAnotherFormat() throws IOException {
    Path written = save(Checkpoints.in(folder, 1), 1);
    Path file = written.resolve("checkpoint.json");
    Files.writeString(file, Files.readString(file).replace("\"format\":1", "\"format\":2"));
    var error = assertThrows(IOException.class, () -> Checkpoint.open(written));
    assertEquals(written + " has format 2, readable is 1", error.getMessage());
    assertTrue(Checkpoints.in(folder, 1).latest().isEmpty());
  }

  @Test
  void otherFilesInTheFolderStay() throws IOException {
    Files.writeString(folder.resolve("notes.txt"), "keep");
    Files.createDirectory(folder.resolve("step-1"));
    var checkpoints = Checkpoints.in(folder, 1);
    save(checkpoints, 1);
    save(checkpoints, 2);
    assertTrue(Files.exists(folder.resolve("notes.txt")));
    assertTrue(Files.exists(folder.resolve("step-1")));
    assertFalse(Files.exists(folder.resolve("step-000000001")));
  }

  @Test
  void keepsTheBestHoweverOld() throws IOException {
    var checkpoints = Checkpoints.in(folder, 2);
    save(checkpoints, 1, -1);
    assertEquals(1, checkpoints.best().orElseThrow().step(), "none is known to be the best");
    save(checkpoints, 2, 2);
    for (long step : new long[] {3, 4, 5}) {
      save(checkpoints, step, 2);
    }
    assertEquals(List.of("step-000000002", "step-000000004", "step-000000005"), names());
    assertEquals(2, checkpoints.best().orElseThrow().step());
    assertEquals(5, checkpoints.latest().orElseThrow().step());
    Files.delete(folder.resolve("step-000000002/weights.safetensors"));
    assertEquals(5, checkpoints.best().orElseThrow().step());
    assertEquals(1, warnings.size());
    save(checkpoints, 6, 6);
    assertEquals(List.of("step-000000005", "step-000000006"), names());
  }

  /** As written where numbers were formatted in the user's language, such as Persian. */
  @Test
  void readsAndReplacesNamesWithOtherDigits() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    for (long step : new long[] {17, 29}) {
      Path written = save(checkpoints, step, 17);
      Files.move(written, folder.resolve("step-۰۰۰۰۰۰۰" + (step == 17 ? "۱۷" : "۲۹")));
    }
    assertEquals(List.of("step-۰۰۰۰۰۰۰۱۷", "step-۰۰۰۰۰۰۰۲۹"), names());
    assertEquals(29, checkpoints.latest().orElseThrow().step());
    assertEquals(17, checkpoints.best().orElseThrow().step());
    save(checkpoints, 29, 17);
    assertEquals(List.of("step-000000029", "step-۰۰۰۰۰۰۰۱۷"), names());
    save(checkpoints, 30, 30);
    assertEquals(List.of("step-000000030"), names());
  }

  /** In a child, where the compiler has taken part after some steps. */
  @Test
  void threeHundredCheckpointsAreWhatTheDeviceHolds() throws IOException, InterruptedException {
    var process =
        JavaProcess.run(
            CheckpointCopies.class, JavaProcess.compiledByC2(), Map.of(), folder.toString());
    assertEquals(0, process.status(), process::toString);
    assertEquals(List.of("0 wrong after 300 steps"), process.output());
  }

  private static Path save(Checkpoints checkpoints, long step) throws IOException {
    return save(checkpoints, step, -1);
  }

  private static Path save(Checkpoints checkpoints, long step, long best) throws IOException {
    var description = new LinkedHashMap<String, Object>();
    description.put("format", Checkpoint.FORMAT);
    description.put("epoch", 3);
    description.put("model", Map.of("hidden", 5));
    description.put("trainer", Map.of());
    return checkpoints.save(
        step,
        best,
        new SafeTensorsWriter().add("w", new long[] {1}, new float[] {step}),
        new SafeTensorsWriter().add("s", new long[] {1}, new double[] {step}),
        description);
  }

  private List<String> names() throws IOException {
    try (var children = Files.list(folder)) {
      return children.map(child -> child.getFileName().toString()).sorted().toList();
    }
  }
}
