package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.model.Corpus;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.LanguageModelConfig;
import io.github.cudnn4j.model.Text;
import io.github.cudnn4j.model.Vocabulary;
import io.github.cudnn4j.model.Vocabulary.Units;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.MetricsLog;
import io.github.cudnn4j.train.OtherDataException;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import io.github.cudnn4j.train.TrainingSummary;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Trains a character language model on a text. */
@Command(
    name = "train",
    description = {
      "Train a character language model on a text.",
      "The last line on standard output is one JSON object with the result."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainCommand implements Callable<Integer> {

  /** Checkpoints kept in the folder; the one before the newest covers for a broken disk. */
  private static final int KEPT_CHECKPOINTS = 2;

  /** Validations over a whole run at most, unless asked for. */
  private static final int VALIDATIONS = 20;

  private static final int FEWEST_BETWEEN_VALIDATIONS = 50;

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private ModelOptions shape = new ModelOptions();
  @Mixin private WindowOptions window = new WindowOptions();
  @Mixin private OptimizerOptions rule = new OptimizerOptions();
  @Mixin private DeviceOption device = new DeviceOption();

  @Option(
      names = "--tokens",
      converter = Limits.LongCount.class,
      defaultValue = "0",
      paramLabel = "N",
      description = "Train on the first N characters only. Default: all")
  private long tokens;

  @Option(
      names = "--held-out",
      converter = Limits.Fraction.class,
      defaultValue = "0.05",
      paramLabel = "FRACTION",
      description =
          "Share of the text, its end, that is never trained on. Default: ${DEFAULT-VALUE}")
  private double heldOut;

  @Option(
      names = "--epochs",
      converter = Limits.PositiveCount.class,
      defaultValue = "5",
      paramLabel = "N",
      description = "Passes over the text. Default: ${DEFAULT-VALUE}")
  private int epochs;

  @Option(
      names = "--patience",
      converter = Limits.Count.class,
      defaultValue = "0",
      paramLabel = "N",
      description = "Stop after N validations without a better one; 0: never. Default: 0")
  private int patience;

  @Option(
      names = "--seed",
      defaultValue = "1",
      paramLabel = "S",
      description =
          "Of weights, dropout and batches; same seed, same device, same bits. Default: 1")
  private long seed;

  @Option(
      names = "--validate-every",
      converter = Limits.Count.class,
      defaultValue = "0",
      paramLabel = "STEPS",
      description =
          "Updates between looks at the held-out text; 0: as many that these cost little. Default:"
              + " 0")
  private int validateEvery;

  @Option(names = "--checkpoint", paramLabel = "DIR", description = "Folder for checkpoints.")
  private @Nullable Path checkpoint;

  @Option(
      names = "--checkpoint-every",
      converter = Limits.Count.class,
      defaultValue = "0",
      paramLabel = "STEPS",
      description = "Updates between checkpoints; 0: one at each validation. Default: 0")
  private int checkpointEvery;

  @Option(
      names = "--resume",
      description =
          "Go on from the newest checkpoint in DIR, bit for bit as without a stop; options that are"
              + " not given are as they were.")
  private boolean resume;

  @Option(
      names = "--other-text",
      description = "With --resume: go on although the text is another, from its beginning.")
  private boolean otherText;

  @Option(names = "--overwrite", description = "Delete the checkpoints that DIR holds already.")
  private boolean overwrite;

  @Option(
      names = "--metrics",
      paramLabel = "FILE",
      description = "Append every logged number as a JSON line.")
  private @Nullable Path metrics;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      description = "Draw the learning curve: a file that ends in .png.")
  private @Nullable Path plot;

  @Option(
      names = "--log-every",
      converter = Limits.PositiveCount.class,
      defaultValue = "20",
      paramLabel = "STEPS",
      description = "Updates between looks at loss and gradient norm. Default: ${DEFAULT-VALUE}")
  private int logEvery;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Checkpoints checkpoints = checkpoints();
    Checkpoint from = null;
    List<String> changes = List.of();
    if (resume) {
      from =
          checkpoints
              .latest()
              .orElseThrow(() -> usage("--resume: " + checkpoint + " holds no checkpoint"));
      changes = KeptOptions.restore(spec, from, otherText);
    }
    LanguageModelConfig config = shape.config(seed);
    rule.check();
    window.check();
    check();
    LearningCurve curve = plot == null ? null : LearningCurve.into(plot);
    if (metrics != null) {
      Main.makeFolderOf("--metrics", metrics);
    }
    Corpus corpus = corpus(from);
    window.requireIn(corpus.training().length());
    TextWindows training =
        TextWindows.training(corpus.training(), window.batch(), window.time(), false);
    TextWindows validation =
        corpus.heldOut().length() > 1
            ? TextWindows.evaluation(corpus.heldOut(), window.batch(), window.time())
            : null;
    if (validation == null) {
      refuseWithoutHeldOut();
    }
    try (Device opened = Device.open(device.choice());
        LanguageModel model = model(opened, corpus, config, from);
        TrainingConsole console =
            TrainingConsole.of(spec.commandLine().getOut(), model, opened, corpus);
        Trainer trainer =
            Trainer.of(
                model.parameters(), model, training, trainerConfig(training, validation, from))) {
      trainer.listener(console);
      if (curve != null) {
        trainer.listener(curve);
      }
      if (validation != null) {
        trainer.validation(validation);
      }
      if (checkpoints != null) {
        trainer.checkpoints(checkpoints.notes(KeptOptions.notes(spec)));
      }
      if (from != null) {
        resume(trainer, from);
        console.resumed(from, otherText, changes);
      }
      if (checkpoints != null && overwrite) {
        // Not before everything else is known to be in order.
        checkpoints.clear();
      }
      TrainingSummary summary;
      int status;
      try (MetricsLog log = log(from);
          StopSignals signals = StopSignals.handle(trainer::stop, spec.commandLine().getErr())) {
        if (log != null) {
          trainer.listener(log);
        }
        summary = trainer.run();
        status = signals.status();
        console.finished(summary, from, checkpoints != null);
      } finally {
        // Also of a training that ends early: what it has shown and written until then stays.
        leave(console, curve, corpus, checkpoints);
      }
      spec.commandLine().getOut().println(Json.write(result(summary, opened, corpus)));
      return status;
    }
  }

  /** Refuses what would have no effect. */
  private void check() {
    if (checkpoint == null && checkpointEvery != 0) {
      throw usage("--checkpoint-every needs --checkpoint DIR");
    }
    if (heldOut == 0) {
      refuseWithoutHeldOut();
    }
  }

  private void refuseWithoutHeldOut() {
    if (patience != 0 || validateEvery != 0) {
      throw usage(
          (patience != 0 ? "--patience" : "--validate-every")
              + " needs held-out text: a larger --held-out");
    }
  }

  private @Nullable MetricsLog log(@Nullable Checkpoint from) throws IOException {
    if (metrics == null) {
      return null;
    }
    return from == null ? MetricsLog.append(metrics) : MetricsLog.resume(metrics, from.step());
  }

  private void resume(Trainer trainer, Checkpoint from) throws IOException {
    if (otherText) {
      trainer.resumeWithOtherData(from);
      return;
    }
    try {
      trainer.resume(from);
    } catch (OtherDataException e) {
      throw usage("--resume: " + e.getMessage() + "; --other-text goes on all the same");
    }
  }

  /** Draws the learning curve and tells where everything is. */
  private void leave(
      TrainingConsole console,
      @Nullable LearningCurve curve,
      Corpus corpus,
      @Nullable Checkpoints checkpoints) {
    if (curve != null) {
      try {
        curve.draw(corpus.vocabulary().size());
        console.wrote("learning curve", plot);
      } catch (IOException e) {
        console.failed("learning curve", e);
      }
    }
    if (checkpoints != null) {
      try {
        checkpoints.latest().ifPresent(latest -> console.wrote("checkpoint", latest.folder()));
      } catch (IOException e) {
        console.failed("checkpoint", e);
      }
    }
  }

  private TrainerConfig trainerConfig(
      TextWindows training, @Nullable TextWindows validation, @Nullable Checkpoint from)
      throws IOException {
    long total =
        from == null
            ? (long) epochs * training.windows()
            : from.totalSteps(epochs, training.windows(), otherText);
    int distance = validateEvery == 0 ? distance(total, validation) : validateEvery;
    return TrainerConfig.of(rule.optimizer())
        .clip(rule.clip())
        .schedule(rule.schedule(total))
        .epochs(epochs)
        .logEvery(logEvery)
        .validateEvery(distance)
        .checkpointEvery(checkpointEvery == 0 ? distance : checkpointEvery)
        .patience(patience)
        .seed(seed);
  }

  /** The steps between validations, so many that these cost little beside them. */
  private static int distance(long total, @Nullable TextWindows validation) {
    long distance = Math.max(FEWEST_BETWEEN_VALIDATIONS, Math.ceilDiv(total, VALIDATIONS));
    if (validation != null) {
      distance = Math.max(distance, 2L * validation.windows());
    }
    return Math.clamp(distance, 1, Integer.MAX_VALUE);
  }

  private @Nullable Checkpoints checkpoints() throws IOException {
    if (otherText && !resume) {
      throw usage("--other-text needs --resume");
    }
    if (checkpoint == null) {
      if (resume || overwrite) {
        throw usage((resume ? "--resume" : "--overwrite") + " needs --checkpoint DIR");
      }
      return null;
    }
    if (resume && overwrite) {
      throw usage("--resume and --overwrite exclude each other");
    }
    Checkpoints checkpoints = Checkpoints.in(checkpoint, KEPT_CHECKPOINTS);
    checkpoints.requireUnused(); // now: a run must not find out at its end
    if (!overwrite && !resume && !checkpoints.isEmpty()) {
      throw usage(
          checkpoint + " holds checkpoints already: go on with --resume, or --overwrite them");
    }
    return checkpoints;
  }

  /** The text by the characters of a checkpoint's model, or by its own. */
  private Corpus corpus(@Nullable Checkpoint from) throws IOException {
    Text content = text.open(Units.CHARACTERS);
    if (from == null) {
      return Corpus.of(content, tokens, heldOut);
    }
    Vocabulary known = LanguageModel.vocabulary(from.modelConfiguration());
    Set<String> unknown = new TreeSet<>();
    Corpus corpus = Corpus.of(content, known, tokens, heldOut);
    long[] left = {corpus.training().length()};
    content.read(
        character -> {
          if (known.id(character) == 0) {
            unknown.add(Character.toString(character));
          }
          return --left[0] > 0;
        });
    if (!unknown.isEmpty()) {
      throw usage(
          "--resume: the model does not know "
              + unknown.size()
              + " of the text's characters: "
              + Terminal.named(unknown));
    }
    return corpus;
  }

  /** A new model, or that of a checkpoint. */
  private static LanguageModel model(
      Device opened, Corpus corpus, LanguageModelConfig config, @Nullable Checkpoint from) {
    return from == null
        ? LanguageModel.create(opened, corpus.vocabulary(), config)
        : LanguageModel.of(opened, from.modelConfiguration());
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private Map<String, Object> result(TrainingSummary summary, Device opened, Corpus corpus) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("perplexity", summary.perplexity());
    result.put("heldOutPerplexity", summary.validationPerplexity());
    result.put("bestHeldOutPerplexity", Math.exp(summary.best()));
    result.put("uniformPerplexity", corpus.vocabulary().size());
    result.put("tokensPerSecond", summary.tokensPerSecond());
    result.put("steps", summary.steps());
    result.put("epochs", summary.epochs());
    result.put("seconds", summary.seconds());
    result.put("skippedSteps", summary.skipped());
    result.put("device", opened.name());
    return result;
  }
}
