package io.github.cudnn4j.cli;

import static io.github.cudnn4j.cli.CommandLineTest.assertFailed;
import static io.github.cudnn4j.cli.CommandLineTest.run;
import static io.github.cudnn4j.cli.CommandLineTest.weights;
import static io.github.cudnn4j.cli.CommandLineTest.with;
import static java.util.stream.Collectors.joining;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cli.CommandLineTest.Ran;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.onnx.OnnxNetwork;
import io.github.cudnn4j.tape.Parameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tagger of words from the file of its sentences to the tags of others. */
class TaggerCommandTest {

  @TempDir private Path folder;
  private Path data;
  private Path checkpoint;

  /** A word behind a title is a name. */
  @BeforeEach
  void writeData() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 160; i++) {
      for (int part = random.nextInt(1, 4); part > 0; part--) {
        boolean person = random.nextBoolean();
        text.append(person ? "Dr\tO\nvon\tB-PER\n" : "in\tO\nvon\tO\n");
      }
      text.append('\n');
    }
    data = Files.writeString(folder.resolve("data.conll"), text);
    checkpoint = folder.resolve("model");
  }

  private Ran train(String... more) {
    String[] shape = {"--hidden", "12", "--embedding", "8", "--max-length", "8", "--lr", "0.02"};
    return run(
        with(
            new String[] {"train", "tagger", "--data", data + ""},
            with(shape, with(more, "--checkpoint", checkpoint + ""))));
  }

  @Test
  void trainsGoesOnEvaluatesAndApplies() throws IOException {
    assertEquals(0, train("--epochs", "5", "--held-out", "0.2").status());
    byte[] whole = weights(checkpoint);
    Ran begun = train("--epochs", "3", "--held-out", "0.2", "--overwrite");
    assertEquals(0, begun.status(), begun.err());
    assertTrue(begun.out().contains("held out  f1 "), begun.out());

    String[] at = {"--checkpoint", checkpoint + ""};
    String[] resume = {"train", "tagger", "--data", data + "", "--resume", "--epochs", "5"};
    Ran resumed = run(with(resume, at));
    assertEquals(0, resumed.status(), resumed.err());
    assertArrayEquals(whole, weights(checkpoint));
    assertTrue((double) resumed.result().get("heldOutF1") > 0.95, resumed.out());

    Ran evaluated = run(with(new String[] {"evaluate", "--data", data + ""}, at));
    assertEquals(0, evaluated.status(), evaluated.err());
    assertTrue((double) evaluated.result().get("f1") > 0.95, evaluated.out());
    assertTrue((double) evaluated.result().get("accuracy") > 0.95, evaluated.out());

    Path input = Files.writeString(folder.resolve("in.txt"), "in von  Dr von\n\nDr von\n");
    Ran applied = run(with(new String[] {"apply", "--input", input + ""}, at));
    assertEquals(0, applied.status(), applied.err());
    assertEquals("O O O B-PER\n\nO B-PER\n", applied.out());

    Path onnx = folder.resolve("exported").resolve("tagger.onnx");
    Ran exported = run(with(new String[] {"export", "--onnx", onnx + ""}, at));
    assertEquals(0, exported.status(), exported.err());
    try (Device device = Device.open();
        Parameters parameters = Parameters.on(device, Precision.FP32)) {
      OnnxNetwork network = OnnxNetwork.read(onnx, parameters);
      assertEquals(List.of("emissions"), network.outputs());
    }
  }

  @Test
  void judgesTagsThatAreNoSpansByAccuracy() throws IOException {
    Files.writeString(data, Files.readString(data).replace("B-PER", "NAME"));
    Ran trained = train("--epochs", "4", "--held-out", "0.2", "--softmax");
    assertEquals(0, trained.status(), trained.err());
    assertTrue((double) trained.result().get("heldOutAccuracy") > 0.95, trained.out());
    assertTrue(trained.out().contains("guessing  always 'O' has accuracy 0."), trained.out());
  }

  @Test
  void saysWhichLineIsWrong() throws IOException {
    String expected = "; expected a word, a TAB and its tag, or a blank line";
    assertWrong(data + ", line 4: there is no TAB" + expected, "a\tO\nb\tX\n\nc O\n");
    assertWrong(data + ", line 1: the word is empty" + expected, " \tO\n");
    assertWrong(data + ", line 2: the tag is empty" + expected, "a\tO\nb\t\n");
    assertWrong(data + ", line 1: there is more than one TAB" + expected, "a\tO\tX\n");
    assertWrong(data + ": there is no sentence; expected lines of a word", "\n");
    assertWrong(
        "20 different tags for 2 different words" + expected,
        IntStream.range(0, 20)
            .mapToObj(i -> "DN".charAt(i % 2) + "\tword" + i + "\n")
            .collect(joining()));
    assertWrong("all words have the tag 'O'; a tagger needs two tags", "a\tO\n");
  }

  private void assertWrong(String message, String content) throws IOException {
    Files.writeString(data, content);
    assertFailed(message, train());
  }
}
