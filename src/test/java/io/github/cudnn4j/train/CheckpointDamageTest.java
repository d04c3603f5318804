package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** What damage to the files of checkpoints does: it is found, told and passed over. */
class CheckpointDamageTest extends CheckpointsFixture {

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

  /** A digit of the random state or of the window may be wrong and still be a number. */
  @Test
  void everyChangeOfTheDescriptionIsFound() throws IOException {
    Path written = save(Checkpoints.in(folder, 1), 12);
    Path file = written.resolve("checkpoint.json");
    byte[] whole = Files.readAllBytes(file);
    for (int i = 0; i < whole.length; i++) {
      byte[] changed = whole.clone();
      changed[i] = (byte) (changed[i] == '7' ? '8' : '7');
      Files.write(file, changed);
      var error = assertThrows(IOException.class, () -> Checkpoint.open(written), "byte " + i);
      assertTrue(error.getMessage().contains(file.toString()), error.getMessage());
    }
  }

  /** As they were written before they had one. */
  @Test
  void readsADescriptionWithoutChecksum() throws IOException {
    Path written = save(Checkpoints.in(folder, 1), 12);
    describe(written, text -> unsealed(text).replace("\"format\":3,\"run\":\"a\"", "\"format\":1"));
    var checkpoint = Checkpoints.in(folder, 1).latest().orElseThrow();
    assertEquals(12, checkpoint.step());
    assertEquals("", checkpoint.run());
    assertEquals(Map.of(), checkpoint.notes());
    String damaged =
        written.resolve("checkpoint.json") + " is damaged: its checksum is not that of its text";
    for (int format = 2; format <= Checkpoint.FORMAT; format++) {
      String sealed = "\"format\":" + format;
      describe(written, text -> text.replaceFirst("\"format\":.", sealed));
      var e = assertThrows(IOException.class, () -> Checkpoint.open(written), sealed);
      assertEquals(damaged, e.getMessage());
    }
  }

  @Test
  void refusesNumbersThatCannotBe() throws IOException {
    Path written = save(Checkpoints.in(folder, 1), 12);
    describe(written, text -> unsealed(text).replace("\"format\":3", "\"format\":1"));
    for (String[] wrong :
        new String[][] {
          {"epoch", "2147483648", "0 to 2147483647"},
          {"epoch", "-1", "0 to 2147483647"},
          {"epoch", "3.5", "0 to 2147483647"},
          {"step", "99999999999999999999", "0 to 9223372036854775807"},
          {"step", "null", "0 to 9223372036854775807"},
          {"bestStep", "-2", "-1 to 9223372036854775807"}
        }) {
      String before = Files.readString(written.resolve("checkpoint.json"));
      describe(
          written, text -> text.replaceFirst("(\"" + wrong[0] + "\":)-?\\d+", "$1" + wrong[1]));
      var error = assertThrows(IOException.class, () -> Checkpoint.open(written));
      assertTrue(
          error.getMessage().contains("is damaged: " + wrong[0] + " is ")
              && error.getMessage().endsWith(", must be a whole number from " + wrong[2]),
          error.getMessage());
      describe(written, text -> before);
    }
  }

  @Test
  void passesOverADescriptionLargerThanMemory() throws IOException {
    var checkpoints = Checkpoints.in(folder, 2);
    save(checkpoints, 1);
    Path file = save(checkpoints, 2).resolve("checkpoint.json");
    try (var sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(3L << 30);
    }
    assertEquals(1, checkpoints.latest().orElseThrow().step());
    assertEquals(
        List.of(
            "passing over a checkpoint: "
                + file
                + " is damaged: it has 3221225472 bytes, at most are 67108864"),
        warnings);
  }

  @Test
  void saysWhyNoneCanBeRead() throws IOException {
    Path written = save(Checkpoints.in(folder, 1), 1);
    describe(written, text -> text.replace("\"format\":3", "\"format\":4"));
    var error = assertThrows(IOException.class, () -> Checkpoint.open(written));
    String reason = written.resolve("checkpoint.json") + " has format 4, readable are 1 to 3";
    assertEquals(reason, error.getMessage());
    for (int step = 2; step <= 5; step++) {
      Files.createDirectory(folder.resolve("step-00000000" + step));
    }
    error = assertThrows(IOException.class, () -> Checkpoints.in(folder, 1).latest());
    Path missing = folder.resolve("step-000000005/checkpoint.json");
    assertTrue(
        error
            .getMessage()
            .startsWith(
                folder + " holds no checkpoint that can be read: " + missing + " is missing; "),
        error.getMessage());
    assertTrue(error.getMessage().endsWith("; and 2 more"), error.getMessage());
    assertFalse(Checkpoints.in(folder, 1).isEmpty());
  }

  @Test
  void aFileThatCannotBeReadIsNamed() throws IOException {
    Path checkpoint = save(Checkpoints.in(folder, 1), 1);
    for (String name : List.of("weights.safetensors", "checkpoint.json")) {
      Path file = checkpoint.resolve(name);
      Files.delete(file);
      Files.createSymbolicLink(file, Path.of("/proc/self/mem")); // Nothing is at the address 0.
      var failed = assertThrows(IOException.class, () -> Checkpoint.open(checkpoint));
      assertEquals(file + ": Input/output error", failed.getMessage());
    }
  }

  @Test
  void onlyAFileIsSealed() {
    assertEquals(
        folder + " is not a file",
        assertThrows(IOException.class, () -> Checkpoint.seal(folder)).getMessage());
  }

  private static void describe(Path checkpoint, UnaryOperator<String> change) throws IOException {
    Path file = checkpoint.resolve("checkpoint.json");
    Files.writeString(file, change.apply(Files.readString(file)));
  }

  /** Without its last member. */
  private static String unsealed(String description) {
    return description.substring(0, description.lastIndexOf(",")) + "}";
  }
}
