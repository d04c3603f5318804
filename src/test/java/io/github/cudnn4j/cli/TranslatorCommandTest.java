package io.github.cudnn4j.cli;

import static io.github.cudnn4j.cli.CommandLineTest.assertFailed;
import static io.github.cudnn4j.cli.CommandLineTest.assertRefused;
import static io.github.cudnn4j.cli.CommandLineTest.run;
import static io.github.cudnn4j.cli.CommandLineTest.with;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cli.CommandLineTest.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A translator of dates in words, from the file of its pairs to the translations of others. */
class TranslatorCommandTest {

  private static final String[] MONTHS = {"January", "May", "August", "October"};
  private static final String[] NUMBERS = {"01", "05", "08", "10"};

  @TempDir private Path folder;

  private static List<String> dates(int count) {
    SplittableRandom random = new SplittableRandom(1);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int month = random.nextInt(4);
      int day = random.nextInt(1, 29);
      int year = random.nextInt(1990, 1994);
      lines.add(
          String.format(
              Locale.ROOT,
              "%d of %s %d\t%d - %s - %02d",
              day,
              MONTHS[month],
              year,
              year,
              NUMBERS[month],
              day));
    }
    return lines;
  }

  @Test
  void trainsThenEvaluatesAndApplies() throws IOException {
    Path data = Files.write(folder.resolve("dates.tsv"), dates(600));
    String[] at = {"--checkpoint", folder.resolve("model") + ""};
    String[] how = {
      "--data",
      data + "",
      "--hidden",
      "24",
      "--embedding",
      "16",
      "--bidirectional",
      "--cell",
      "gru",
      "--lr",
      "0.01",
      "--epochs",
      "12",
      "--held-out",
      "0.1",
      "--max-length",
      "8"
    };

    Ran trained = run(with(with(new String[] {"train", "translator"}, how), at));

    assertEquals(0, trained.status(), trained.err());
    assertTrue((double) trained.result().get("heldOutExactMatch") > 0.9, trained.out());
    assertTrue((double) trained.result().get("heldOutBleu") > 90, trained.out());

    Ran evaluated = run(with(new String[] {"evaluate", "--data", data + ""}, at));
    assertEquals(0, evaluated.status(), evaluated.err());
    assertTrue((double) evaluated.result().get("exactMatch") > 0.9, evaluated.out());
    assertEquals(600L, evaluated.result().get("records"));

    Path input = Files.writeString(folder.resolve("in.txt"), "12 of May 1991\n\n7 of October 1993");
    Ran applied = run(with(new String[] {"apply", "--input", input + ""}, at));
    assertEquals(0, applied.status(), applied.err());
    List<String> found = applied.out().lines().toList();
    assertEquals(3, found.size(), applied.out());
    assertTrue(found.getFirst().matches("1991 ?- ?05 ?- ?12"), applied.out());
    assertTrue(found.getLast().matches("1993 ?- ?10 ?- ?07"), applied.out());
    String[] export = {"export", "--onnx", folder.resolve("translator.onnx") + ""};
    assertRefused("a model of the kind translator is not written as ONNX", run(with(export, at)));
    String[] likeliest = {"apply", "--input", input + "", "--beam", "1", "--max-symbols", "1"};
    Ran shorter = run(with(likeliest, at));
    assertEquals(0, shorter.status(), shorter.err());
    assertEquals("1991", shorter.out().lines().toList().getFirst());
  }

  @Test
  void leavesOutPairsThatAreTooLong() throws IOException {
    Path data = Files.writeString(folder.resolve("a.tsv"), "a b\tc\na b c\td\na\tb c d\na\tb\n");
    String[] how = {"--data", data + "", "--hidden", "4", "--epochs", "1", "--held-out", "0"};
    Ran trained = run(with(new String[] {"train", "translator", "--max-length", "2"}, how));
    assertEquals(0, trained.status(), trained.err());
    assertTrue(
        trained
            .out()
            .contains(
                "pairs     2 to learn from, 0 held out, 2 left out: longer than --max-length 2"
                    + " words"),
        trained.out());
    Files.writeString(data, "a b\tc\n");
    assertFailed(
        "nothing to learn from: all records are longer than --max-length 1 words",
        run(with(new String[] {"train", "translator", "--max-length", "1"}, how)));
  }

  @Test
  void saysWhatIsWrong() throws IOException {
    Path data = Files.writeString(folder.resolve("dates.tsv"), "a\tb\n\na b\n");
    assertFailed(
        data + ", line 3: there is no TAB; expected a text, a TAB and its translation",
        run("train", "translator", "--data", data + ""));
    Files.writeString(data, "a\tb\n \tb\n");
    assertFailed(
        data + ", line 2: the text is empty; expected a text, a TAB and its translation",
        run("train", "translator", "--data", data + ""));
    Files.writeString(data, "a\t\n");
    assertFailed(
        data + ", line 1: the translation is empty; expected a text, a TAB and its translation",
        run("train", "translator", "--data", data + ""));
    Files.writeString(data, "a\tb\n");
    assertRefused(
        "--projection: a translator has none",
        run(
            "train",
            "translator",
            "--data",
            data + "",
            "--cell",
            "lstm",
            "--hidden",
            "8",
            "--projection",
            "4"));
  }
}
