package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.model.CharLanguageModel;
import io.github.cudnn4j.model.CharModelConfig;
import io.github.cudnn4j.model.Corpus;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.Metrics;
import io.github.cudnn4j.train.SequentialBatches;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import io.github.cudnn4j.train.TrainingSummary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
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

  /** Validations over a whole run, so that short epochs are not outweighed by them. */
  private static final int VALIDATIONS = 20;

  @Mixin private TextOptions text = new TextOptions();
  @Mixin private ModelOptions shape = new ModelOptions();
  @Mixin private WindowOptions window = new WindowOptions();
  @Mixin private OptimizerOptions rule = new OptimizerOptions();
  @Mixin private DeviceOption device = new DeviceOption();

  @Option(
      names = "--tokens",
      defaultValue = "0",
      paramLabel = "N",
      description = "Train on the first N characters only. Default: all")
  private long tokens;

  @Option(
      names = "--held-out",
      defaultValue = "0.05",
      paramLabel = "FRACTION",
      description =
          "Share of the text, its end, that is never trained on. Default: ${DEFAULT-VALUE}")
  private double heldOut;

  @Option(
      names = "--epochs",
      defaultValue = "5",
      paramLabel = "N",
      description = "Passes over the text. Default: ${DEFAULT-VALUE}")
  private int epochs;

  @Option(
      names = "--patience",
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

  @Option(names = "--checkpoint", paramLabel = "DIR", description = "Folder for checkpoints.")
  private @Nullable Path checkpoint;

  @Option(
      names = "--checkpoint-every",
      defaultValue = "0",
      paramLabel = "STEPS",
      description = "Updates between checkpoints; 0: one at each validation. Default: 0")
  private int checkpointEvery;

  @Option(
      names = "--resume",
      description = "Go on from the newest checkpoint in DIR, bit for bit as without a stop.")
  private boolean resume;

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
      defaultValue = "20",
      paramLabel = "STEPS",
      description = "Updates between looks at loss and gradient norm. Default: ${DEFAULT-VALUE}")
  private int logEvery;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    CharModelConfig config = shape.config(seed);
    LearningCurve curve = plot == null ? null : LearningCurve.into(plot);
    if (metrics != null) {
      Main.makeFolderOf("--metrics", metrics);
    }
    Corpus corpus = Corpus.of(text.open(), tokens, heldOut);
    SequentialBatches training =
        SequentialBatches.training(corpus.training(), window.batch(), window.time(), false);
    Checkpoints checkpoints = checkpoints();
    try (Device opened = Device.open(device.choice());
        CharLanguageModel model = model(opened, corpus, config, checkpoints);
        TrainingConsole console =
            TrainingConsole.of(spec.commandLine().getOut(), model, opened, corpus);
        Metrics log = metrics == null ? null : Metrics.append(metrics);
        Trainer trainer = Trainer.create(model, training, trainerConfig(training))) {
      trainer.listener(console);
      if (curve != null) {
        trainer.listener(curve);
      }
      if (log != null) {
        trainer.listener(log);
      }
      if (corpus.heldOut().length() > 1) {
        trainer.validation(
            SequentialBatches.evaluation(corpus.heldOut(), window.batch(), window.time()));
      }
      if (checkpoints != null) {
        trainer.checkpoints(checkpoints);
        if (resume) {
          trainer.resume(newest(checkpoints));
        }
      }
      if (checkpoints != null && overwrite) {
        // Not before everything else is known to be in order.
        checkpoints.clear();
      }
      TrainingSummary summary;
      try {
        summary = trainer.run();
        console.finished(summary);
      } finally {
        // Also of a training that ends early: what it has shown and written until then stays.
        leave(console, curve, corpus, checkpoints);
      }
      spec.commandLine().getOut().println(Json.write(result(summary, opened, corpus)));
    }
    return 0;
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

  private TrainerConfig trainerConfig(SequentialBatches training) {
    long total = (long) epochs * training.windows();
    int validateEvery = Math.toIntExact(Math.max(1, Math.ceilDiv(total, VALIDATIONS)));
    return TrainerConfig.of(rule.optimizer())
        .clip(rule.clip())
        .schedule(rule.schedule(total))
        .epochs(epochs)
        .logEvery(logEvery)
        .validateEvery(validateEvery)
        .checkpointEvery(checkpointEvery == 0 ? validateEvery : checkpointEvery)
        .patience(patience)
        .seed(seed);
  }

  private @Nullable Checkpoints checkpoints() throws IOException {
    if (checkpoint == null) {
      if (resume || overwrite) {
        throw usage((resume ? "--resume" : "--overwrite") + " needs --checkpoint DIR");
      }
      return null;
    }
    if (resume && overwrite) {
      throw usage("--resume and --overwrite exclude each other");
    }
    Files.createDirectories(checkpoint); // now: a run must not find out at its end
    Checkpoints checkpoints = Checkpoints.in(checkpoint, KEPT_CHECKPOINTS);
    checkpoints.requireUnused();
    if (!overwrite && !resume && !checkpoints.isEmpty()) {
      throw usage(
          checkpoint + " holds checkpoints already: go on with --resume, or --overwrite them");
    }
    return checkpoints;
  }

  private Checkpoint newest(Checkpoints checkpoints) throws IOException {
    return checkpoints
        .latest()
        .orElseThrow(() -> usage("--resume: " + checkpoint + " holds no checkpoint"));
  }

  /**
   * A new model, or one of the checkpoint's shape, which must be the one that the options ask for.
   */
  private CharLanguageModel model(
      Device opened, Corpus corpus, CharModelConfig config, @Nullable Checkpoints checkpoints)
      throws IOException {
    if (!resume) {
      return CharLanguageModel.create(opened, corpus.vocabulary(), config);
    }
    CharLanguageModel model =
        CharLanguageModel.of(opened, newest(checkpoints).modelConfiguration());
    boolean sameText = model.vocabulary().characters().equals(corpus.vocabulary().characters());
    if (model.config().equals(config) && sameText) {
      return model;
    }
    model.close();
    throw usage(
        sameText
            ? "--resume: the checkpoint holds " + model.config() + ", the options ask for " + config
            : "--resume: the checkpoint was trained on a text with other characters");
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private Map<String, Object> result(TrainingSummary summary, Device opened, Corpus corpus) {
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("perplexity", summary.perplexity());
    result.put("heldOutPerplexity", summary.validationPerplexity());
    result.put("bestHeldOutPerplexity", summary.bestValidationPerplexity());
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
