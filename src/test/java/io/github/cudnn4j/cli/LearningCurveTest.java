package io.github.cudnn4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.train.Progress;
import io.github.cudnn4j.train.Validation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.knowm.xchart.XYChart;

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
}
