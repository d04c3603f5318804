package io.github.cudnn4j.train;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.StringJoiner;

/** Hears of a training's progress, on the thread that trains. An exception ends the training. */
public interface TrainingListener {

  /** Called at each log point. */
  default void logged(Progress progress) throws IOException {}

  /** Called after each validation. */
  default void validated(Validation validation) throws IOException {}

  /** Called after each checkpoint with the folder that holds it. */
  default void checkpointed(Path checkpoint, long step) throws IOException {}

  /** Returns a listener that prints a line for each log point and each validation. */
  static TrainingListener printing(PrintStream out) {
    Objects.requireNonNull(out, "out");
    return new TrainingListener() {
      @Override
      public void logged(Progress progress) {
        out.printf(
            Locale.ROOT,
            "epoch %d/%d  step %,d%s  loss %.4f  |g| %.3f  %,.0f tokens/s%s%n",
            progress.epoch(),
            progress.epochs(),
            progress.step(),
            progress.totalSteps() < 0
                ? ""
                : String.format(Locale.ROOT, "/%,d", progress.totalSteps()),
            progress.loss(),
            progress.gradientNorm(),
            progress.tokensPerSecond(),
            progress.skipped() == 0
                ? ""
                : String.format(Locale.ROOT, "  %,d skipped: not finite", progress.skipped()));
      }

      @Override
      public void validated(Validation validation) {
        var line = new StringJoiner("  ");
        line.add(
            String.format(
                Locale.ROOT,
                "validation after %,d steps: loss %.4f",
                validation.step(),
                validation.loss()));
        for (Map.Entry<String, Double> metric : validation.metrics().entrySet()) {
          line.add(String.format(Locale.ROOT, "%s %.4f", metric.getKey(), metric.getValue()));
        }
        if (validation.best()) {
          line.add("(best)");
        }
        out.println(line);
      }
    };
  }
}
