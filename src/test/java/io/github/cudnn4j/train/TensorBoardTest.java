package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TensorBoardTest {

  /** What TensorBoard 2.21's own RecordWriter writes for these events at this time. */
  private static final String REFERENCE =
      """
      1800000000000000a37f4b220900000000004a93401a0d627261696e2e4576656e743a3265b8d3fb
      100000000000000095fbfe180900000000004a934010ad023a020801c02893a57a00000000000000
      138986780900000000004a934010f0a2042a6b0a1a0a13747261696e2f6772616469656e74206e6f
      726d150000003f0a1a0a13747261696e2f6c6561726e696e672072617465156f12833a0a110a0a74
      7261696e2f6c6f7373150000c03f0a1e0a17747261696e2f746f6b656e7320706572207365636f6e
      641500c8af476d1bc5584300000000000000b18525a00900000000004a934010f0a2042a340a1a0a
      1376616c69646174696f6e2f6163637572616379150000403f0a160a0f76616c69646174696f6e2f
      6c6f7373150000c07f0b4abfa2
      """;

  private static final InstantSource TIME = InstantSource.fixed(Instant.ofEpochMilli(1_234_500));

  @TempDir Path folder;

  @Test
  void theEventsAreThoseOfTensorBoardsOwnWriter() throws IOException {
    try (var board = TensorBoard.resume(folder.resolve("a/run"), 300, TIME)) {
      board.logged(new Progress(1, 2, 70_000, 100_000, 1.5, 0.5, 1e-3, 9e4, 3, 512, 1.25, 7));
      board.validated(new Validation(1, 70_000, Double.NaN, Map.of("accuracy", 0.75), false));
    }
    try (var files = Files.list(folder.resolve("a/run"))) {
      var bytes = Files.readAllBytes(files.toList().getFirst());
      assertEquals(
          REFERENCE.replace("\n", ""), HexFormat.of().formatHex(bytes), "bytes of the events");
    }
  }

  /** Readers pass over what has no step of its own, and a new training says nothing of others. */
  @Test
  void aNewTrainingBeginsWithTheVersionAlone() throws IOException {
    TensorBoard.in(folder, TIME).close();
    try (var files = Files.list(folder)) {
      var file = files.toList().getFirst();
      assertEquals(
          "events.out.tfevents.1234." + ProcessHandle.current().pid() + ".cudnn4j",
          file.getFileName().toString());
      assertEquals(8 + 4 + 24 + 4, Files.size(file));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE})
  void aStepThatCannotHaveBeenDoneIsRefusedBeforeAFileIsMade(long step) throws IOException {
    var refused =
        assertThrows(IllegalArgumentException.class, () -> TensorBoard.resume(folder, step));
    assertEquals(
        "step = " + step + ", must be from 0 to 9223372036854775806", refused.getMessage());
    try (var files = Files.list(folder)) {
      assertEquals(0, files.count());
    }
  }

  @Test
  void aFullDiskDoesNotEndTheTraining() throws IOException {
    var full = Path.of("/dev/full");
    assumeTrue(Files.isWritable(full));
    var link =
        folder.resolve("events.out.tfevents.1234." + ProcessHandle.current().pid() + ".cudnn4j");
    Files.createSymbolicLink(link, full);
    try (var board = TensorBoard.in(folder, TIME)) {
      board.logged(new Progress(1, 2, 1, 100_000, 1.5, 0.5, 1e-3, 9e4, 3, 512, 1.25, 7));
      board.logged(new Progress(1, 2, 2, 100_000, 1.5, 0.5, 1e-3, 9e4, 3, 512, 1.25, 7));
    }
    assertEquals(0, Files.size(full));
  }
}
