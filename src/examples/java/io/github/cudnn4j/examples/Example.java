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
import io.github.cudnn4j.train.TrainingListener;
import io.github.cudnn4j.train.Validation;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import javax.imageio.ImageIO;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;

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
          entry("key-terms", KeyTerms::run),
          entry("memory", Memory::run),
          entry("parsing", Parsing::run),
          entry("questions", Questions::run),
          entry("residual", Residual::run),
          entry("slow-context", SlowContext::run),
          entry("speech", Speech::run),
          entry("spelling", Spelling::run),
          entry("tagging", Tagging::run),
          entry("translation", Translation::run),
          entry("turing", Turing::run));

  /** What an example does. */
  @FunctionalInterface
  interface Program {
    Result run(Example example) throws IOException;
  }

  /** Makes a picture. */
  @FunctionalInterface
  interface Painter {
    BufferedImage paint() throws IOException;
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

  private Example(Path folder, @Nullable Path data, boolean brief) {
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
    int count = arguments.length;
    if (count < 1 || count > 2 || !PROGRAMS.containsKey(arguments[0])) {
      System.err.println(
          "one example, of "
              + PROGRAMS.keySet().stream().sorted().toList()
              + ", and the folder of its data if it is to have other than its own");
      System.exit(2);
    }
    String name = arguments[0];
    Path folder = Files.createDirectories(results.resolve(name));
    long start = System.nanoTime();
    var facts = new LinkedHashMap<String, Object>();
    try (var example = new Example(folder, count == 2 ? Path.of(arguments[1]) : null, false)) {
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
    Files.writeString(folder.resolve("result.json"), json + "\n");
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

  /** Returns the folder of data that was named; null if none was. */
  @Nullable Path data() {
    return data;
  }

  /** Returns the first number, or the second in the short form. */
  int size(int full, int brief) {
    return this.brief ? brief : full;
  }

  /** Returns where checkpoints go; those of an earlier run are gone. */
  Checkpoints checkpoints(String name) throws IOException {
    var checkpoints = Checkpoints.in(folder.resolve(name), 1);
    checkpoints.clear();
    return checkpoints;
  }

  /**
   * Writes the weights, a batch, and the loss and the gradients of it, in the short form, for
   * {@code cores.py} to compare. Dropout would be another one there, so what has it writes none.
   */
  void core(String name, Parameters p, Objective objective, BatchSource source) throws IOException {
    if (!brief) {
      return;
    }
    var file = new SafeTensorsWriter();
    var layout = source.layout();
    try (var tape = Tape.training(device, p.precision());
        var feed = Feed.create(device, p.precision(), layout)) {
      feed.start(source.epoch(new Random(1)));
      int shape = feed.next(0);
      Batch in = feed.batch(tape, shape);
      Loss loss = objective.record(tape, in);
      p.gradients().clear();
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
      }
      for (String each : p.names()) {
        long[] extents = Arrays.stream(p.parameter(each).shape()).asLongStream().toArray();
        file.add("state." + each, extents, p.read(each));
        file.add("grad." + each, extents, p.readGradient(each));
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

  /** Writes a chart as the picture, or none in the short form. */
  void picture(Chart<?, ?> chart) throws IOException {
    picture(() -> BitmapEncoder.getBufferedImage(chart));
  }

  /** Writes the picture, or makes none in the short form, which needs no fonts. */
  void picture(Painter painter) throws IOException {
    if (!brief) {
      ImageIO.write(painter.paint(), "png", folder.resolve("picture.png").toFile());
    }
  }

  /** Returns the lines of a file of UTF-8 in one of the jars that examples take data from. */
  static List<String> lines(String resource) throws IOException {
    var stream = Objects.requireNonNull(Example.class.getResourceAsStream(resource), resource);
    try (var reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
      return reader.lines().toList();
    }
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

  /** Returns a chart of bars without any. */
  static CategoryChart bars(String title, String x, String y) {
    return styled(
        new CategoryChartBuilder()
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .width(960)
            .height(540)
            .build());
  }

  /** Returns a chart of lines without any. */
  static XYChart curves(String title, String x, String y) {
    return styled(
        new XYChartBuilder()
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .width(960)
            .height(540)
            .build());
  }

  /** Returns a picture of both, one beside the other. */
  static BufferedImage beside(Chart<?, ?> chart, BufferedImage image) {
    BufferedImage first = BitmapEncoder.getBufferedImage(chart);
    int height = Math.max(first.getHeight(), image.getHeight());
    int width = first.getWidth() + image.getWidth();
    var both = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = both.createGraphics();
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, width, height);
    pen.drawImage(first, 0, 0, null);
    pen.drawImage(image, first.getWidth(), (height - image.getHeight()) / 2, null);
    pen.dispose();
    return both;
  }

  /** Draws numbers from 0 to 1 as percentages and colours, with names above and on the right. */
  static BufferedImage matrix(double[][] numbers, List<String> rows, List<String> columns) {
    int size = 48;
    int width = columns.size() * size;
    int text = rows.stream().mapToInt(String::length).max().orElse(0) * 10;
    var image =
        new BufferedImage(width + text, (rows.size() + 1) * size, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 16));
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, image.getWidth(), image.getHeight());
    for (int i = 0; i < rows.size(); i++) {
      int y = (i + 1) * size;
      for (int j = 0; j < columns.size(); j++) {
        pen.setColor(Color.getHSBColor(0.6f, (float) numbers[i][j], 1));
        pen.fillRect(j * size, y, size - 2, size - 2);
        pen.setColor(Color.BLACK);
        pen.drawString("" + Math.round(100 * numbers[i][j]), j * size + 12, y + 30);
      }
      pen.drawString(rows.get(i), width + 12, y + 30);
    }
    for (int j = 0; j < columns.size(); j++) {
      pen.drawString(columns.get(j), j * size + 12, 30);
    }
    pen.dispose();
    return image;
  }

  /** Returns a chart of cells without any, white at 0 and dark at 1. */
  static HeatMapChart heatMap(String title, String x, String y) {
    var chart =
        new HeatMapChartBuilder()
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .width(960)
            .height(540)
            .build();
    var colors = new Color[] {Color.WHITE, new Color(60, 120, 200), new Color(10, 30, 80)};
    chart.getStyler().setMin(0).setMax(1).setRangeColors(colors).setHeatMapValueDecimalPattern("0");
    return styled(chart);
  }

  /** Draws lines of text. */
  static BufferedImage text(List<String> lines) {
    int height = 26;
    int most = lines.stream().mapToInt(String::length).max().orElse(1);
    var image = new BufferedImage(most * 11, lines.size() * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D pen = image.createGraphics();
    pen.setFont(new Font(Font.MONOSPACED, Font.PLAIN, 16));
    pen.setColor(Color.WHITE);
    pen.fillRect(0, 0, image.getWidth(), image.getHeight());
    pen.setColor(Color.BLACK);
    for (int i = 0; i < lines.size(); i++) {
      pen.drawString(lines.get(i), 8, i * height + 18);
    }
    pen.dispose();
    return image;
  }

  private static <C extends Chart<?, ?>> C styled(C chart) {
    chart.getStyler().setChartBackgroundColor(Color.WHITE).setPlotBorderVisible(false);
    return chart;
  }

  @Override
  public void logged(Progress progress) {
    if (brief) {
      return;
    }
    if (bar == null) {
      bar =
          new ProgressBarBuilder()
              .setTaskName("training")
              .setInitialMax(progress.totalSteps())
              .setUpdateIntervalMillis(System.console() == null ? 5000 : 200)
              .setConsumer(new ConsoleProgressBarConsumer(System.err, 80))
              .build();
    }
    bar.setExtraMessage(" loss " + rounded(progress.loss())).stepTo(progress.step());
    if (progress.step() >= progress.totalSteps()) {
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
