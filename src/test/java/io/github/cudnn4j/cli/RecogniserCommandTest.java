package io.github.cudnn4j.cli;

import static io.github.cudnn4j.cli.CommandLineTest.assertFailed;
import static io.github.cudnn4j.cli.CommandLineTest.assertRefused;
import static io.github.cudnn4j.cli.CommandLineTest.run;
import static io.github.cudnn4j.cli.CommandLineTest.weights;
import static io.github.cudnn4j.cli.CommandLineTest.with;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cli.CommandLineTest.Ran;
import io.github.cudnn4j.testing.Wav;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A recogniser of tones, from the file of its recordings to the transcripts of others. */
class RecogniserCommandTest {

  private static final int RATE = 8000;
  private static final double[] HERTZ = {500, 1000, 2000};

  @TempDir private Path folder;
  private Path data;
  private Path checkpoint;

  /** Each letter is a tone, of any length and loudness, with silence before and behind it. */
  @BeforeEach
  void writeData() throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    Files.createDirectory(folder.resolve("wav"));
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      StringBuilder transcript = new StringBuilder();
      for (int letters = random.nextInt(1, 4); letters > 0; letters--) {
        transcript.append((char) ('a' + random.nextInt(3)));
      }
      lines.add(record("wav/" + i + ".wav", transcript + "", random));
    }
    data = Files.write(folder.resolve("data.tsv"), lines);
    checkpoint = folder.resolve("model");
  }

  private String record(String name, String transcript, SplittableRandom random)
      throws IOException {
    List<Double> samples = new ArrayList<>();
    add(samples, 0, random);
    for (int i = 0; i < transcript.length(); i++) {
      add(samples, HERTZ[transcript.charAt(i) - 'a'], random);
      add(samples, 0, random);
    }
    double[] all = samples.stream().mapToDouble(sample -> sample).toArray();
    Wav.write(folder.resolve(name), RATE, 16, all);
    return name + "\t" + transcript;
  }

  private static void add(List<Double> samples, double hertz, SplittableRandom random) {
    double loud = random.nextDouble(0.2, 0.8);
    for (int left = random.nextInt(200, 400), i = 0; i < left; i++) {
      samples.add(loud * Math.sin(2 * Math.PI * hertz * i / RATE) + random.nextDouble(-0.01, 0.01));
    }
  }

  private Ran train(String... more) {
    String[] shape = {"--hidden", "12", "--bands", "8", "--bidirectional", "--batch", "10"};
    return run(
        with(
            new String[] {"train", "recogniser", "--data", data + ""},
            with(shape, with(more, "--lr", "0.02", "--checkpoint", checkpoint + ""))));
  }

  @Test
  void trainsGoesOnEvaluatesAndApplies() throws IOException {
    assertEquals(0, train("--epochs", "18", "--held-out", "0.1").status());
    byte[] whole = weights(checkpoint);
    Ran begun = train("--epochs", "11", "--held-out", "0.1", "--overwrite");
    assertEquals(0, begun.status(), begun.err());
    assertTrue(
        begun.out().contains("sound     90 recordings to learn from, 10 held out, "), begun.out());
    assertTrue(begun.out().contains(" at 8,000 Hz"), begun.out());
    assertTrue(begun.out().contains("held out  characterErrorRate "), begun.out());

    String[] at = {"--checkpoint", checkpoint + ""};
    String[] resume = {"train", "recogniser", "--data", data + "", "--resume", "--epochs", "18"};
    Ran resumed = run(with(resume, at));
    assertEquals(0, resumed.status(), resumed.err());
    assertArrayEquals(whole, weights(checkpoint));
    assertTrue((double) resumed.result().get("heldOutCharacterErrorRate") < 0.1, resumed.out());
    assertTrue((double) resumed.result().get("heldOutWordErrorRate") < 0.3, resumed.out());

    Ran evaluated = run(with(new String[] {"evaluate", "--data", data + ""}, at));
    assertEquals(0, evaluated.status(), evaluated.err());
    assertTrue((double) evaluated.result().get("characterErrorRate") < 0.1, evaluated.out());
    assertEquals(100L, evaluated.result().get("records"));
    assertEquals(0L, evaluated.result().get("leftOut"));

    SplittableRandom random = new SplittableRandom(2);
    record("one.wav", "cab", random);
    record("two.wav", "b", random);
    Wav.write(folder.resolve("short.wav"), RATE, 16, 0, 0);
    Path input = folder.resolve("in.txt");
    Files.writeString(
        input, String.format("%1$s/one.wav%n%n%1$s/short.wav%n%1$s/two.wav%n", folder));
    for (String beam : new String[] {"1", "4"}) {
      Ran applied = run(with(new String[] {"apply", "--input", input + "", "--beam", beam}, at));
      assertEquals(0, applied.status(), applied.err());
      assertEquals("cab\n\n\nb\n", applied.out());
    }
    Path other = Wav.write(folder.resolve("other.wav"), 16000, 16, new double[999]);
    Files.writeString(input, other + "\n");
    assertFailed(
        other + " has 16000 Hz, needed are 8000 Hz",
        run(with(new String[] {"apply", "--input", input + ""}, at)));
    assertRefused(
        "--max-symbols: a recogniser has none",
        run(with(new String[] {"apply", "--max-symbols", "9"}, at)));
  }

  @Test
  void goesOnWithOtherDataOfAnyLength() throws IOException {
    assertEquals(0, train("--epochs", "1").status());
    SplittableRandom random = new SplittableRandom(3);
    for (String transcript : new String[] {"abcabcabc", "a"}) {
      List<String> lines = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        lines.add(record("wav/other" + i + ".wav", transcript, random));
      }
      Path others = Files.write(folder.resolve("others.tsv"), lines);
      String[] resume = {"train", "recogniser", "--data", others + "", "--resume"};
      String[] at = {"--checkpoint", checkpoint + ""};
      Ran resumed = run(with(with(resume, at), "--other-data", "--epochs", "1"));
      assertEquals(0, resumed.status(), resumed.err());
      assertTrue(resumed.out().contains(", on other data, from their beginning"), resumed.out());
    }
  }

  /** What is held out is not what the training goes on with. */
  @Test
  void goesOnWithOtherRecordingsHeldOut() throws IOException {
    SplittableRandom random = new SplittableRandom(4);
    String[] resume = {"--resume", "--epochs", "1", "--validation"};
    Path held = folder.resolve("held.tsv");
    Files.writeString(held, record("wav/held.wav", "a", random));
    assertEquals(0, train("--epochs", "1", "--validation", held + "").status());
    Files.writeString(held, record("wav/held.wav", "abcabcabcabcabc", random));
    Ran resumed = train(with(resume, held + ""));
    assertEquals(0, resumed.status(), resumed.err());
  }

  @Test
  void leavesOutWhatIsTooLong() throws IOException {
    Wav.write(folder.resolve("long.wav"), RATE, 16, new double[RATE]);
    String lines = Files.readString(data);
    Files.writeString(data, lines + "long.wav\ta\nwav/0.wav\t" + "a".repeat(256) + "\n");
    Ran trained = train("--epochs", "1", "--max-seconds", "0.9", "--held-out", "0");
    assertEquals(0, trained.status(), trained.err());
    assertTrue(
        trained.out().contains("sound     100 recordings to learn from, 0 held out, "),
        trained.out());
    assertTrue(
        trained
            .out()
            .contains(
                ", 2 left out: without sound, longer than --max-seconds 0.9 or of more than 255"
                    + " characters"),
        trained.out());
  }

  @Test
  void saysWhatIsWrong() throws IOException {
    String expected = "; expected a WAV file, a TAB and its transcript";
    assertWrong(data + ", line 2: there is no TAB" + expected, "wav/0.wav\ta\nwav/1.wav a\n");
    assertWrong(
        data + ", line 1: there is no file " + folder.resolve("none.wav") + expected,
        "none.wav\ta\n");
    assertWrong(data + ": there is no recording; expected lines of a WAV file", "\n");
    assertWrong(data + ", line 1: " + data + " is no WAV file", "data.tsv\ta\n");
    Path silent = Wav.write(folder.resolve("silent.wav"), RATE, 16);
    assertWrong(data + ", line 3: " + silent + " has no sample", "wav/0.wav\ta\n\nsilent.wav\tb\n");
    assertWrong("there is nothing to learn: all transcripts are empty", "wav/0.wav\t\n");
    Path absurd = Wav.write(folder.resolve("absurd.wav"), Integer.MAX_VALUE, 16, new double[999]);
    assertWrong(
        data
            + ", line 1: "
            + absurd
            + ": 2147483647 Hz and 8 bands, must be from 1000 to 1000000 and from 1 to 1000",
        "absurd.wav\ta\n");
    Wav.write(folder.resolve("other.wav"), 2 * RATE, 16, new double[999]);
    assertWrong(data + ", line 2: ", "wav/0.wav\ta\nother.wav\tb\n");
    assertWrong(
        "there is nothing to learn from: all records are without sound, longer than",
        "wav/0.wav\t" + "a".repeat(256) + "\n");
    assertRefused(
        "--embedding: a recogniser reads --bands, not symbols", train("--embedding", "9"));
  }

  private void assertWrong(String message, String content) throws IOException {
    Files.writeString(data, content);
    assertFailed(message, train("--held-out", "0"));
  }
}
