package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.optim.Clip;
import io.github.cudnn4j.optim.LossScale;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.optim.Updater;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.SourceProgram;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The programs of the guide are short, compile without a warning, and do what its pages say; what
 * these and the README show is part of them, and what they link to exists.
 */
@InOneMode
class GuideTest {
  private static final Path BASE = Path.of(System.getProperty("basedir", ""));
  private static final Path GUIDE = BASE.resolve("src/examples/guide");
  private static final Pattern CODE = Pattern.compile("(?s)```java\n(.*?)```");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)#]+)(#[^)]*)?\\)");

  private final Random random = new Random(11);

  @TempDir private Path folder;

  @Test
  void classifierLearns() throws Exception {
    List<String> lines = run("Classifier", 31, this::review);
    assertTrue(last(lines, "accuracy") > 0.9, lines::toString);
  }

  /** Words of a good or a bad mood among others. */
  private String review() {
    int mood = random.nextInt(2);
    var words = words(random.nextInt(5, 20), 50);
    words.set(random.nextInt(words.size()), (mood == 1 ? "good" : "bad") + random.nextInt(3));
    return mood + "\t" + String.join(" ", words);
  }

  @Test
  void taggerLearns() throws Exception {
    List<String> lines = run("Tagger", 31, this::sentence);
    assertTrue(last(lines, "accuracy") > 0.9, lines::toString);
  }

  /** The tag of a word is that of the word behind it. */
  private String sentence() {
    List<String> words = words(random.nextInt(3, 12), 40);
    var tags = new ArrayList<String>();
    for (int i = 0; i < words.size(); i++) {
      String key = words.get(Math.min(i + 1, words.size() - 1));
      tags.add("" + key.charAt(key.length() - 1) % 4);
    }
    return String.join(" ", words) + "\t" + String.join(" ", tags);
  }

  @Test
  void recogniserLearns() throws Exception {
    List<String> lines = run("Recogniser", 35, () -> "");
    assertTrue(last(lines, "steps: loss") < 0.5, lines::toString);
  }

  @Test
  void translatorLearns() throws Exception {
    List<String> lines = run("Translator", 45, this::pair);
    assertTrue(last(lines, "accuracy") > 0.9, lines::toString);
  }

  /** A text and the same backwards. */
  private String pair() {
    var text = new StringBuilder();
    for (int left = random.nextInt(2, 7); left > 0; left--) {
      text.append((char) ('a' + random.nextInt(8)));
    }
    return text + "\t" + text.reverse();
  }

  @Test
  void networkTrains() throws Exception {
    double previous = 1;
    List<String> lines = run("Network", 30, () -> "");
    for (int step = 0; step < lines.size(); step++) {
      String[] words = lines.get(step).split(": mean of y ");
      assertEquals("step " + step, words[0]);
      double mean = Double.parseDouble(words[1]);
      assertTrue(mean < previous, () -> "the mean of y does not fall: " + lines);
      previous = mean;
    }
    assertEquals(5, lines.size());
  }

  @Test
  void forecasterLearns() throws Exception {
    List<String> lines = run("Forecaster", 40, () -> "");
    assertTrue(last(lines, "steps: loss") < 0.01, lines::toString);
    assertTrue(lines.getLast().startsWith("forecast "), lines::toString);
  }

  @Test
  void namerWritesANameOfEachKind() throws Exception {
    var names = List.of("anna", "berta", "caesar", "dora");
    List<String> lines =
        run(
            "Namer",
            45,
            () -> {
              int kind = random.nextInt(4);
              return kind + "\t" + names.get(kind);
            });
    assertEquals(names, lines.subList(lines.size() - 4, lines.size()));
  }

  @Test
  void writerAnswersItsClients() throws Exception {
    List<String> lines = run("Writer", 55, () -> "the cat sees the dog and the bird");
    assertTrue(last(lines, "loss") < 0.5, lines::toString);
    var answers = lines.stream().filter(line -> line.startsWith("answer: ")).sorted().toList();
    assertEquals(4, answers.size(), lines::toString);
    assertTrue(answers.getFirst().startsWith("answer: cat sees the dog"), answers::toString);
  }

  @Test
  void ownPartsLearn() throws Exception {
    List<String> lines = run("Own", 85, () -> "");
    assertTrue(last(lines, "percent") < 10, lines::toString);
  }

  @Test
  void exchangedWeightsComeBack() throws Exception {
    List<String> lines = run("Exchange", 65, () -> "");
    assertEquals("[5, 2], the same memory: true", lines.get(2));
    assertEquals("384 numbers of the kernel, [8, 48]", lines.getLast());
  }

  @Test
  void togetherLearnsAlone() throws Exception {
    List<String> lines = run("Together", 40, () -> "");
    assertTrue(last(lines, "loss") < 0.05, lines::toString);
    assertEquals("1 of 1 ranks", lines.getLast());
  }

  @ParameterizedTest
  @CsvSource({
    "Classifier, FILE HELD_OUT",
    "Tagger, FILE HELD_OUT",
    "Translator, FILE HELD_OUT",
    "Namer, FILE",
    "Writer, FILE"
  })
  void aProgramWithoutItsArgumentsTellsThem(String name, String arguments) {
    Path source = GUIDE.resolve(name + ".java");
    assumeTrue(Files.isRegularFile(source), "no sources here, only the built classes");
    var e = assertThrows(InvocationTargetException.class, () -> SourceProgram.run(source, folder));
    assertEquals(
        new IllegalArgumentException(name + ".java " + arguments).toString(),
        e.getCause().toString());
  }

  @Test
  void whatPagesShowIsPartOfAProgram() throws IOException {
    assumeTrue(Files.isDirectory(GUIDE), "no sources here, only the built classes");
    var programs = new ArrayList<String>();
    Path spark = BASE.resolve("src/spark/test/io/github/cudnn4j/spark/SparkTest.java");
    Path arrow = BASE.resolve("src/interop/java/ArrowTest.java");
    for (Path program : Stream.concat(files(".java").stream(), Stream.of(spark, arrow)).toList()) {
      programs.add(withoutMargin(Files.readString(program)));
    }
    var unknown = new ArrayList<String>();
    for (Path page : pages()) {
      for (var block : CODE.matcher(Files.readString(page)).results().toList()) {
        String code = withoutMargin(block.group(1));
        if (programs.stream().noneMatch(program -> program.contains(code))) {
          unknown.add(page.getFileName() + ":\n" + block.group(1));
        }
      }
    }
    assertEquals(List.of(), unknown);
  }

  @Test
  void linksLeadSomewhere() throws IOException {
    assumeTrue(Files.isDirectory(GUIDE), "no sources here, only the built classes");
    var broken = new ArrayList<String>();
    String readme = Files.readString(BASE.resolve("README.md"));
    for (Path page : pages()) {
      for (var link : LINK.matcher(Files.readString(page)).results().toList()) {
        String target = link.group(1);
        if (!target.contains("://") && Files.notExists(page.resolveSibling(target))) {
          broken.add(page + ": " + target);
        }
      }
      if (page.startsWith(GUIDE) && !readme.contains("guide/" + page.getFileName() + ")")) {
        broken.add("README.md does not link " + page.getFileName());
      }
    }
    assertEquals(List.of(), broken);
  }

  private static List<Path> pages() throws IOException {
    var pages = new ArrayList<>(files(".md"));
    for (String page : List.of("README.md", "src/examples/README.md", "bench/README.md")) {
      pages.add(BASE.resolve(page));
    }
    return pages;
  }

  private static List<Path> files(String ending) throws IOException {
    try (var files = Files.list(GUIDE)) {
      return files.filter(file -> file.toString().endsWith(ending)).sorted().toList();
    }
  }

  private static String withoutMargin(String code) {
    return code.lines().map(String::strip).collect(Collectors.joining("\n"));
  }

  /** What the description of the package {@code tape} shows, with one batch for all steps. */
  @Test
  void aTapeAndAnUpdaterAreEnough() {
    try (var device = Device.open();
        var p = Parameters.on(device, Precision.FP32)) {
      var lstm = p.rnn("rnn", RnnConfig.lstm(8, 16));
      var head = p.linear("head", lstm.outputSize(), 3);
      p.initialize(42);
      try (var updater = Updater.create(p, Optimizer.adam(1e-2), Clip.NONE, LossScale.NONE);
          var tape = Tape.training(device, Precision.FP32)) {
        Tensor x = tape.input(20, 32, 8);
        Lengths lengths = tape.lengths(32);
        Indices labels = tape.indices(32);
        Loss loss = tape.crossEntropy(head.on(tape, lstm.on(tape, x, lengths).last()), labels);
        var numbers = new float[20 * 32 * 8];
        for (int i = 0; i < numbers.length; i++) {
          numbers[i] = (float) random.nextGaussian();
        }
        for (int step = 0; step < 100; step++) {
          x.value().copyFrom(numbers);
          lengths.set(IntStream.range(0, 32).map(i -> 5 + i % 16).toArray());
          labels.buffer().copyFrom(IntStream.range(0, 32).map(i -> i % 3).toArray());
          p.gradients().clear();
          tape.forward();
          tape.backward();
          updater.run(loss.value());
        }
        assertTrue(loss.read() < 0.1, () -> "the loss is " + loss.read());
      }
    }
  }

  private List<String> words(int count, int different) {
    var words = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      words.add("word" + random.nextInt(different));
    }
    return words;
  }

  /** Runs a program on a file to learn from and one to be tested by. */
  private List<String> run(String name, int mostLines, Supplier<String> records) throws Exception {
    Path source = GUIDE.resolve(name + ".java");
    assumeTrue(Files.isRegularFile(source), "no sources here, only the built classes");
    long lines =
        Files.readAllLines(source).stream()
            .dropWhile(l -> l.isEmpty() || l.startsWith("import "))
            .count();
    assertTrue(lines <= mostLines, () -> name + " has " + lines + " lines");
    return SourceProgram.run(
        source, folder, write("training", 1500, records), write("held-out", 200, records));
  }

  private String write(String name, int count, Supplier<String> records) throws IOException {
    var lines = Stream.generate(records).limit(count);
    return Files.write(folder.resolve(name), lines.toList()).toString();
  }

  /** Returns the last value of a name. */
  private static double last(List<String> lines, String name) {
    return Pattern.compile(name + " ([0-9.]+)")
        .matcher(String.join("\n", lines))
        .results()
        .mapToDouble(m -> Double.parseDouble(m.group(1)))
        .reduce((_, b) -> b)
        .orElseThrow();
  }
}
