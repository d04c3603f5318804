package io.github.cudnn4j.cli;

import static io.github.cudnn4j.cli.CommandLineTest.assertFailed;
import static io.github.cudnn4j.cli.CommandLineTest.assertRefused;
import static io.github.cudnn4j.cli.CommandLineTest.run;
import static io.github.cudnn4j.cli.CommandLineTest.weights;
import static io.github.cudnn4j.cli.CommandLineTest.with;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cli.CommandLineTest.Ran;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.train.Checkpoints;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What train, generate and evaluate make of the checkpoints in a folder. */
class ResumeCommandTest {

  private static final String TEXT = "abcdef ".repeat(300);

  @TempDir private Path folder;
  private Path text;
  private Path checkpoint;

  @BeforeEach
  void train() throws IOException {
    text = Files.writeString(folder.resolve("text.txt"), TEXT);
    checkpoint = folder.resolve("model");
    assertEquals(0, begin(checkpoint, "--epochs", "1").status());
  }

  private Ran begin(Path to, String... more) {
    String[] shape = {"train", "--text", text + "", "--hidden", "16", "--one-hot", "--layers", "2"};
    String[] rest = {"--batch", "4", "--steps", "7", "--dropout", "0.2", "--lr", "0.02"};
    return run(with(with(shape, rest), with(more, "--checkpoint", to + "")));
  }

  private Ran resume(String... more) {
    return run(
        with(
            new String[] {
              "train", "--text", text + "", "--checkpoint", checkpoint + "", "--resume"
            },
            more));
  }

  @Test
  void whatIsNotGivenIsAsItWas() throws IOException {
    Path whole = folder.resolve("whole");
    assertEquals(0, begin(whole, "--epochs", "3").status());

    Ran resumed = resume("--epochs", "3");

    assertEquals(0, resumed.status(), resumed.err());
    assertTrue(
        resumed
            .out()
            .contains(
                "resumed   after 71 steps, from "
                    + checkpoint.resolve("step-000000071")
                    + ", with --epochs 3 instead of --epochs 1"),
        resumed.out());
    assertTrue(
        resumed.out().contains("trained   142 steps after the 71 before in "), resumed.out());
    assertEquals(213L, resumed.result().get("steps"));
    assertEquals(71L, resumed.result().get("stepsBefore"));
    assertArrayEquals(weights(whole), weights(checkpoint));
    Ran done = resume();
    assertEquals(0, done.status(), done.err());
    assertTrue(
        done.out().contains("nothing   was left to do after epoch 3: give more --epochs"),
        done.out());
    assertFalse(done.out().contains("trained "), done.out());
    Ran faster = resume("--epochs", "4", "--lr", "0.05", "--one-hot");
    assertEquals(0, faster.status(), faster.err());
    assertTrue(faster.out().contains("--lr 0.05 instead of --lr 0.02"), faster.out());
  }

  @Test
  void whatIsDoneIsNotLoggedAgain() throws IOException {
    Path metrics = folder.resolve("metrics.jsonl");
    Path done = folder.resolve("done");
    String[] logging = {"--epochs", "1", "--metrics", metrics + ""};
    Ran finished = begin(done, logging);
    assertEquals(0, finished.status(), finished.err());
    String logged = Files.readString(metrics);
    String[] again = {"train", "--text", text + "", "--checkpoint", done + "", "--resume"};
    Ran resumed = run(with(again, logging));
    assertEquals(0, resumed.status(), resumed.err());
    assertEquals(logged, Files.readString(metrics));
    assertEquals(
        finished.result().get("heldOutPerplexity"), resumed.result().get("heldOutPerplexity"));
  }

  @Test
  void whatCannotBeAnotherIsNamedAndNothingElse() throws IOException {
    byte[] before = weights(checkpoint);
    String begin = "--resume: " + checkpoint.resolve("step-000000071") + " cannot go on with ";
    assertRefused(
        begin + "--hidden 17 instead of --hidden 16, --steps 8 instead of --steps 7\n",
        resume("--hidden", "17", "--steps", "8", "--layers", "2", "--epochs", "9"));
    assertRefused(begin + "--cell gru instead of --cell lstm\n", resume("--cell", "GRU"));
    assertRefused(begin + "--embedding 8 instead of no --embedding\n", resume("--embedding", "8"));
    assertRefused(
        begin + "--held-out 0.1 instead of --held-out 0.05\n", resume("--held-out", "0.1"));
    assertRefused(
        begin + "--letters-only instead of no --letters-only\n", resume("--letters-only"));
    assertArrayEquals(before, weights(checkpoint));
  }

  /** It tells its model, but not with which options it was made. */
  @Test
  void aCheckpointWithoutOptionsTellsItsModel() throws IOException {
    describe(
        json ->
            json.replaceFirst(",\"notes\":\\{\"options\":\\{[^}]*}}", "")
                .replaceFirst("\"data\":\\{[^}]*},", ""));
    assertRefused(
        "cannot go on with --hidden 17 instead of --hidden 16\n",
        resume("--hidden", "17", "--batch", "4"));
    Ran resumed = resume("--epochs", "2", "--lr", "0.02", "--batch", "4", "--steps", "7");
    assertEquals(0, resumed.status(), resumed.err());
    assertTrue(resumed.out().contains("2 layers of 16 units"), resumed.out());
  }

  @Test
  void anotherTextIsRefusedUnlessTold() throws IOException {
    Files.writeString(text, "bacdef ".repeat(300));
    Path metrics =
        Files.writeString(folder.resolve("metrics.jsonl"), "{\"kind\":\"train\",\"step\":99}\n");
    String[] logging = {"--epochs", "2", "--metrics", metrics + ""};
    assertRefused("; --other-text goes on all the same", resume(logging));
    assertEquals(1, Files.readAllLines(metrics).size(), "a refusal deletes nothing");
    Ran told = resume("--epochs", "3", "--other-text", "--held-out", "0.1");
    assertEquals(0, told.status(), told.err());
    assertTrue(told.out().contains("--held-out 0.1 instead of --held-out 0.05"), told.out());
    assertEquals(0, resume("--epochs", "4").status(), "the text is this one from then on");
  }

  /** A schedule that took the steps of both texts for those of one would be at its end. */
  @Test
  void theScheduleIsThatOfTheStepsDoneAndToCome() throws IOException {
    Files.writeString(text, "bacdef ".repeat(100));
    Path metrics = folder.resolve("metrics.jsonl");
    String[] cosine = {"--schedule", "cosine", "--log-every", "1", "--metrics", metrics + ""};
    Ran told = resume(with(cosine, "--epochs", "2", "--other-text"));
    assertEquals(0, told.status(), told.err());
    assertTrue(told.out().contains("on other data, from their beginning, with "), told.out());
    Object rate = Json.parseObject(Files.readAllLines(metrics).getFirst()).get("learningRate");
    assertTrue(assertInstanceOf(Double.class, rate) > 0.02 * 0.05, "the learning rate is " + rate);
  }

  @Test
  void aTextNeedsNoMoreCharactersThanTheModelKnows() throws IOException {
    Files.writeString(text, "abc ".repeat(500));
    Ran fewer = resume("--epochs", "2", "--other-text");
    assertEquals(0, fewer.status(), fewer.err());
    Files.writeString(text, "xyz abc ".repeat(300));
    assertRefused(
        "--resume: the model does not know 3 of the text's characters: 'x' 'y' 'z'",
        resume("--epochs", "3", "--other-text"));
  }

  @Test
  void newerAndAbsurdFoldersAreSeenAndKept() throws IOException {
    Files.createDirectory(checkpoint.resolve("step-99999999999999999999"));
    Path newer = Files.createDirectory(checkpoint.resolve("step-000000900"));
    Path description = newer.resolve("checkpoint.json");
    Files.writeString(description, "{\"format\":9}");
    Ran generated = run("generate", "--checkpoint", checkpoint + "", "--prefix", "a");
    assertEquals(0, generated.status(), generated.err());
    assertEquals(0, resume("--epochs", "5").status());
    assertTrue(Files.exists(description));
    assertEquals(
        5 * 71, Checkpoints.in(checkpoint, 1).latest().orElseThrow().step(), "its own are kept");
    try (var all = Files.newDirectoryStream(checkpoint, "step-*")) {
      all.forEach(one -> one.resolve("weights.safetensors").toFile().delete());
    }
    assertFailed(
        "holds no checkpoint that can be read: " + description + " has format 9, readable are 1 to",
        run("generate", "--checkpoint", checkpoint + "", "--prefix", "a"));
    assertRefused("holds checkpoints already", begin(checkpoint));
    assertEquals(0, begin(checkpoint, "--overwrite", "--epochs", "1").status());
    assertFalse(Files.exists(newer));
  }

  @Test
  void weightsThatAreNotNumbersAreRefused() throws IOException {
    Path file = checkpoint.resolve("step-000000071/weights.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    String before = checksum(bytes);
    bytes[bytes.length - 1] = 0x7f;
    bytes[bytes.length - 2] = (byte) 0xc0;
    Files.write(file, bytes);
    describe(json -> json.replace(before, checksum(bytes)));
    String refusal = " is NaN: no weight";
    assertFailed(refusal, run("generate", "--checkpoint", checkpoint + "", "--prefix", "a"));
    assertFailed(refusal, run("evaluate", "--checkpoint", checkpoint + "", "--text", text + ""));
    assertFailed(refusal, resume("--epochs", "2"));
  }

  private static String checksum(byte[] bytes) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes);
    return String.format(Locale.ROOT, "\"crc32c\":%d", checksum.getValue());
  }

  /** Changes the description, which then is of the format that had no checksum. */
  private void describe(UnaryOperator<String> change) throws IOException {
    Path file = checkpoint.resolve("step-000000071/checkpoint.json");
    String json = Files.readString(file).replace("\"format\":3", "\"format\":1");
    Files.writeString(file, change.apply(json.substring(0, json.lastIndexOf(",")) + "}"));
  }
}
