package io.github.cudnn4j.cli;

import static io.github.cudnn4j.cli.CommandLineTest.assertFailed;
import static io.github.cudnn4j.cli.CommandLineTest.assertRefused;
import static io.github.cudnn4j.cli.CommandLineTest.run;
import static io.github.cudnn4j.cli.CommandLineTest.weights;
import static io.github.cudnn4j.cli.CommandLineTest.with;
import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cli.CommandLineTest.Ran;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A classifier of texts from the file of its examples to the labels of others. */
class ClassifierCommandTest {

  private static final List<String> LABELS = List.of("bad", "good", "so-so");

  @TempDir private Path folder;
  private Path data;
  private Path checkpoint;

  @BeforeEach
  void writeData() throws IOException {
    data = Files.write(folder.resolve("data.tsv"), lines(240));
    checkpoint = folder.resolve("model");
  }

  /** One word of each text tells its label. */
  private static List<String> lines(int count) {
    SplittableRandom random = new SplittableRandom(1);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      String label = LABELS.get(random.nextInt(3));
      String before = "the ".repeat(random.nextInt(4));
      lines.add(label + "\t" + before + label + " one".repeat(random.nextInt(6)));
    }
    return lines;
  }

  private Ran train(String... more) {
    String[] shape = {"--hidden", "12", "--embedding", "8", "--max-length", "16"};
    String[] how = {"--data", data + "", "--lr", "0.02", "--bidirectional", "--dropout", "0.1"};
    return run(
        with(
            new String[] {"train", "classifier"},
            with(with(shape, how), with(more, "--checkpoint", checkpoint + ""))));
  }

  @Test
  void trainsThenEvaluatesAndApplies() throws IOException {
    Path metrics = folder.resolve("metrics.jsonl");

    Path board = folder.resolve("board");
    Ran trained =
        train(
            "--epochs=5", "--held-out=0.2", "--metrics", metrics + "", "--tensorboard", board + "");

    assertEquals(0, trained.status(), trained.err());
    Map<?, ?> result = trained.result();
    assertTrue((double) result.get("heldOutAccuracy") > 0.9, () -> "learned nothing: " + result);
    assertTrue((double) result.get("guessAccuracy") < 0.7, result::toString);
    assertTrue(
        trained.out().contains("texts     192 to learn from, 48 held out, 3 labels"),
        trained.out());
    assertTrue(trained.out().contains("held out  accuracy "), trained.out());
    assertTrue(Files.readString(metrics).contains("\"accuracy\":"), "no accuracy in the metrics");
    try (var files = Files.list(board)) {
      String events = Files.readString(files.toList().getFirst(), StandardCharsets.ISO_8859_1);
      assertTrue(events.contains("validation/accuracy"), "no accuracy for TensorBoard");
    }

    String[] at = {"--checkpoint", checkpoint + ""};
    Ran evaluated = run(with(new String[] {"evaluate", "--data", data + ""}, at));
    assertEquals(0, evaluated.status(), evaluated.err());
    assertTrue((double) evaluated.result().get("accuracy") > 0.9, evaluated.out());
    assertEquals(240L, evaluated.result().get("records"));

    Path input = Files.writeString(folder.resolve("in.txt"), "good one\n\nthe the so-so\nbad");
    Ran applied = run(with(new String[] {"apply", "--input", input + ""}, at));
    assertEquals(0, applied.status(), applied.err());
    List<String> found = applied.out().lines().toList();
    assertEquals(4, found.size(), applied.out());
    assertTrue(found.getFirst().matches("good\t[01]\\.\\d{4}"), applied.out());
    assertTrue(found.get(2).startsWith("so-so\t"), applied.out());
    InputStream stdin = System.in;
    var closed = new AtomicBoolean();
    System.setIn(
        new ByteArrayInputStream(new byte[0]) {
          @Override
          public void close() {
            closed.set(true);
          }
        });
    try {
      assertRefused(
          "--beam: a classifier has none", run(with(new String[] {"apply", "--beam", "2"}, at)));
      assertFalse(closed.get(), "standard input is not this command's if it is refused");
    } finally {
      System.setIn(stdin);
    }
    Files.write(input, new byte[] {'b', 'a', 'd', '\n', (byte) 0xE4, '\n'});
    Ran malformed = run(with(new String[] {"apply", "--input", input + ""}, at));
    assertFailed(
        input + " is not UTF-8: byte 0xE4 in line 2 is wrong (--encoding NAME)", malformed);
    assertEquals(1, malformed.out().lines().count(), malformed.out());
    assertFailed(
        " holds a classifier, which writes no text; apply gives what it says of lines",
        run(with(new String[] {"generate", "--prefix", "a"}, at)));
    for (String[] each :
        new String[][] {{"evaluate"}, {"evaluate", "--text", data + "", "--data", data + ""}}) {
      assertRefused(
          "the checkpoint holds a classifier, which is evaluated on --data FILE",
          run(with(each, at)));
    }
    assertRefused(
        "Unknown options: '--txt', 'F'; is it --text?",
        run(with(new String[] {"evaluate", "--txt", "F"}, at)));
  }

  @Test
  void goesOnBitForBitAndTellsWhatChanges() throws IOException {
    assertEquals(0, train("--epochs", "3").status());
    byte[] whole = weights(checkpoint);
    assertEquals(0, train("--epochs", "1", "--overwrite").status());

    String[] resume = {"train", "classifier", "--data", data + "", "--checkpoint", checkpoint + ""};
    String board = folder.resolve("board") + "";
    Ran resumed = run(with(resume, "--resume", "--epochs", "3", "--tensorboard", board));

    assertEquals(0, resumed.status(), resumed.err());
    assertTrue(resumed.out().contains("--epochs 3 instead of --epochs 1"), resumed.out());
    assertArrayEquals(whole, weights(checkpoint));
    assertRefused(
        "cannot go on with --pooling mean instead of --pooling last",
        run(with(resume, "--resume", "--pooling", "mean")));
    assertRefused(
        "is of a classifier, not a language-model",
        run("train", "--text", data + "", "--checkpoint", checkpoint + "", "--resume"));
  }

  @Test
  void saysWhichLineIsWrong() throws IOException {
    String expected = "; expected a label, a TAB and a text";
    assertWrong(data + ", line 3: there is no TAB" + expected, "good\ta\n\nbad b\n");
    assertWrong(data + ", line 2: the label is empty" + expected, "good\ta\n \tb\n");
    assertWrong(data + ", line 2: the text is empty" + expected, "good\ta\r\nbad\t\r\n");
    assertWrong(data + ": there is no text; expected lines of a label", "\n\n");
    assertWrong(
        "20 different labels for 2 different texts; expected a label, a TAB and a text",
        IntStream.range(0, 20).mapToObj(i -> "text " + i + "\t" + i % 2 + "\n").collect(joining()));
    assertWrong("all texts have the label 'good'; a classifier needs two labels", "good\ta\n");
    Path other = Files.writeString(folder.resolve("other.tsv"), "good\ta\n\nfine\tb\n");
    Files.write(data, lines(9));
    assertFailed(
        other + ", line 3: the model has no label 'fine'; expected one of 'bad' 'good' 'so-so'",
        train("--validation", other + ""));
  }

  private void assertWrong(String message, String content) throws IOException {
    Files.writeString(data, content);
    assertFailed(message, train());
  }

  @Test
  void refusesOptionsThatWouldBeWithoutEffect() {
    assertRefused(
        "--lr belongs behind classifier",
        run("train", "--lr", "1", "classifier", "--data", data + ""));
    assertRefused(
        "--data is an option of cudnn4j train classifier, cudnn4j train tagger, cudnn4j train"
            + " translator, cudnn4j train recogniser",
        run("train", "--data", "x"));
    assertRefused(
        "Unknown options: '--epoch', '3'; is it --epochs?",
        run("train", "classifier", "--data", "x", "--epoch", "3"));
    assertRefused("Missing required option: '--text=FILE'", run("train"));
    assertRefused("Missing required option: '--text=FILE'", run("train", "lm"));
    assertRefused(
        "there is no command 'dog'; there are lm, classifier, tagger, translator, recogniser",
        run("train", "dog"));
    assertRefused("--patience needs held-out", train("--held-out", "0", "--patience", "1"));
  }
}
