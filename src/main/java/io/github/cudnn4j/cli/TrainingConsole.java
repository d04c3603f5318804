package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Tokens;
import io.github.cudnn4j.model.Corpus;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.TextGenerator;
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
  private static final int LONGEST_PREFIX = 40;

  /** How far the beginning of a word is looked for, in characters. */
  private static final int PREFIX_WITHIN = 1 << 16;

  private static final int FINAL_SAMPLE_LENGTH = 200;

  private static final double LARGEST_IN_DIGITS = 1e6;

  /** Below 1 the likelier characters are preferred: fewer misspelt words. */
  private static final double TEMPERATURE = 0.6;

  private final PrintWriter out;
  private final Corpus corpus;
  private final TextGenerator generator;
  private final String prefix;
  private final boolean terminal;
  private @Nullable ProgressBar bar;
  private long nextLine = System.nanoTime();

  private TrainingConsole(
      PrintWriter out, Corpus corpus, TextGenerator generator, boolean terminal) {
    this.out = out;
    this.corpus = corpus;
    this.generator = generator;
    this.terminal = terminal;
    this.prefix = prefix(corpus);
  }

  static TrainingConsole of(PrintWriter out, LanguageModel model, Device device, Corpus corpus) {
    TrainingConsole console =
        new TrainingConsole(out, corpus, TextGenerator.of(model), Terminal.isOutput());
    console.begin(model, device);
    return console;
  }

  /**
   * The first word of the text that the model has not seen, or of the text if it has seen all. Not
   * every language parts words by blanks, so it is cut.
   */
  private static String prefix(Corpus corpus) {
    Tokens text = corpus.heldOut().length() > 0 ? corpus.heldOut() : corpus.training();
    StringBuilder words = new StringBuilder();
    boolean inside = false;
    int taken = 0;
    for (long i = 0; i < Math.min(text.length(), PREFIX_WITHIN) && taken < LONGEST_PREFIX; i++) {
      String character = corpus.vocabulary().symbol(text.get(i));
      boolean space = character.isBlank();
      if (space && taken > 0) {
        return words.append(' ').toString();
      }
      if (inside && !space) {
        words.append(character);
        taken++;
      }
      inside |= space;
    }
    return taken == 0 ? corpus.vocabulary().symbol(text.get(0)) : words.toString();
  }

  private void begin(LanguageModel model, Device device) {
    line("device    %s", device.name());
    line(
        "model     %s, %d layer%s of %d units%s, %s, %,d parameters%s",
        model.config().cell().name().toLowerCase(Locale.ROOT),
        model.config().layers(),
        model.config().layers() == 1 ? "" : "s",
        model.config().hiddenSize(),
        model.config().projectionSize() == model.config().hiddenSize()
            ? ""
            : " projected to " + model.config().projectionSize(),
        model.config().embeddingSize() == 0
            ? "one-hot characters"
            : "characters as vectors of " + model.config().embeddingSize(),
        model.parameters().elements(),
        model.precision() == Precision.FP32 ? "" : " in " + model.precision());
    line(
        "text      %,d characters to learn from, %,d held out, %d different",
        corpus.training().length(), corpus.heldOut().length(), corpus.vocabulary().size() - 1);
    line("guessing  a uniform guess has perplexity %d", corpus.vocabulary().size());
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
                  " loss %s  perplexity %s  |g| %s  %,.0f tokens/s",
                  number("%.3f", progress.loss()),
                  number("%.2f", progress.perplexity()),
                  number("%.2f", progress.gradientNorm()),
                  progress.tokensPerSecond()))
          .stepTo(progress.step());
    } else if (System.nanoTime() >= nextLine || progress.step() == progress.totalSteps()) {
      nextLine = System.nanoTime() + NANOS_BETWEEN_LINES;
      line(
          "epoch %d/%d  step %,d/%,d  loss %s  perplexity %s  |g| %s  %,.0f tokens/s  %s" + " left",
          progress.epoch(),
          progress.epochs(),
          progress.step(),
          progress.totalSteps(),
          number("%.3f", progress.loss()),
          number("%.2f", progress.perplexity()),
          number("%.2f", progress.gradientNorm()),
          progress.tokensPerSecond(),
          duration(progress.secondsLeft()));
      out.flush();
    }
  }

  @Override
  public void validated(Validation validation) {
    pauseBar();
    line(
        "held out  perplexity %s after %,d steps   “%s”",
        number("%.2f", validation.perplexity()),
        validation.step(),
        sample(SAMPLE_LENGTH, validation.step()));
    out.flush();
  }

  @Override
  public void checkpointed(Path folder, long step) {
    // The run's end names the folder; a line for each would only drown the rest.
  }

  /** Tells where a training goes on, and what is to be different. */
  void resumed(Checkpoint from, boolean otherText, List<String> changes) {
    line(
        "resumed   after %,d steps, from %s%s%s",
        from.step(),
        from.folder(),
        otherText ? ", on another text, from its beginning" : "",
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
    if (summary.steps() > (from == null ? 0 : from.step())) {
      line(
          "trained   %,d steps in %s, %,.0f tokens/s%s%s",
          summary.steps(),
          duration(summary.seconds()),
          summary.tokensPerSecond(),
          summary.stoppedEarly() ? ", stopped early: held-out perplexity no longer falls" : "",
          summary.skipped() > 0 ? ", " + summary.skipped() + " steps skipped: not finite" : "");
    } else if (from != null && !summary.stopped()) {
      line("nothing   was left to do after epoch %d: give more --epochs", from.epoch());
    } else {
      line("nothing   was trained yet");
    }
    line(
        "result    perplexity %s in training, %s held out, %d for a uniform guess",
        number("%.2f", summary.perplexity()),
        Double.isNaN(summary.validationPerplexity())
            ? "nothing"
            : number("%.2f", summary.validationPerplexity()),
        corpus.vocabulary().size());
    if (summary.stopped()) {
      line(
          "stopped   %s",
          kept
              ? "the same command with --resume goes on"
              : "nothing of it is kept: that needs --checkpoint DIR");
    }
    for (int sample = 1; sample <= FINAL_SAMPLES; sample++) {
      line("sample %d  “%s”", sample, sample(FINAL_SAMPLE_LENGTH, sample));
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

  /** That a training diverges is for the trainer to say, which counts the steps. */
  private String sample(int length, long seed) {
    try {
      return oneLine(generator.generate(prefix, length, TEMPERATURE, seed));
    } catch (ArithmeticException e) {
      return "";
    }
  }

  private static String oneLine(String text) {
    return Terminal.visible(text.replace('\n', ' ').strip());
  }

  /** Hundreds of digits tell nothing. */
  private static String number(String format, double value) {
    return String.format(Locale.ROOT, value > LARGEST_IN_DIGITS ? "%.2e" : format, value);
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
    generator.close();
  }
}
