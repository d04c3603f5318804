package io.github.cudnn4j.cli;

import static io.github.cudnn4j.cli.CommandLineTest.assertFailed;
import static io.github.cudnn4j.cli.CommandLineTest.run;
import static io.github.cudnn4j.cli.CommandLineTest.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cli.CommandLineTest.Ran;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What data can smuggle into the output, and where that goes. */
class ApplyCommandTest {

  @TempDir private Path folder;

  /** Trains a model of a kind, and returns what it makes of lines. */
  private String applied(String kind, String data, String lines) throws IOException {
    Path file = Files.writeString(folder.resolve("data"), data);
    Path input = Files.writeString(folder.resolve("in"), lines);
    String[] at = {"--checkpoint", folder.resolve("model") + ""};
    String[] how = {"--data", file + "", "--hidden", "8", "--embedding", "4", "--lr", "0.05"};
    String[] size = {"--batch", "4", "--max-length", "4", "--held-out", "0", "--epochs", "20"};
    Ran trained = run(with(with(new String[] {"train", kind}, how), with(size, at)));
    assertEquals(0, trained.status(), trained.err());
    Ran applied = run(with(new String[] {"apply", "--input", input + ""}, at));
    assertEquals(0, applied.status(), applied.err());
    return applied.out();
  }

  @Test
  void aLabelStaysInItsColumnAndItsLine() throws IOException {
    String out =
        applied("classifier", "g\rood\u2028\u001b[2J\ta\nba\u009bd\tb\n".repeat(8), "a\nb\n");
    assertTrue(
        out.matches("g\\\\u000dood\\\\u2028\\\\u001b\\[2J\t[01].\\d+\nba\\\\u009bd\t[01].\\d+\n"),
        out);
  }

  @Test
  void aTagStaysOne() throws IOException {
    assertEquals(
        "N\\u0020P\\u00a0\\u0007 V\n",
        applied("tagger", "a\tN P\u00a0\u0007\nb\tV\n\n".repeat(8), "a b\n"));
  }

  @Test
  void aTranslationStaysInItsLine() throws IOException {
    assertEquals("\\u001b\n", applied("translator", "a\t\u001b\n".repeat(8), "a\n"));
  }

  @Test
  void nothingMoreIsReadWhereTheOutputIsLost() throws IOException {
    applied("classifier", "a\tb\nc\td\n".repeat(8), "b\n");
    var lines = new ByteArrayInputStream("b\n".repeat(40_000).getBytes(StandardCharsets.US_ASCII));
    InputStream before = System.in;
    System.setIn(lines);
    try {
      var lost = new PrintWriter(Files.newOutputStream(Path.of("/dev/full")));
      Main.commandLine()
          .setOut(lost)
          .execute("apply", "--checkpoint", folder.resolve("model") + "");
      assertTrue(lost.checkError());
    } finally {
      System.setIn(before);
    }
    assertTrue(lines.available() > 0, "all lines were read");
  }

  @Test
  void aMessageCannotMoveTheCursor() {
    assertFailed("/no\\u001b[2J", run("apply", "--checkpoint", folder.resolve("no\u001b[2J") + ""));
  }
}
