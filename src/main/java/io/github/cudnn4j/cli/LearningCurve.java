package io.github.cudnn4j.cli;

import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.io.WholeFile;
import io.github.cudnn4j.train.Progress;
import io.github.cudnn4j.train.TrainingListener;
import io.github.cudnn4j.train.Validation;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.jspecify.annotations.Nullable;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Draws the number by which a model is judged against the step: on held-out data, and what guessing
 * gets; in training, too, or else the loss there, which has an axis of its own.
 */
final class LearningCurve implements TrainingListener {

  private static final int WIDTH = 960;
  private static final int HEIGHT = 540;
  private static final int TICK_SPACING = 40;
  private static final String LOSS = "Loss";

  private final Path file;
  private final List<Double> trainingSteps = new ArrayList<>();
  private final List<Double> training = new ArrayList<>();
  private final List<Double> heldOutSteps = new ArrayList<>();
  private final List<Double> heldOut = new ArrayList<>();

  private @Nullable Score score;

  private LearningCurve(Path file) {
    this.file = file;
  }

  /**
   * Makes the file's folder, so that what is wrong with it is found before the training.
   *
   * @throws IllegalArgumentException unless the name ends in .png and can be written
   * @throws IOException if the folder cannot be made
   */
  static LearningCurve into(Path file) throws IOException {
    if (!file.toString().toLowerCase(Locale.ROOT).endsWith(".png")) {
      throw new IllegalArgumentException("--plot: " + file + " must end in .png");
    }
    if (!Files.isWritable(Main.makeFolderOf("--plot", file))) {
      throw new IllegalArgumentException("--plot: " + file + " cannot be written");
    }
    return new LearningCurve(file);
  }

  /** Draws this number. */
  LearningCurve of(Score drawn) {
    score = drawn;
    return this;
  }

  /**
   * Adds what {@link io.github.cudnn4j.train.MetricsLog} has written of this training before it
   * goes on.
   *
   * @throws IOException if the file cannot be read
   */
  void addPast(Path metrics) throws IOException {
    if (!Files.isRegularFile(metrics)) {
      return; // A terminal or a pipe keeps nothing, and reading it might never end.
    }
    try (Stream<String> lines = Files.lines(metrics)) {
      for (String line : (Iterable<String>) lines::iterator) {
        if (!(parse(line) instanceof Map<?, ?> told)
            || !(told.get("step") instanceof Long step)
            || !(told.get("loss") instanceof Number loss)) {
          continue;
        }
        double drawn = score().isOfLoss() ? Math.exp(loss.doubleValue()) : loss.doubleValue();
        if ("train".equals(told.get("kind"))) {
          forgetFrom(step, trainingSteps, training);
          add(trainingSteps, training, step, drawn);
        } else if (score().isOfLoss()) {
          forgetFrom(step, heldOutSteps, heldOut);
          add(heldOutSteps, heldOut, step, drawn);
        } else if (told.get(score().name()) instanceof Number value) {
          forgetFrom(step, heldOutSteps, heldOut);
          add(heldOutSteps, heldOut, step, value.doubleValue());
        }
      }
    }
  }

  /** The file may have begun with another training. */
  private static void forgetFrom(long step, List<Double> steps, List<Double> values) {
    while (!steps.isEmpty() && steps.getLast() >= step) {
      steps.removeLast();
      values.removeLast();
    }
  }

  /** Returns null of a line that something else wrote. */
  private static @Nullable Object parse(String line) {
    try {
      return Json.parse(line);
    } catch (IOException e) {
      return null;
    }
  }

  @Override
  public void logged(Progress progress) {
    add(trainingSteps, training, progress.step(), score().drawn(progress));
  }

  @Override
  public void validated(Validation validation) {
    add(heldOutSteps, heldOut, validation.step(), score().of(validation));
  }

  /** What is not finite has no place on a chart. */
  private static void add(List<Double> steps, List<Double> values, long step, double value) {
    if (Double.isFinite(value)) {
      steps.add((double) step);
      values.add(value);
    }
  }

  /**
   * Writes the picture.
   *
   * @throws IOException if there is nothing to draw, or it cannot be drawn or written
   */
  void draw() throws IOException {
    if (training.isEmpty() && heldOut.isEmpty()) {
      throw new IOException("nothing finite was logged");
    }
    var picture = new ByteArrayOutputStream();
    // Of a stream it would make a copy in a temporary folder.
    try (var image = new MemoryCacheImageOutputStream(picture)) {
      ImageIO.write(BitmapEncoder.getBufferedImage(chart()), "png", image);
    } catch (OutOfMemoryError e) {
      throw new IOException("Java's heap has no room to draw it", e);
    } catch (RuntimeException | Error e) {
      // A JDK that finds no fonts says so with whatever it happens to throw.
      throw new IOException(
          "Java cannot draw text here; it needs fontconfig and a font, such as DejaVu (" + e + ")",
          e);
    }
    WholeFile.write(file, picture.toByteArray());
  }

  private Score score() {
    return Objects.requireNonNull(score, "score");
  }

  XYChart chart() {
    boolean loss = !score().isOfLoss() && !training.isEmpty();
    int axisOfLoss = loss && !heldOut.isEmpty() ? 1 : 0;
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title(loss))
            .xAxisTitle("step")
            .yAxisTitle(loss && heldOut.isEmpty() ? LOSS : score().label())
            .build();
    XYStyler styler = chart.getStyler();
    styler.setLegendPosition(Styler.LegendPosition.OutsideS);
    styler.setLegendLayout(Styler.LegendLayout.Horizontal);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setYAxisMin(0, 0.0);
    styler.setYAxisDecimalPattern("0.###");
    if (score().isOfLoss()) {
      // On a logarithmic axis of the library nothing between 1 and 10 has a label.
      styler.setYAxisTickMarkSpacingHint(TICK_SPACING);
      styler.setyAxisTickLabelsFormattingFunction(LearningCurve::label);
    }
    if (axisOfLoss == 1) {
      chart.setYAxisGroupTitle(1, LOSS);
      styler.setYAxisGroupPosition(1, Styler.YAxisPosition.Right);
      styler.setYAxisMin(1, 0.0);
    }
    if (!training.isEmpty()) {
      series(
              chart,
              loss ? LOSS + " in training" : "training",
              trainingSteps,
              training,
              new Color(0x1f77b4),
              1.4f)
          .setYAxisGroup(axisOfLoss);
    }
    if (!heldOut.isEmpty()) {
      String name = loss ? score().label() + " held out" : "held out";
      series(chart, name, heldOutSteps, heldOut, new Color(0xd62728), 2.4f)
          .setMarker(SeriesMarkers.CIRCLE);
    }
    double last =
        Math.max(
            trainingSteps.isEmpty() ? 0 : trainingSteps.getLast(),
            heldOutSteps.isEmpty() ? 0 : heldOutSteps.getLast());
    if (score().hasGuess() && (score().isOfLoss() || !heldOut.isEmpty())) {
      double guess = score().guess();
      series(
          chart,
          score().guesser(),
          List.of(0.0, last),
          List.of(guess, guess),
          new Color(0x7f7f7f),
          1.2f);
    }
    return chart;
  }

  /** Tells what is drawn. */
  private String title(boolean loss) {
    if (loss) {
      return heldOut.isEmpty()
          ? LOSS + " in training"
          : score().label() + " held out, and loss in training";
    }
    return score().label()
        + (training.isEmpty() ? "" : " in training")
        + (heldOut.isEmpty() ? "" : training.isEmpty() ? " held out" : " and held out");
  }

  /** Labels the powers of 2; what is drawn begins at 1. */
  private static String label(double power) {
    return power == Math.rint(power) ? String.format(Locale.ROOT, "%.0f", Math.pow(2, power)) : "";
  }

  /** Adds a line; what is of a loss lies at its logarithm to the base of 2. */
  private XYSeries series(
      XYChart chart, String name, List<Double> x, List<Double> y, Color color, float width) {
    List<Double> heights =
        score().isOfLoss() ? y.stream().map(each -> Math.log(each) / Math.log(2)).toList() : y;
    XYSeries series = chart.addSeries(name, x, heights);
    // One point is no line.
    series.setMarker(x.size() == 1 ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE);
    series.setLineColor(color);
    series.setMarkerColor(color);
    series.setLineStyle(new BasicStroke(width));
    return series;
  }
}
