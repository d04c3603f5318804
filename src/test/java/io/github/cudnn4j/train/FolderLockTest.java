package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Who writes into a folder of checkpoints keeps the others out, and leaves what was there. */
class FolderLockTest extends CheckpointsFixture {

  @Test
  void oneTrainingWritesAtATime() throws IOException {
    var checkpoints = Checkpoints.in(folder, 1);
    long process = ProcessHandle.current().pid();
    String used = "another training (process " + process + ") uses " + folder;
    try (var writer = CheckpointWriter.open(checkpoints, RUN, 0)) {
      assertEquals(
          used,
          assertThrows(IOException.class, () -> CheckpointWriter.open(checkpoints, RUN, 0))
              .getMessage());
      assertEquals(used, assertThrows(IOException.class, checkpoints::requireUnused).getMessage());
      assertEquals(used, assertThrows(IOException.class, checkpoints::clear).getMessage());
      save(writer, 1, -1);
      assertEquals(1, checkpoints.latest().orElseThrow().step());
    }
    assertEquals(process + "\n", Files.readString(folder.resolve(".lock")));
    checkpoints.requireUnused();
    save(checkpoints, 2);
  }

  @Test
  void aTrainingThatHasNotYetToldItsProcessIsToldWithout() throws IOException {
    try (var channel =
        FileChannel.open(
            folder.resolve(".lock"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.lock();
      var checkpoints = Checkpoints.in(folder, 1);
      var used = assertThrows(IOException.class, checkpoints::requireUnused);
      assertEquals("another training uses " + folder, used.getMessage());
    }
  }

  @Test
  void aFolderThatWasMadeForNothingIsDeleted() throws IOException {
    Path made = folder.resolve("a/b");
    var checkpoints = Checkpoints.in(made, 1);
    checkpoints.requireUnused();
    assertFalse(Files.exists(made));
    CheckpointWriter.open(checkpoints, RUN, 0).close();
    assertFalse(Files.exists(made));
    Files.createDirectory(made);
    checkpoints.requireUnused();
    assertTrue(Files.exists(made), "it was there before");
    Files.delete(made.resolve(".lock"));
    Files.delete(made);
    save(checkpoints, 2);
    assertEquals(2, checkpoints.latest().orElseThrow().step());
  }

  /** Says why folders cannot be used. */
  static final class Unusable {
    static void main(String[] folders) {
      for (String folder : folders) {
        var checkpoints = Checkpoints.in(Path.of(folder), 1);
        var refused = assertThrows(IOException.class, checkpoints::requireUnused);
        System.out.println(refused.getMessage());
      }
    }
  }

  /** Files can be made and not written, as on a full disk. */
  @InOneMode
  @Test
  void aDiskThatWasFullFromTheStartIsLeftAsItWas() throws IOException, InterruptedException {
    Path there = Files.createDirectory(folder.resolve("there"));
    Path missing = folder.resolve("missing");
    var process =
        JavaProcess.runWithFilesUpTo(0, Unusable.class, there.toString(), missing.toString());
    assertEquals(0, process.status(), process::toString);
    String reason = "/.lock: File too large";
    assertEquals(List.of(there + reason, missing + reason), process.output());
    try (var children = Files.list(folder)) {
      assertEquals(List.of(there), children.toList());
    }
    try (var children = Files.list(there)) {
      assertEquals(List.of(), children.toList());
    }
  }
}
