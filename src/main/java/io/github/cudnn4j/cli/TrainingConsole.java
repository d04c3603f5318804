package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Progress;
import io.github.cudnn4j.train.TrainingListener;
import io.github.cudnn4j.train.TrainingSummary;
import io.github.cudnn4j.train.Validation;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows a training run: a progress bar on a terminal, a line every few seconds elsewhere, and at
 * each validation what the model writes by now.
 */
final class TrainingConsole implements TrainingListener, AutoCloseable {

  private static final long NANOS_BETWEEN_LINES = Duration.ofSeconds(5).toNanos();
  private static final int COLUMNS = 80;
  private static final int SAMPLE_LENGTH = 72;
  private static final int FINAL_SAMPLES = 3;
  private static final int FINAL_SAMPLE_LENGTH = 200;

  private final PrintWriter out;
  private final Score score;
  private final Samples samples;
  private final boolean terminal;
  private @Nullable ProgressBar bar;
  private long nextLine = System.nanoTime();

  private TrainingConsole(PrintWriter out, Score score, Samples samples, boolean terminal) {
    this.out = out;
    this.score = score;
    this.samples = samples;
    this.terminal = terminal;
  }

  static <M extends Model> TrainingConsole of(
      PrintWriter out, Device device, TrainingTask<M> task, M model) {
    TrainingConsole console =
        new TrainingConsole(out, task.score(), task.samples(model), Terminal.isOutput());
    console.begin(device, task, model);
    return console;
  }

  private <M extends Model> void begin(Device device, TrainingTask<M> task, M model) {
    line("device    %s", device.name());
    line(
        "model     %s, %,d parameters%s",
        task.description(model),
        model.parameters().elements(),
        model.precision() == Precision.FP32 ? "" : " in " + model.precision());
    line("%s", task.data());
    if (score.hasGuess()) {
      line("guessing  %s has %s %s", score.guesser(), score.name(), score.guessText());
    }
    out.println();
    out.flush();
  }

  @Override
  public void logged(Progress progress) {
    if (terminal) {
      bar(progress)
          .setExtraMessage(
              String.format(
                  Locale.ROOT,
                  " %s  |g| %s  %,.0f tokens/s",
                  score.text(progress),
                  Score.number("%.2f", progress.gradientNorm()),
                  progress.tokensPerSecond()))
          .stepTo(progress.step());
    } else if (System.nanoTime() >= nextLine || progress.step() == progress.totalSteps()) {
      nextLine = System.nanoTime() + NANOS_BETWEEN_LINES;
      line(
          "epoch %d/%d  step %,d/%,d  %s  |g| %s  %,.0f tokens/s  %s left",
          progress.epoch(),
          progress.epochs(),
          progress.step(),
          progress.totalSteps(),
          score.text(progress),
          Score.number("%.2f", progress.gradientNorm()),
          progress.tokensPerSecond(),
          duration(progress.secondsLeft()));
      out.flush();
    }
  }

  @Override
  public void validated(Validation validation) {
    pauseBar();
    String sample = samples.sample(SAMPLE_LENGTH, validation.step());
    line(
        "held out  %s after %,d steps%s",
        score.text(validation), validation.step(), sample.isEmpty() ? "" : "   “" + sample + "”");
    out.flush();
  }

  @Override
  public void checkpointed(Path folder, long step) {
    // The run's end names the folder; a line for each would only drown the rest.
  }

  /** Tells where a training goes on, and what is to be different. */
  void resumed(Checkpoint from, boolean otherData, List<String> changes) {
    line(
        "resumed   after %,d steps, from %s%s%s",
        from.step(),
        from.folder(),
        otherData ? ", on other data, from their beginning" : "",
        changes.isEmpty() ? "" : ", with " + String.join(", ", changes));
    out.flush();
  }

  /**
   * Prints the result and what the model writes now.
   *
   * @param from what it went on from, if from something
   * @param kept whether there is a checkpoint
   */
  void finished(TrainingSummary summary, @Nullable Checkpoint from, boolean kept) {
    pauseBar();
    out.println();
    long before = from == null ? 0 : from.step();
    if (summary.steps() > before) {
      line(
          "trained   %,d steps%s in %s, %,.0f tokens/s%s%s",
          summary.steps() - before,
          from == null ? "" : String.format(Locale.ROOT, " after the %,d before", before),
          duration(summary.seconds()),
          summary.tokensPerSecond(),
          summary.stoppedEarly() ? ", stopped early: " + score.stale() : "",
          summary.skipped() > 0 ? ", " + summary.skipped() + " steps skipped: not finite" : "");
    } else if (from != null && !summary.stopped()) {
      line("nothing   was left to do after epoch %d: give more --epochs", from.epoch());
    } else {
      line("nothing   was trained yet");
    }
    line("result    %s", score.text(summary));
    if (summary.stopped()) {
      line(
          "stopped   %s",
          kept
              ? "the same command with --resume goes on"
              : "nothing of it is kept: that needs --checkpoint DIR");
    }
    if (!kept && !summary.stopped()) {
      line("caution   the model is not kept: that needs --checkpoint DIR");
    }
    for (int i = 1; i <= FINAL_SAMPLES; i++) {
      String sample = samples.sample(FINAL_SAMPLE_LENGTH, i);
      if (!sample.isEmpty()) {
        line("sample %d  “%s”", i, sample);
      }
    }
    out.flush();
  }

  /** Tells where a file or folder was written. */
  void wrote(String what, Path where) {
    line("wrote     %s: %s", what, where);
    out.flush();
  }

  /** Tells what is missing from an otherwise finished run. */
  void failed(String what, IOException reason) {
    line("missing   %s: %s", what, Main.message(reason));
    out.flush();
  }

  private ProgressBar bar(Progress progress) {
    if (bar == null) {
      bar =
          new ProgressBarBuilder()
              .setTaskName("training")
              .setInitialMax(progress.totalSteps())
              .startsFrom(progress.step(), Duration.ofMillis((long) (1000 * progress.seconds())))
              .setStyle(ProgressBarStyle.UNICODE_BLOCK)
              .setUnit(" steps", 1)
              // The default one opens the terminal, and takes Ctrl-C away from this program.
              .setConsumer(new ConsoleProgressBarConsumer(System.err, COLUMNS))
              .build();
    }
    return bar;
  }

  /** Leaves the bar's line as it stands; the next step draws a new one below what is printed. */
  private void pauseBar() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }

  private static String duration(double seconds) {
    long whole = Math.round(seconds);
    return whole < 60 ? whole + " s" : whole / 60 + " min " + whole % 60 + " s";
  }

  private void line(String format, Object... arguments) {
    out.println(String.format(Locale.ROOT, format, arguments));
  }

  @Override
  public void close() {
    pauseBar();
    samples.close();
  }
}
