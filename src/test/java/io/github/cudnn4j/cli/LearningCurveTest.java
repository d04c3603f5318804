package io.github.cudnn4j.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import io.github.cudnn4j.train.MetricsLog;
import io.github.cudnn4j.train.Progress;
import io.github.cudnn4j.train.Validation;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;

/** What a picture says of itself. */
class LearningCurveTest {

  private static final Score RATE = new Score("characterErrorRate", Double.NaN, "");

  @TempDir private Path folder;

  private XYChart chart(Score score, boolean training, boolean heldOut) throws IOException {
    LearningCurve curve = LearningCurve.into(folder.resolve("a.png")).of(score);
    if (training) {
      curve.logged(new Progress(1, 2, 50, 100, 1.5, 0.5, 0.1, 9e4, 3, 512, 1.25, 7));
    }
    if (heldOut) {
      curve.validated(new Validation(1, 60, 2.5, Map.of("characterErrorRate", 0.5), false));
    }
    curve.draw();
    return curve.chart();
  }

  @Test
  void namesWhatIsDrawn() throws IOException {
    Score perplexity = Score.perplexity(9);
    XYChart both = chart(perplexity, true, true);
    assertEquals("Perplexity in training and held out", both.getTitle());
    assertEquals("Perplexity", both.getYAxisTitle());
    assertEquals(
        List.of("training", "held out", "a uniform guess"),
        List.copyOf(both.getSeriesMap().keySet()));
    assertEquals("Perplexity in training", chart(perplexity, true, false).getTitle());
    assertEquals("Perplexity held out", chart(perplexity, false, true).getTitle());
  }

  @Test
  void theLossOfTrainingHasAnAxisOfItsOwn() throws IOException {
    XYChart both = chart(RATE, true, true);
    assertEquals("Character error rate held out, and loss in training", both.getTitle());
    assertEquals("Character error rate", both.getYAxisTitle());
    assertEquals("Loss", both.getYAxisGroupTitle(1));
    assertEquals(1, both.getSeriesMap().get("Loss in training").getYAxisGroup());
    XYChart loss = chart(RATE, true, false);
    assertEquals("Loss in training", loss.getTitle());
    assertEquals("Loss", loss.getYAxisTitle());
    assertEquals("Character error rate held out", chart(RATE, false, true).getTitle());
  }

  /** The library labels 1, 10 and 100 alone. */
  @Test
  void powersOfTwoAreLabelledWherePerplexityLies() throws IOException {
    XYChart both = chart(Score.perplexity(64), true, true);
    assertArrayEquals(new double[] {6, 6}, both.getSeriesMap().get("a uniform guess").getYData());
    assertEquals(1.5 / Math.log(2), both.getSeriesMap().get("training").getYData()[0], 1e-9);
    var labels = both.getStyler().getyAxisTickLabelsFormattingFunction();
    assertEquals(List.of("1", "", "2", "64"), Stream.of(0., 0.5, 1., 6.).map(labels).toList());
  }

  /** What was before a training goes on is in its metrics, behind what another has left there. */
  @Test
  void aTrainingThatGoesOnIsDrawnFromItsBeginning() throws IOException {
    Path metrics = folder.resolve("metrics.jsonl");
    Progress early = new Progress(1, 2, 20, 100, 3, 0.5, 0.1, 9e4, 3, 512, 1.25, 7);
    Progress late = new Progress(1, 2, 90, 100, 2, 0.5, 0.1, 9e4, 3, 512, 1.25, 7);
    try (var log = MetricsLog.append(metrics)) {
      log.logged(late);
      log.logged(early);
      log.validated(new Validation(1, 40, 2.5, Map.of("characterErrorRate", 0.75), false));
    }
    Files.writeString(metrics, "something else\n{}\n", StandardOpenOption.APPEND);
    LearningCurve curve = LearningCurve.into(folder.resolve("a.png")).of(RATE);
    curve.addPast(metrics);
    curve.logged(late);
    XYChart chart = curve.chart();
    XYSeries training = chart.getSeriesMap().get("Loss in training");
    assertArrayEquals(new double[] {20, 90}, training.getXData());
    assertArrayEquals(new double[] {3, 2}, training.getYData());
    XYSeries heldOut = chart.getSeriesMap().get("Character error rate held out");
    assertArrayEquals(new double[] {0.75}, heldOut.getYData());

    LearningCurve perplexity = LearningCurve.into(folder.resolve("b.png")).of(Score.perplexity(9));
    perplexity.addPast(metrics);
    chart = perplexity.chart();
    assertEquals(3 / Math.log(2), chart.getSeriesMap().get("training").getYData()[0], 1e-9);
    assertEquals(2.5 / Math.log(2), chart.getSeriesMap().get("held out").getYData()[0], 1e-9);
  }

  @Test
  void noTemporaryFolderIsNeeded() throws IOException {
    File before = ImageIO.getCacheDirectory();
    ImageIO.setCacheDirectory(Files.createDirectory(folder.resolve("gone")).toFile());
    try {
      Files.delete(folder.resolve("gone"));
      chart(RATE, true, true);
    } finally {
      ImageIO.setCacheDirectory(before);
    }
    assertNotNull(ImageIO.read(folder.resolve("a.png").toFile()));
  }

  /** Reading a pipe that this program holds would never end; of a folder it fails. */
  @Test
  void whatKeepsNoMetricsIsNotRead() throws IOException {
    LearningCurve.into(folder.resolve("a.png")).of(RATE).addPast(folder);
  }
}
