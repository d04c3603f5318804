package io.github.cudnn4j.train;

import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Loss;
import java.util.ArrayList;
import java.util.List;

/** Counts spans on the host, after each batch: those found, those predicted and those there. */
final class SpanMeter implements Metric.Meter {

  private final List<String> tags;
  private final Indices targets;
  private final Indices predictions;
  private SpanScore score = SpanScore.lenient();

  SpanMeter(List<String> tags, Loss loss) {
    this.tags = tags;
    Indices found = loss.predictions();
    Indices right = loss.targets();
    if (found == null || right == null || right.rank() != 2) {
      throw new IllegalArgumentException("the loss has no labels of the steps of sequences");
    }
    targets = right;
    predictions = found;
  }

  @Override
  public void reset() {
    score = SpanScore.lenient();
  }

  @Override
  public void batchDone() {
    int[] right = targets.buffer().toInts();
    int[] found = predictions.buffer().toInts();
    int batch = targets.dim(1);
    for (int row = 0; row < batch; row++) {
      List<String> actual = new ArrayList<>();
      List<String> predicted = new ArrayList<>();
      for (int i = row; i < right.length && right[i] >= 0; i += batch) {
        actual.add(tags.get(right[i]));
        predicted.add(tags.get(found[i]));
      }
      score.add(actual, predicted);
    }
  }

  @Override
  public double[] read() {
    PrecisionRecall all = score.overall();
    return new double[] {all.correct(), all.predicted(), all.actual()};
  }
}
