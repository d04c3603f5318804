package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a folder of checkpoints does in its life. */
class CheckpointsTest extends CheckpointsFixture {

  private static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1;
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
    for (long step : new long[] {1, 3, 20, 100}) {
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
    save(Checkpoints.in(probe, 1), replacing ? 1 : 2, -1, RUN, stages::add);
    assertTrue(stages.containsAll(List.of("folder", "weights", "state", "description", "renamed")));
    assertEquals(replacing, stages.contains("replaced"));
    assertEquals(!replacing, stages.contains("pruned"));
    for (String crashAt : stages) {
      var place = folder.resolve(crashAt);
      save(Checkpoints.in(place, 2), 1);
      save(Checkpoints.in(place, 2), 5);
      Consumer<String> crashing =
          stage -> {
            if (stage.equals(crashAt)) {
              throw new Crash();
            }
          };
      assertThrows(
          Crash.class, () -> save(Checkpoints.in(place, 1), replacing ? 5 : 6, -1, RUN, crashing));
      var latest = Checkpoints.in(place, 1).latest().orElseThrow();
      assertTrue(latest.step() >= (crashAt.equals("replaced") ? 1 : 5), crashAt);
      save(Checkpoints.in(place, 1), 7);
      assertEquals(7, Checkpoints.in(place, 1).latest().orElseThrow().step());
      assertEquals(List.of("step-000000007"), names(place), "nothing is left behind");
    }
  }

  /** More digits than a number has, links, files: what is no checkpoint is nobody's business. */
  @Test
  void absurdNamesDisturbNothing() throws IOException {
    Path absurd = Files.createDirectory(folder.resolve("step-99999999999999999999"));
    for (String hidden : List.of(".unfinished", ".replaced")) {
      Files.createSymbolicLink(folder.resolve(hidden), folder.resolve("nowhere"));
    }
    var checkpoints = Checkpoints.in(folder, 1);
    assertTrue(checkpoints.latest().isEmpty() && checkpoints.best().isEmpty());
    assertTrue(checkpoints.isEmpty());
    save(checkpoints, 1);
    Files.writeString(folder.resolve("step-000000002"), "a file");
    assertEquals(1, checkpoints.latest().orElseThrow().step());
    checkpoints.clear();
    assertEquals(List.of(absurd.getFileName().toString()), names());
  }

  @Test
  void neitherCountsNorDeletesWhatCannotBeRead() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    save(checkpoints, 1);
    Files.createDirectory(folder.resolve("step-000000900"));
    Files.createDirectory(folder.resolve("step-000000901"));
    save(checkpoints, 2);
    save(checkpoints, 3);
    assertEquals(List.of("step-000000003", "step-000000900", "step-000000901"), names());
    assertEquals(3, checkpoints.latest().orElseThrow().step());
  }

  @Test
  void refusesAFolderWithTheCheckpointsOfAnother() throws IOException {
    var checkpoints = Checkpoints.in(folder, 2);
    Path other = save(checkpoints, 220);
    String remedy = ": resume from it, delete it or use another folder";
    Consumer<String> nothing = stage -> {};
    assertEquals(
        other + " is of another training" + remedy,
        assertThrows(IOException.class, () -> save(checkpoints, 56, -1, "b", nothing))
            .getMessage());
    assertEquals(
        other + " is later than step 56, from which to go on" + remedy,
        assertThrows(IOException.class, () -> save(checkpoints, 56)).getMessage());
    Files.delete(other.resolve("checkpoint.json"));
    assertEquals(
        other + " is there and cannot be read" + remedy,
        assertThrows(IOException.class, () -> save(checkpoints, 56, -1, "b", nothing))
            .getMessage());
    assertEquals(List.of("step-000000220"), names());
    checkpoints.clear();
    save(checkpoints, 56, -1, "b", nothing);
    assertEquals("b", checkpoints.latest().orElseThrow().run());
  }

  /** Whoever reads sees whole checkpoints only, and always one. */
  @Test
  void readersFindAWholeCheckpointWhileOldOnesAreDeleted() throws Exception {
    var checkpoints = Checkpoints.in(folder, 1);
    save(checkpoints, 1);
    try (var threads = Executors.newSingleThreadExecutor();
        var writer = CheckpointWriter.open(checkpoints, RUN, 1)) {
      var written =
          threads.submit(
              () -> {
                for (int step = 2; step < 40; step++) {
                  save(writer, step, -1);
                }
                return null;
              });
      long before = 1;
      while (!written.isDone()) {
        long step = checkpoints.latest().orElseThrow().step();
        assertTrue(step >= before, step + " is older than " + before);
        before = step;
      }
      written.get();
    }
    assertEquals(List.of(), warnings);
  }

  /** Of a training each of whose checkpoints is the best one up to then. */
  @Test
  void readersFindTheBestWhileThoseBeforeAreDeleted() throws Exception {
    var checkpoints = Checkpoints.in(folder, 1);
    save(checkpoints, 1, 1);
    try (var threads = Executors.newSingleThreadExecutor();
        var writer = CheckpointWriter.open(checkpoints, RUN, 1)) {
      var written =
          threads.submit(
              () -> {
                for (int step = 2; step < 40; step++) {
                  save(writer, step, step);
                }
                return null;
              });
      while (!written.isDone()) {
        var best = checkpoints.best().orElseThrow();
        assertEquals(best.bestStep(), best.step());
      }
      written.get();
    }
    assertEquals(List.of(), warnings);
  }

  /** As the one of a reader is by a training that goes on meanwhile. */
  @Test
  void aCheckpointThatIsDeletedAfterItWasOpenedIsToldSo() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    Path deleted = save(checkpoints, 1);
    var checkpoint = checkpoints.latest().orElseThrow();
    try (var weights = checkpoint.weights()) {
      save(checkpoints, 2);
      assertArrayEquals(new float[] {1}, weights.floats("w"), "what is open stays");
    }
    String reason = " was deleted after its checkpoint was opened; trainings delete their old ones";
    assertEquals(
        deleted.resolve("weights.safetensors") + reason,
        assertThrows(IOException.class, checkpoint::weights).getMessage());
    assertEquals(
        deleted.resolve("state.safetensors") + reason,
        assertThrows(IOException.class, checkpoint::state).getMessage());
  }

  @Test
  void aFailureNamesTheFileAndLeavesNoPart() throws IOException {
    var checkpoints = Checkpoints.in(folder, 2);
    save(checkpoints, 1);
    Path state = folder.resolve(".unfinished/state.safetensors");
    Consumer<String> inTheWay =
        stage -> {
          if (stage.equals("weights")) {
            assertTrue(state.toFile().mkdir());
          }
        };
    var error = assertThrows(IOException.class, () -> save(checkpoints, 2, -1, RUN, inTheWay));
    assertTrue(error.getMessage().contains(state.toString()), error.getMessage());
    assertFalse(Files.exists(folder.resolve(".unfinished")));
    assertEquals(1, checkpoints.latest().orElseThrow().step());
  }

  @Test
  void interruptingDoesNotHurt() throws IOException {
    var checkpoints = Checkpoints.in(folder, 2);
    Consumer<String> interrupting = stage -> Thread.currentThread().interrupt();
    Thread.currentThread().interrupt();
    save(checkpoints, 1, -1, RUN, stage -> {});
    assertTrue(Thread.interrupted());
    var once = new ArrayList<String>();
    save(
        checkpoints,
        2,
        -1,
        RUN,
        stage -> {
          if (!once.contains(stage)) {
            once.add(stage);
            interrupting.accept(stage);
          }
        });
    assertTrue(Thread.interrupted());
    assertEquals(List.of("step-000000001", "step-000000002"), names());
    assertEquals(2, checkpoints.latest().orElseThrow().step());
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
    CheckpointFiles.delete(folder.resolve("step-000000002"));
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
  @InOneMode
  @Test
  void threeHundredCheckpointsAreWhatTheDeviceHolds() throws IOException, InterruptedException {
    var process =
        JavaProcess.run(
            CheckpointCopies.class, JavaProcess.compiledByC2(), Map.of(), folder.toString());
    assertEquals(0, process.status(), process::toString);
    assertEquals(List.of("0 wrong after 300 steps"), process.output());
  }

  private List<String> names() throws IOException {
    return names(folder);
  }

  private static List<String> names(Path folder) throws IOException {
    try (var children = Files.list(folder)) {
      return children
          .map(child -> child.getFileName().toString())
          .filter(name -> !name.equals(".lock"))
          .sorted()
          .toList();
    }
  }
}
