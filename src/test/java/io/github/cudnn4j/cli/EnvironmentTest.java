package io.github.cudnn4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands in other locales, encodings and heaps, each in a process of its own. */
@InOneMode
class EnvironmentTest {
  @TempDir private Path folder;

  private static JavaProcess run(String locale, List<String> options, String... arguments)
      throws IOException, InterruptedException {
    assumeTrue(
        System.getProperty("sun.jnu.encoding").equals("UTF-8"), "this locale has no such names");
    var all = new ArrayList<>(JavaProcess.sameProperties());
    all.addAll(options);
    return JavaProcess.run(Main.class, all, Map.of("LC_ALL", locale), arguments);
  }

  @Test
  void nothingIsWrittenInThePersianLanguage() throws IOException, InterruptedException {
    Path text = Files.writeString(folder.resolve("text"), "abcdefg\u001b[2J é ".repeat(100));
    Path model = folder.resolve("model");
    Path metrics = folder.resolve("metrics");
    String[] train = {"train", "--text", text + "", "--checkpoint", model + "", "--hidden", "4"};

    var persian =
        run(
            "C.UTF-8",
            List.of("-Duser.language=fa", "-Duser.country=IR", "-Dstdout.encoding=UTF-8"),
            with(
                train, "--batch", "2", "--steps", "5", "--epochs", "1", "--metrics", metrics + ""));

    assertEquals(0, persian.status(), persian.errors());
    Json.parseObject(persian.output().getLast());
    for (String line : Files.readAllLines(metrics)) {
      Json.parseObject(line);
    }
    String output = String.join("\n", persian.output());
    assertTrue(output.contains("wrote     checkpoint: " + model.resolve("step-000000")), output);
    assertFalse(output.chars().anyMatch(c -> c > '9' && Character.isDigit(c)), output);
    assertTrue(output.contains("\\u001b"), output);
    assertFalse(output.contains("\u001b"), "an escape sequence goes to the terminal");

    // In a terminal of Latin-1, é is one byte, which alone is no UTF-8.
    var latin =
        run(
            "C.UTF-8",
            List.of("-Dstdout.encoding=ISO-8859-1"),
            "generate",
            "--checkpoint",
            model + "",
            "--prefix",
            "é",
            "--length",
            "0");
    assertEquals(List.of("\uFFFD"), latin.output(), latin.errors());
  }

  private static String[] with(String[] first, String... more) {
    var all = new ArrayList<>(List.of(first));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  @Test
  void whatJavaCannotReadIsRefused() throws IOException, InterruptedException {
    var ran = run("C", List.of(), "generate", "--checkpoint", "nowhere", "--prefix", "она ");
    assertEquals(2, ran.status());
    assertTrue(ran.errors().startsWith("cudnn4j: Java cannot read the argument"), ran.errors());
    assertTrue(ran.errors().strip().endsWith("set LC_ALL=C.UTF-8"), ran.errors());
  }

  @Test
  void aTextLargerThanTheHeapIsTrainedOn() throws IOException, InterruptedException {
    Path text = folder.resolve("text");
    try (var out = Files.newBufferedWriter(text)) {
      for (int i = 0; i < 2_500_000; i++) {
        out.write("abcdefghi jklmnop ");
      }
    }
    String[] train = {"train", "--text", text + "", "--hidden", "4", "--epochs", "1"};
    var heap = List.of("-Xmx24m");

    var ran = run("C.UTF-8", heap, with(train, "--tokens", "5000", "--held-out", "1e-4"));
    assertEquals(0, ran.status(), ran.errors());
  }

  @Test
  void aHeapThatIsTooSmallIsOneLine() throws IOException, InterruptedException {
    Path text = Files.writeString(folder.resolve("text"), "abc ".repeat(1000));
    var ran = run("C.UTF-8", List.of("-Xmx24m"), "train", "--text", text + "", "--hidden", "2000");
    assertEquals(1, ran.status());
    assertEquals(
        "cudnn4j: Java's heap of 24 MiB is too small; start with more: java -Xmx48m -jar ...",
        ran.errors().strip());
  }

  @Test
  void outputThatIsLostIsAnError() throws IOException, InterruptedException {
    var command = JavaProcess.command(Main.class, JavaProcess.sameProperties(), List.of("--help"));
    Process help =
        new ProcessBuilder(command).redirectOutput(Path.of("/dev/full").toFile()).start();
    String errors = new String(help.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals("cudnn4j: standard output: No space left on device", errors.strip());
    assertEquals(1, help.waitFor());
  }
}
