package io.github.cudnn4j.cli;

import static io.github.cudnn4j.cli.CommandLineTest.run;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cli.CommandLineTest.Ran;
import io.github.cudnn4j.train.Checkpoints;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Language models of bytes and of words, from a file to text. */
class LanguageModelCommandTest {

  @TempDir private Path folder;

  private Ran train(String units, Path checkpoint, String... more) throws IOException {
    var content = new ByteArrayOutputStream();
    for (int i = 0; i < 100; i++) {
      content.writeBytes("The cat sat on a mät.\n".getBytes(StandardCharsets.UTF_8));
      content.write(units.equals("bytes") ? 0xFF : '\n'); // which no UTF-8 has
    }
    Path text = Files.write(folder.resolve("text"), content.toByteArray());
    List<String> arguments = new ArrayList<>(List.of("train", "--text", text + ""));
    arguments.addAll(List.of("--units", units, "--hidden", "16", "--batch", "4", "--steps", "9"));
    arguments.addAll(List.of("--tie", "--lr", "0.03", "--checkpoint", checkpoint + ""));
    arguments.addAll(List.of(more));
    return run(arguments.toArray(String[]::new));
  }

  @ParameterizedTest
  @ValueSource(strings = {"bytes", "words"})
  void trainsResumesEvaluatesAndGenerates(String units) throws IOException {
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");
    Ran trained = train(units, whole, "--epochs", "10", "--dropout", "0.1");
    assertEquals(0, trained.status(), trained.err());
    assertTrue(trained.out().contains(units + " as vectors of 16, tied"), trained.out());
    assertEquals(0, train(units, parts, "--epochs", "5", "--dropout", "0.1").status());
    Ran resumed = train(units, parts, "--epochs", "10", "--resume");
    assertEquals(0, resumed.status(), resumed.err());
    assertArrayEquals(weights(whole), weights(parts));

    Ran evaluated =
        run("evaluate", "--checkpoint", whole + "", "--text", folder.resolve("text") + "");
    assertEquals(0, evaluated.status(), evaluated.err());
    Map<?, ?> result = evaluated.result();
    String one = units.equals("bytes") ? "bitsPerByte" : "bitsPerWord";
    assertEquals(units.equals("bytes") ? 2400.0 : 900.0, number(result, units));
    assertEquals(2300.0, number(result, "characters"));
    assertEquals(
        number(result, one) * number(result, units),
        number(result, "bitsPerCharacter") * 2300,
        1e-9);

    String[] cold = {"--top-k", "1", "--top-p", "0.5", "--length", "2", "--prefix", "The cat"};
    List<String> generate = new ArrayList<>(List.of("generate", "--checkpoint", whole + ""));
    generate.addAll(List.of(cold));
    Ran generated = run(generate.toArray(String[]::new));
    assertTrue(
        generated.out().startsWith(units.equals("bytes") ? "The cat " : "The cat sat on"),
        generated.out());
  }

  @Test
  void validatesOnATextOfItsOwn() throws IOException {
    Path model = folder.resolve("model");
    Path other = Files.writeString(folder.resolve("other"), "a cat sat on The mät.\n".repeat(9));
    Ran trained = train("words", model, "--epochs", "2", "--validation", other + "");
    assertEquals(0, trained.status(), trained.err());
    assertTrue(
        trained.out().contains("text      900 words to learn from, 72 held out"), trained.out());
    assertTrue(
        trained.out().lines().allMatch(line -> line.startsWith("{") || line.length() < 250),
        "samples are of as many words as characters: " + trained.out());
    String[] windows = {"--batch", "4", "--steps", "9", "--text", other + ""};
    Ran evaluated =
        run(CommandLineTest.with(new String[] {"evaluate", "--checkpoint", model + ""}, windows));
    assertEquals(
        number(evaluated.result(), "perplexity"),
        number(trained.result(), "heldOutPerplexity"),
        1e-4,
        trained.out());
    Ran both =
        train("words", folder.resolve("none"), "--held-out", "0.1", "--validation", other + "");
    assertTrue(both.err().contains("--held-out and --validation exclude each other"), both.err());
    Files.writeString(other, "\n");
    Ran empty = train("words", folder.resolve("none"), "--validation", other + "");
    assertTrue(empty.err().contains("--validation: the text has 1 words"), empty.err());
  }

  @Test
  void refusesWhatDoesNotFit() throws IOException {
    Path none = folder.resolve("none");
    Ran known = train("bytes", none, "--vocabulary", "9");
    assertTrue(
        known.err().contains("--vocabulary: all bytes are known, only words are chosen"),
        known.err());
    Ran narrow = train("words", none, "--embedding", "8");
    assertTrue(
        narrow.err().contains("--tie needs vectors as wide as the output, 16, not --embedding 8"),
        narrow.err());
  }

  private static byte[] weights(Path checkpoints) throws IOException {
    Path latest = Checkpoints.in(checkpoints, 1).latest().orElseThrow().folder();
    return Files.readAllBytes(latest.resolve("weights.safetensors"));
  }

  private static double number(Map<?, ?> map, String name) {
    return ((Number) map.get(name)).doubleValue();
  }
}
