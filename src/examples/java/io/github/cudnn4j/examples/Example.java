package io.github.cudnn4j.examples;

import static java.util.Map.entry;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.data.Feed;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.SafeTensorsWriter;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.Objective;
import io.github.cudnn4j.train.Progress;
import io.github.cudnn4j.train.Step;
import io.github.cudnn4j.train.TrainingListener;
import io.github.cudnn4j.train.Validation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.stream.IntStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;

/**
 * What an example is given: a device, a folder for what it leaves, a progress bar. Run by name:
 *
 * <pre>
 * mvn -q -B -ntp compile exec:exec@example -Dexample=attachment
 * mvn -q -B -ntp compile exec:exec@example -Dexample="translation FOLDER"
 * </pre>
 */
final class Example implements TrainingListener, AutoCloseable {

  /** All of them, by name. */
  private static final Map<String, Program> PROGRAMS =
      Map.ofEntries(
          entry("adversarial", Adversarial::run),
          entry("attachment", Attachment::run),
          entry("attention", Attending::run),
          entry("audio", Audio::run),
          entry("autoencoder", Autoencoder::run),
          entry("bidirectional", Bidirectional::run),
          entry("caption", Caption::run),
          entry("clipping", Clipping::run),
          entry("clockwork", Clockwork::run),
          entry("dialogue", Dialogue::run),
          entry("error-surface", ErrorSurface::run),
          entry("hierarchical", Hierarchical::run),
          entry("key-terms", KeyTerms::run),
          entry("memory", Memory::run),
          entry("parsing", Parsing::run),
          entry("questions", Questions::run),
          entry("repeat-copy", Turing::repeat),
          entry("residual", Residual::run),
          entry("skip-thought", SkipThought::run),
          entry("slow-context", SlowContext::run),
          entry("speech", Speech::run),
          entry("spelling", Spelling::run),
          entry("spoken-questions", SpokenQuestions::run),
          entry("tagging", Tagging::run),
          entry("translation", Translation::run),
          entry("turing", Turing::copy));

  /** What an example does. */
  @FunctionalInterface
  interface Program {
    Result run(Example example) throws IOException;
  }

  /** Makes a chart or an image: an object here, since not every Java knows these classes. */
  @FunctionalInterface
  interface Painter {
    Object paint() throws IOException;
  }

  /** The number that an example is about, and that of a naive method; and further ones. */
  record Result(String metric, double value, double baseline, Map<String, Double> more) {
    Result(String metric, double value, double baseline) {
      this(metric, value, baseline, Map.of());
    }
  }

  private final Path folder;
  private final @Nullable Path data;
  private final boolean brief;
  private final Device device = Device.open();
  private @Nullable ProgressBar bar;
  private boolean comparing;
  private boolean dataRead;

  Example(Path folder, @Nullable Path data, boolean brief) {
    this.folder = folder;
    this.data = data;
    this.brief = brief;
  }

  /** Runs the example that is named, then prints what came out as one JSON object. */
  public static void main(String[] arguments) throws IOException {
    Path results = Path.of("target", "examples");
    if (List.of(arguments).equals(List.of("gallery"))) {
      Gallery.update(results);
      return;
    }
    var words = new ArrayList<>(List.of(arguments));
    boolean brief = words.remove("--brief");
    if (words.isEmpty() || words.size() > 2 || !PROGRAMS.containsKey(words.getFirst())) {
      System.err.println(
          "one example, of "
              + PROGRAMS.keySet().stream().sorted().toList()
              + ", and the folder of its data if it is to have other than its own;"
              + " with --brief in its short form, which learns less and leaves no picture");
      System.exit(2);
    }
    String name = words.getFirst();
    Path folder = Files.createDirectories(results.resolve(brief ? "brief" : "").resolve(name));
    long start = System.nanoTime();
    var facts = new LinkedHashMap<String, Object>();
    Path data = words.size() == 2 ? Path.of(words.getLast()) : null;
    try (var example = new Example(folder, data, brief)) {
      Result result = PROGRAMS.get(name).run(example);
      facts.put("example", name);
      facts.put("metric", result.metric());
      facts.put("value", rounded(result.value()));
      facts.put("baseline", rounded(result.baseline()));
      result.more().forEach((key, number) -> facts.put(key, rounded(number)));
      facts.put("seconds", Math.round((System.nanoTime() - start) / 1e9));
      facts.put("device", example.device.name());
    }
    String json = Json.write(facts);
    if (!brief) {
      Files.writeString(folder.resolve("result.json"), json + "\n");
    }
    System.out.println(json);
  }

  /** Runs an example in its short form. */
  static Result brief(String name, Path folder) throws IOException {
    try (var example = new Example(folder, null, true)) {
      return PROGRAMS.get(name).run(example);
    }
  }

  Device device() {
    return device;
  }

  /** Returns the first number, or the second in the short form. */
  int size(int full, int brief) {
    return this.brief ? brief : full;
  }

  /** Returns how much to take of the example's own data, as {@link #size} does; all of other's. */
  int most(int full, int brief) {
    return data == null ? size(full, brief) : Integer.MAX_VALUE;
  }

  /**
   * Returns where checkpoints go; those of an earlier run are gone.
   *
   * @throws IllegalArgumentException if a folder of data was named and the example has not read it
   */
  Checkpoints checkpoints(String name) throws IOException {
    if (data != null && !dataRead) {
      throw new IllegalArgumentException("this example takes no folder of data, given is " + data);
    }
    var checkpoints = Checkpoints.in(folder.resolve(name), 1);
    checkpoints.clear();
    return checkpoints;
  }

  /** Writes the weights, and all else that the next step of a loop of one's own depends on. */
  void checkpoint(String name, Parameters p, Step step) throws IOException {
    var file = new SafeTensorsWriter();
    p.save(file);
    step.save(file);
    file.write(folder.resolve(name + ".safetensors"));
  }

  /** Returns a rate of dropout; 0 in what is compared, which PyTorch would drop other parts of. */
  double rate(double rate) {
    return comparing ? 0 : rate;
  }

  /**
   * Writes the weights, a batch, and the loss and the gradients of it, in the short form, for
   * {@code cores.py} to compare.
   *
   * @param sets of weights, whose names differ
   */
  void core(String name, Objective objective, BatchSource source, Parameters... sets)
      throws IOException {
    if (!brief) {
      return;
    }
    var file = new SafeTensorsWriter();
    var layout = source.layout();
    var precision = sets[0].precision();
    try (var tape = Tape.training(device, precision);
        var feed = Feed.create(device, precision, layout)) {
      feed.start(source.epoch(new Random(1)));
      int shape = feed.next(0);
      Batch in = feed.batch(tape, shape);
      comparing = true;
      Loss loss = objective.record(tape, in);
      comparing = false;
      for (var p : sets) {
        p.gradients().clear();
      }
      feed.fetch(shape);
      tape.forward();
      tape.backward();
      feed.done();
      file.add("loss", new long[] {1}, new double[] {loss.read()});
      for (var slot : layout.slots()) {
        String key = "batch." + slot.name();
        switch (slot.kind()) {
          case TOKENS -> add(file, key, in.tokens(slot.name()));
          case LABEL, LABELS -> add(file, key, in.labels(slot.name()));
          case FLOATS -> add(file, key, in.floats(slot.name()));
          case VECTOR -> add(file, key, in.vector(slot.name()));
        }
        if (slot.hasLengths()) {
          var lengths = in.lengths(slot.name());
          int[] numbers = lengths.buffer().toInts();
          file.add("lengths." + slot.name(), new long[] {lengths.batch()}, numbers);
        }
      }
      for (var p : sets) {
        for (String each : p.names()) {
          long[] extents = Arrays.stream(p.parameter(each).shape()).asLongStream().toArray();
          file.add("state." + each, extents, p.read(each));
          file.add("grad." + each, extents, p.readGradient(each));
        }
      }
    }
    file.write(folder.resolve("core-" + name + ".safetensors"));
  }

  private static void add(SafeTensorsWriter file, String name, Indices x) {
    file.add(name, Arrays.stream(x.shape()).asLongStream().toArray(), x.buffer().toInts());
  }

  private static void add(SafeTensorsWriter file, String name, Tensor x) {
    file.add(name, Arrays.stream(x.shape()).asLongStream().toArray(), x.value().toFloats());
  }

  /** Writes the picture; makes none in the short form, nor where Java has no java.desktop. */
  void picture(Painter painter) throws IOException {
    if (ModuleLayer.boot().findModule("java.desktop").isEmpty()) {
      System.err.println("no picture: this Java has no module java.desktop");
    } else if (!brief) {
      Pictures.write(painter.paint(), folder.resolve("picture.png"));
    }
  }

  /**
   * Returns the files whose names match a glob, in the folder that was named and those within it,
   * in the order of their paths; none if no folder was named.
   *
   * @throws NoSuchFileException if there is none in the folder
   */
  List<Path> files(String glob) throws IOException {
    if (data == null) {
      return List.of();
    }
    dataRead = true;
    var matcher = data.getFileSystem().getPathMatcher("glob:" + glob);
    try (var all = Files.walk(data)) {
      var files =
          all.filter(file -> matcher.matches(file.getFileName()) && Files.isRegularFile(file))
              .sorted()
              .toList();
      if (files.isEmpty()) {
        throw new NoSuchFileException(data.toString(), null, "no file there is named " + glob);
      }
      return files;
    }
  }

  /**
   * Returns the lines of these files, of UTF-8; if no folder was named, those of resources in the
   * jars that examples take data from.
   */
  List<String> lines(String glob, String... resources) throws IOException {
    var lines = new ArrayList<String>();
    for (Path file : files(glob)) {
      lines.addAll(Files.readAllLines(file));
    }
    for (String resource : data == null ? resources : new String[0]) {
      lines.addAll(text(resource).lines().toList());
    }
    return lines;
  }

  /**
   * Returns the files {@code *.txt} of the folder that was named, of UTF-8; if none was, what the
   * European Parliament said: the text that the build has made, or the jar's.
   */
  String text() throws IOException {
    if (data != null) {
      return String.join("\n", lines("*.txt"));
    }
    Path made = Path.of("target", "text", "english.txt");
    return Files.exists(made) ? Files.readString(made) : text("english.txt");
  }

  private static String text(String resource) throws IOException {
    try (var stream = Example.class.getResourceAsStream(resource)) {
      return new String(
          Objects.requireNonNull(stream, resource).readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** Returns numbers with others behind them. */
  static int[] with(int[] some, int... others) {
    return IntStream.concat(IntStream.of(some), IntStream.of(others)).toArray();
  }

  /** Draws numbers of mean 0 and variance 1. */
  static float[] gaussian(Random random, int count) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return numbers;
  }

  /** Takes note of a metric at each validation. */
  static TrainingListener recorder(String metric, List<Long> steps, List<Double> values) {
    return new TrainingListener() {
      @Override
      public void validated(Validation validation) {
        steps.add(validation.step());
        values.add(validation.metrics().get(metric));
      }
    };
  }

  @Override
  public void logged(Progress progress) {
    progress(progress.step(), progress.totalSteps(), progress.loss());
  }

  /** Shows how far training is. */
  void progress(long step, long steps, double loss) {
    if (brief) {
      return;
    }
    if (bar == null) {
      bar =
          new ProgressBarBuilder()
              .setTaskName("training")
              .setInitialMax(steps)
              .setUpdateIntervalMillis(System.console() == null ? 5000 : 200)
              .setConsumer(new ConsoleProgressBarConsumer(System.err, 80))
              .build();
    }
    bar.setExtraMessage(" loss " + rounded(loss)).stepTo(step);
    if (step >= steps) {
      endBar();
    }
  }

  private void endBar() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  private static double rounded(double value) {
    return Math.rint(value * 1e4) / 1e4;
  }

  @Override
  public void close() {
    endBar();
    device.close();
  }
}
