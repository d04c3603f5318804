package io.github.cudnn4j.io;

import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WholeFileTest {

  private static final byte[] BEFORE = {1, 2, 3};
  private static final byte[] AFTER = {4, 5};

  @TempDir private Path folder;

  private void assertHolds(byte[] expected, Path file) throws IOException {
    assertArrayEquals(expected, Files.readAllBytes(file));
    try (var files = Files.list(file.getParent())) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void isThereAsAWhole() throws IOException {
    Path file = folder.resolve("a");
    WholeFile.write(file, BEFORE);
    assertHolds(BEFORE, file);
    WholeFile.write(file, AFTER);
    assertHolds(AFTER, file);
    Path longest = Files.createDirectory(folder.resolve("b")).resolve("n".repeat(255));
    WholeFile.write(longest, AFTER);
    assertHolds(AFTER, longest);
    assumeTrue(
        System.getProperty("sun.jnu.encoding").equals("UTF-8"), "this locale has no such names");
    String pairs = "n" + Character.toString(0x1F600).repeat(60);
    Path odd = Files.createDirectory(folder.resolve("c")).resolve(pairs);
    WholeFile.write(odd, AFTER);
    assertHolds(AFTER, odd);
  }

  @Test
  void whatIsInterruptedLeavesWhatWasThere() throws IOException {
    Path file = Files.write(folder.resolve("a"), BEFORE);
    WholeFile.Content after = channel -> channel.write(ByteBuffer.wrap(AFTER));
    Thread.currentThread().interrupt();
    assertThrows(ClosedByInterruptException.class, () -> WholeFile.write(file, after));
    assertHolds(BEFORE, file);
    WholeFile.write(file, BEFORE);
    assertTrue(Thread.interrupted());
    assertHolds(BEFORE, file);
    var failed =
        assertThrows(
            FileSystemException.class,
            () ->
                WholeFile.write(
                    file,
                    channel -> {
                      after.writeTo(channel);
                      throw new IOException("no space");
                    }));
    assertEquals(file + ": no space", failed.getMessage());
    assertEquals("no space", failed.getCause().getMessage());
    assertHolds(BEFORE, file);
  }

  @Test
  void linksStayAndDevicesAreWrittenTo() throws IOException {
    Path target = Files.createDirectory(folder.resolve("b")).resolve("a");
    Path link = Files.createSymbolicLink(folder.resolve("link"), Files.write(target, BEFORE));
    WholeFile.write(link, AFTER);
    assertTrue(Files.isSymbolicLink(link));
    assertHolds(AFTER, target);

    Path full = Path.of("/dev/full");
    assumeTrue(Files.isWritable(full));
    var failed = assertThrows(FileSystemException.class, () -> WholeFile.write(full, AFTER));
    assertTrue(failed.getMessage().startsWith("/dev/full: "), failed::getMessage);
    assertTrue(Files.isWritable(full));
  }

  @Test
  void failuresTellTheFile() {
    Path gone = folder.resolve("gone/a");
    var failed = assertThrows(NoSuchFileException.class, () -> WholeFile.write(gone, AFTER));
    assertEquals(gone.toString(), failed.getMessage());
    var ofFolder = assertThrows(FileSystemException.class, () -> WholeFile.write(folder, AFTER));
    assertEquals(folder.toString(), ofFolder.getFile());
    Path tooLong = folder.resolve("n".repeat(256));
    var ofName = assertThrows(FileSystemException.class, () -> WholeFile.write(tooLong, AFTER));
    var read = assertThrows(FileSystemException.class, () -> WholeFile.read(folder));
    assertEquals(folder + ": Is a directory", read.getMessage());
    assertEquals(tooLong + ": File name too long", ofName.getMessage());
  }

  /** Begins to write a file and waits for ever. */
  static final class Unfinished {
    static void main(String[] arguments) throws IOException {
      WholeFile.write(
          Path.of(arguments[0]),
          channel -> {
            channel.write(ByteBuffer.wrap(AFTER));
            System.out.println("begun");
            System.out.flush();
            while (true) {
              LockSupport.park();
            }
          });
    }
  }

  @Test
  void aProcessThatIsToldToEndLeavesNoPart() throws IOException, InterruptedException {
    Path file = Files.write(folder.resolve("a"), BEFORE);
    var command = JavaProcess.command(Unfinished.class, List.of(), List.of(file.toString()));
    Process process = new ProcessBuilder(command).start();
    try (var output = process.inputReader()) {
      assertEquals("begun", output.readLine());
    }
    process.destroy();
    process.waitFor();
    assertHolds(BEFORE, file);
  }

  @Test
  void whatNoArrayHoldsIsRefused() throws IOException {
    Path file = folder.resolve("a");
    try (var channel = FileChannel.open(file, CREATE_NEW, WRITE)) {
      channel.write(ByteBuffer.wrap(BEFORE), (3L << 30) - BEFORE.length);
    }
    var failed = assertThrows(FileSystemException.class, () -> WholeFile.read(file));
    assertEquals(
        file + ": it has 3221225472 bytes, at most 2147483639 are read", failed.getMessage());
    WholeFile.write(file, BEFORE);
    assertArrayEquals(BEFORE, WholeFile.read(file));
  }
}
