package io.github.cudnn4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The commands as a user types them, from arguments to exit status, output and files. */
class CommandLineTest {

  /** Six letters in a pattern that a small model learns within seconds. */
  private static final String PATTERN = "abcdef ".repeat(300);

  @TempDir private Path folder;
  private Path text;

  record Ran(int status, String out, String err) {
    Map<?, ?> result() throws IOException {
      List<String> lines = out.lines().toList();
      return assertInstanceOf(Map.class, Json.parse(lines.getLast()), "the last line of " + out);
    }
  }

  @BeforeEach
  void writeText() throws IOException {
    text = Files.writeString(folder.resolve("text.txt"), PATTERN);
  }

  static Ran run(String... arguments) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return new Ran(commandLine.execute(arguments), out.toString(), err.toString());
  }

  private Ran train(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of("train", "--text", text.toString(), "--hidden", "16", "--embedding", "8"));
    arguments.addAll(List.of("--batch", "4", "--steps", "7", "--lr", "0.02"));
    arguments.addAll(List.of(more));
    return run(arguments.toArray(String[]::new));
  }

  @Test
  void trainsThenGeneratesAndEvaluates() throws IOException {
    String checkpoint = folder.resolve("model").toString();
    Path metrics = folder.resolve("new/metrics.jsonl");

    Ran trained =
        train(
            "--epochs",
            "12",
            "--clip-norm",
            "1",
            "--checkpoint",
            checkpoint,
            "--metrics",
            metrics.toString());

    assertEquals(0, trained.status, trained.err);
    Map<?, ?> result = trained.result();
    assertTrue(number(result, "perplexity") < 1.3, () -> "learned nothing: " + result);
    assertTrue(number(result, "heldOutPerplexity") < 1.3, () -> "learned nothing: " + result);
    assertEquals(8, number(result, "uniformPerplexity"));
    assertTrue(number(result, "tokensPerSecond") > 0 && number(result, "seconds") > 0);
    assertTrue(number(result, "steps") > 0);
    assertTrue(trained.out.contains("a uniform guess has perplexity 8"), trained.out);
    for (String line : Files.readAllLines(metrics)) {
      assertInstanceOf(Map.class, Json.parse(line));
    }

    Ran generated =
        run(
            "generate",
            "--checkpoint",
            checkpoint,
            "--prefix",
            "abc",
            "--length",
            "10",
            "--temperature",
            "0");
    assertEquals(0, generated.status, generated.err);
    assertEquals("abcdef abcdef", generated.out.strip());
    assertEquals("", generated.err);
    Ran strange = run("generate", "--checkpoint", checkpoint, "--prefix", "azyz");
    assertEquals(0, strange.status, strange.err);
    assertEquals("--prefix: the model does not know 'y' 'z'", strange.err.strip());
    String[] colder = {"generate", "--checkpoint", checkpoint, "--prefix", "a"};
    assertRefused(
        "'--temperature': -1, must be finite and at least 0",
        run(with(colder, "--temperature", "-1")));

    Ran evaluated = run("evaluate", "--checkpoint", checkpoint, "--text", text.toString());
    assertEquals(0, evaluated.status, evaluated.err);
    assertTrue(number(evaluated.result(), "perplexity") < 1.3, evaluated.out);
    assertEquals(PATTERN.length(), number(evaluated.result(), "characters"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"fp32", "bf16"})
  void resumedTrainingEqualsUninterruptedTrainingBitForBit(String precision) throws IOException {
    Path whole = folder.resolve("whole");
    Path parts = folder.resolve("parts");
    String[] options = {"--dropout", "0.2", "--layers", "2", "--precision", precision};

    assertEquals(0, train(with(options, "--epochs", "4", "--checkpoint", whole + "")).status);
    assertEquals(0, train(with(options, "--epochs", "2", "--checkpoint", parts + "")).status);
    Ran resumed = train(with(options, "--epochs", "4", "--checkpoint", parts + "", "--resume"));

    assertEquals(0, resumed.status, resumed.err);
    assertArrayEquals(weights(whole), weights(parts));
  }

  @Test
  void trainsEveryKindOfLstmInMixedPrecision() throws IOException {
    String checkpoint = folder.resolve("model").toString();
    String[] shape = {"--precision", "fp16", "--projection", "12", "--cell-clip", "4"};

    Ran trained =
        train(with(shape, "--forget-bias", "1", "--epochs", "12", "--checkpoint", checkpoint));

    assertEquals(0, trained.status, trained.err);
    assertTrue(trained.out.contains("projected to 12"), trained.out);
    assertTrue(number(trained.result(), "perplexity") < 1.5, trained.out);
    String[] common = {"--checkpoint", checkpoint};
    Ran generated =
        run(with(new String[] {"generate"}, with(common, "--prefix", "abc", "--length", "5")));
    assertEquals(0, generated.status, generated.err);
    assertEquals("abcdef a", generated.out.strip());
    Ran evaluated = run(with(new String[] {"evaluate"}, with(common, "--text", text + "")));
    assertTrue(number(evaluated.result(), "perplexity") < 1.5, evaluated.out);
  }

  @Test
  void trainsWithoutAnInputMatrixByTheFastestAlgorithm() throws IOException {
    String[] shape = {"--hidden", "8", "--epochs", "2"};
    Path skipping = folder.resolve("skipping");
    Path other = folder.resolve("other");
    Ran trained =
        train(with(shape, "--skip-input", "--algorithm", "auto", "--checkpoint", skipping + ""));
    assertEquals(0, train(with(shape, "--checkpoint", other + "")).status);

    assertEquals(0, trained.status, trained.err);
    assertTrue(number(trained.result(), "perplexity") < 8, trained.out);
    assertEquals(true, network(skipping).get("inputSkipped"));
    assertEquals("auto", network(skipping).get("algorithm"));
    assertEquals("standard", network(other).get("algorithm"));
    // The four gates' matrices of 8 x 8 FP32, and their names.
    int matrices = 4 * 4 * 8 * 8;
    int saved = weights(other).length - weights(skipping).length;
    assertTrue(saved >= matrices, saved + " bytes less, must be at least " + matrices);
  }

  @Test
  void aTrainingThatDivergesFailsAndKeepsTheLastGoodCheckpoint() throws IOException {
    Path checkpoint = folder.resolve("model");
    String[] options = {"--checkpoint", checkpoint + "", "--optimizer", "sgd", "--log-every", "5"};
    assertEquals(0, train(with(options, "--epochs", "1", "--lr", "1")).status);
    byte[] good = weights(checkpoint);

    Ran ran = train(with(options, "--epochs", "3", "--lr", "1e30", "--resume"));

    assertEquals(1, ran.status, ran.out);
    assertTrue(ran.err.contains("the training has diverged"), ran.err);
    assertTrue(ran.err.contains("lower the learning rate (1.0E30)"), ran.err);
    assertTrue(ran.out.contains("checkpoint: " + checkpoint), ran.out);
    assertFalse(ran.out.contains("\"perplexity\""), ran.out);
    assertArrayEquals(good, weights(checkpoint));
    Ran evaluated = run("evaluate", "--checkpoint", checkpoint + "", "--best", "--text", text + "");
    assertEquals(0, evaluated.status, evaluated.err);
  }

  /** Too few steps for ten bad ones in a row. */
  @Test
  void aShortTrainingThatDivergesFailsToo() {
    String[] wild = {"--epochs", "1", "--optimizer", "sgd", "--steps", "60", "--log-every", "1"};
    assertFailed(
        "far above guessing; lower the learning rate (1000000.0)",
        train(with(wild, "--lr", "1e6")));
    Ran large = train(with(wild, "--lr", "1e3"));
    assertTrue(large.out.contains("e+"), large.out);
  }

  @Test
  void aCommandThatIsNotThereIsAnsweredWithThoseThatAre() {
    assertRefused(
        "cudnn4j: there is no command 'trian'; there are train, generate, evaluate, apply, export,"
            + " doctor, bench",
        run("trian", "--text", "a"));
  }

  @Test
  void samplesBeginWithAWordCutToFortyCharacters() throws IOException {
    Files.writeString(text, ("acgt".repeat(250) + "\n").repeat(4));

    Ran trained = train("--epochs", "1", "--held-out", "0.5");

    assertEquals(0, trained.status, trained.err);
    String begin = "“" + "acgt".repeat(10);
    assertTrue(trained.out.lines().filter(line -> line.contains(begin)).count() >= 4, trained.out);
    var told = trained.out.lines().filter(line -> !line.startsWith("{"));
    assertTrue(told.allMatch(line -> line.length() < 400), trained.out);
  }

  @Test
  void tellsTheEncodingOfATextThatIsNotUtf8() throws IOException {
    Files.writeString(text, PATTERN + "é", StandardCharsets.ISO_8859_1);
    assertFailed("is wrong; perhaps it is ISO-8859-1 (--encoding NAME)", train());
    assertRefused("--encoding: this Java knows no encoding 'x y'", train("--encoding", "x y"));
    assertEquals(0, train("--encoding", "latin1", "--epochs", "1").status);
  }

  @Test
  void refusesABackwardDirection() {
    Ran ran = train("--bidirectional");

    assertEquals(2, ran.status);
    assertTrue(
        ran.err.contains("a backward direction would have read the very character"), ran.err);
  }

  @Test
  void drawsTheLearningCurve() throws IOException {
    assumeTrue(
        ModuleLayer.boot().findModule("java.desktop").isPresent(), "this runtime cannot draw");
    Path plot = folder.resolve("curve.png");
    Ran trained = train("--epochs", "1", "--log-every", "1", "--plot", plot.toString());
    assertEquals(0, trained.status, trained.err);
    assertTrue(ImageIO.read(plot.toFile()).getWidth() > 0);
    Path metrics = folder.resolve("few.jsonl");
    assertEquals(0, train("--epochs", "1", "--metrics", metrics + "").status);
    long looks = Files.readAllLines(metrics).stream().filter(l -> l.contains("\"train\"")).count();
    assertTrue(looks >= 20, () -> looks + " points of a curve");
  }

  /** By the option's name and its limit, before the text is looked at, which is not there. */
  @Test
  void refusesArgumentsThatCannotBe() {
    String count = ", must be a whole number from 0 to 2147483647";
    String positive = ", must be a whole number from 1 to 2147483647";
    for (String option : List.of("--patience", "--checkpoint-every", "--validate-every")) {
      assertRefusedEarly("'" + option + "': -1" + count, option, "-1");
    }
    for (String option :
        List.of("--hidden", "--layers", "--embedding", "--batch", "--steps", "--epochs")) {
      assertRefusedEarly("'" + option + "': 0" + positive, option, "0");
    }
    assertRefusedEarly("'--epochs': 2147483648" + positive, "--epochs", "2147483648");
    assertRefusedEarly(
        "--batch 32 times --steps 100000000 is 3200000000 characters, at most are 2147483647",
        "--steps",
        "100000000");
    assertRefusedEarly("'--lr': -1, must be finite and at least 0", "--lr", "-1");
    assertRefusedEarly("'--clip-value': 0, must be above 0", "--clip-value", "0");
    assertRefusedEarly("'--clip-norm': nan, must be a number", "--clip-norm", "nan");
    assertRefusedEarly("'--dropout': 1, must be at least 0 and below 1", "--dropout", "1");
    assertRefusedEarly("'--held-out': -0.1, must be at least 0", "--held-out", "-0.1");
    assertRefusedEarly("'--tokens': -1, must be a whole number", "--tokens", "-1");
    assertRefusedEarly("--projection is 257, must be from 1 to 256", "--projection", "257");
    assertRefusedEarly("--skip-input needs --embedding 256 as --hidden", "--skip-input");
    assertRefusedEarly("--one-hot and --embedding exclude", "--one-hot", "--embedding", "8");
    String[] gru = {"--cell", "gru"};
    assertRefusedEarly("--cell-clip: only an LSTM has it", with(gru, "--cell-clip", "1"));
    assertRefusedEarly("--forget-bias: only an LSTM has it", with(gru, "--forget-bias", "1"));
    assertRefusedEarly("cannot project", "--algorithm", "persist-static", "--projection", "8");
    assertRefusedEarly(
        "'--algorithm': fast, must be one of standard, persist-static, persist-dynamic, small-h,"
            + " auto",
        "--algorithm",
        "fast");
    assertRefusedEarly(
        "'--precision': int8, must be one of fp32, tf32, fp16, bf16, fp16-math, fp64",
        "--precision",
        "int8");
    assertRefusedEarly("'--cell': transformer, must be one of ", "--cell", "transformer");
    assertRefusedEarly("must end in .png", "--plot", "curve.gif");
    assertRefusedEarly("--resume needs --checkpoint DIR", "--resume");
    assertRefused("is a folder", run("train", "--text", folder + ""));
    assertTrue(run("train", "--help").out.contains("fp16-math"));
  }

  @Test
  void refusesOptionsWithoutEffect() {
    assertRefusedEarly("--momentum: only sgd and rmsprop have it", "--momentum", "0.9");
    assertRefusedEarly("--checkpoint-every needs --checkpoint", "--checkpoint-every", "5");
    assertRefusedEarly("--patience needs held-out data", "--patience", "3", "--held-out", "0");
    assertRefusedEarly("--validate-every needs", "--validate-every", "3", "--held-out", "0");
    assertRefusedEarly("--other-text needs --resume", "--other-text");
    assertRefused(
        "--batch 4 times --steps 700 needs 2801 characters to learn from, the text has 1995",
        train("--steps", "700"));
    assertRefused(
        "--warm-up is 71 steps, must be fewer than the run's 71",
        train("--epochs", "1", "--schedule", "cosine", "--warm-up", "71"));
  }

  @Test
  void eachScheduleWarmsUp() {
    for (String schedule : List.of("constant", "cosine")) {
      var options =
          CommandLine.populateCommand(
              new OptimizerOptions(), "--schedule", schedule, "--warm-up", "4");
      assertEquals(0.25, options.schedule(10).factor(0), schedule);
      assertEquals(1, options.schedule(10).factor(4), schedule);
    }
  }

  private static void assertRefusedEarly(String message, String... options) {
    assertRefused(message, run(with(new String[] {"train", "--text", "nowhere"}, options)));
  }

  /** The whole held-out text takes as long as several steps. */
  @Test
  void validatesSeldomUnlessAsked() {
    Ran seldom = train("--epochs", "1");
    Ran often = train("--epochs", "1", "--validate-every", "10");
    assertEquals(2, validations(seldom), seldom.out);
    assertEquals(8, validations(often), often.out);
  }

  private static long validations(Ran ran) {
    return ran.out.lines().filter(line -> line.startsWith("held out ")).count();
  }

  @Test
  void goesOnWithoutMetricsAndChartWhereTheDiskIsFull() throws IOException {
    Path full = Path.of("/dev/full");
    assumeTrue(Files.exists(full), "this system has no /dev/full");
    Ran trained = train("--epochs", "1", "--metrics", full + "");
    assertEquals(0, trained.status, trained.err);
    assumeTrue(
        ModuleLayer.boot().findModule("java.desktop").isPresent(), "this runtime cannot draw");
    Path plot = Files.createSymbolicLink(folder.resolve("full.png"), full);
    Ran drawn = train("--epochs", "1", "--plot", plot + "");
    assertEquals(0, drawn.status, drawn.err);
    assertTrue(drawn.out.contains("missing   learning curve: " + plot + ": "), drawn.out);
  }

  @Test
  void failsWhereAFileIsMissing() {
    assertFailed("no such file: nowhere.txt", run("train", "--text", "nowhere.txt"));
    assertFailed(
        "no such folder: nowhere", run("generate", "--checkpoint", "nowhere", "--prefix", "a"));
    assertFailed(
        folder + " holds no checkpoint, which is a folder step-NUMBER",
        run("generate", "--checkpoint", folder + "", "--prefix", "a"));
  }

  @Test
  void saysWhyAFileCannotBeWritten() {
    String inTheWay = "cudnn4j train: a file is in the way: " + text;
    assertFailed(inTheWay, train("--checkpoint", text + ""));
    assertFailed(inTheWay, train("--plot", text + "/curve.png"));
    assertFailed(inTheWay, train("--metrics", text + "/metrics.jsonl"));
    assertRefused("--metrics: " + folder + " is a folder", train("--metrics", folder + ""));
    Ran beforeAnythingElse = train("--tensorboard", text + "");
    assertFailed(inTheWay, beforeAnythingElse);
    assertEquals("", beforeAnythingElse.out());
    assertEquals(
        "cannot be used: a -> b (AtomicMoveNotSupportedException)",
        Main.message(new AtomicMoveNotSupportedException("a", "b", null)));
  }

  @Test
  void keepsTheCheckpointsOfAnotherTraining() throws IOException {
    Path checkpoint = folder.resolve("model");
    assertEquals(0, train("--epochs", "1", "--checkpoint", checkpoint + "").status);
    byte[] before = weights(checkpoint);

    assertRefused(
        "holds checkpoints already",
        train("--epochs", "1", "--checkpoint", checkpoint + "", "--seed", "2"));
    assertFailed(
        "no such file",
        run("train", "--text", "nowhere.txt", "--checkpoint", checkpoint + "", "--overwrite"));
    assertArrayEquals(before, weights(checkpoint));

    assertEquals(0, train("--epochs", "2", "--checkpoint", checkpoint + "", "--overwrite").status);
  }

  @Test
  void doctorTellsTheStory() {
    Ran ran = run("doctor");

    assertEquals(0, ran.status, ran.err);
    assertTrue(ran.out.lines().count() > 5, ran.out);
  }

  /** Because of the arguments. */
  static void assertRefused(String message, Ran ran) {
    assertStatus(2, message, ran);
  }

  /** Because of something else. */
  static void assertFailed(String message, Ran ran) {
    assertStatus(1, message, ran);
  }

  private static void assertStatus(int status, String message, Ran ran) {
    assertEquals(status, ran.status, () -> ran.out + ran.err);
    assertTrue(ran.err.contains(message), () -> "\"" + message + "\" is not in: " + ran.err);
  }

  private static double number(Map<?, ?> result, String name) {
    return assertInstanceOf(Number.class, result.get(name), name).doubleValue();
  }

  static String[] with(String[] options, String... more) {
    return Stream.concat(Stream.of(options), Stream.of(more)).toArray(String[]::new);
  }

  /** The weights in the newest checkpoint of a folder. */
  static byte[] weights(Path folder) throws IOException {
    try (Stream<Path> steps = Files.list(folder)) {
      Path newest = steps.filter(Files::isDirectory).max(Path::compareTo).orElseThrow();
      return Files.readAllBytes(newest.resolve("weights.safetensors"));
    }
  }

  /** What the recurrent layers of the newest checkpoint of a folder are. */
  private static Map<?, ?> network(Path folder) throws IOException {
    Checkpoint newest = Checkpoints.in(folder, 1).latest().orElseThrow();
    return assertInstanceOf(Map.class, newest.modelConfiguration().get("network"));
  }
}
