package io.github.cudnn4j.cli;

import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.MetricsLog;
import io.github.cudnn4j.train.OtherDataException;
import io.github.cudnn4j.train.TensorBoard;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How long a training runs, and what it leaves. */
final class RunOptions {

  /** Checkpoints kept in the folder; the one before the newest covers for a broken disk. */
  private static final int KEPT_CHECKPOINTS = 2;

  /** Validations over a whole run at most, unless asked for. */
  private static final int VALIDATIONS = 20;

  /** A power of two; more ranks than that cannot share a batch. */
  private static final int FIXED_SHARDS = 4;

  private static final int FEWEST_BETWEEN_VALIDATIONS = 50;

  private static final int MOST_BETWEEN_LOOKS = 20;

  /** Looks over a whole run at least, of which a curve is drawn. */
  private static final int LOOKS = 20;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--held-out",
      converter = Limits.Fraction.class,
      defaultValue = "0.05",
      paramLabel = "FRACTION",
      description =
          "Share of the data that is never trained on: the end of a text, or records drawn by the"
              + " seed. Default: ${DEFAULT-VALUE}")
  private double heldOut;

  @Option(
      names = "--epochs",
      converter = Limits.PositiveCount.class,
      defaultValue = "5",
      paramLabel = "N",
      description = "Passes over the data. Default: ${DEFAULT-VALUE}")
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
          "Updates between looks at the held-out data; 0: so many that the looks cost little."
              + " Default: 0")
  private int validateEvery;

  @Option(
      names = "--deterministic",
      description =
          "Divide each batch into "
              + FIXED_SHARDS
              + " parts, so that 1, 2 and "
              + FIXED_SHARDS
              + " ranks come to the same bits.")
  private boolean deterministic;

  @Option(
      names = "--checkpoint",
      paramLabel = "DIR",
      description = "Folder for checkpoints; without one the model is not kept.")
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
      names = {"--other-text", "--other-data"},
      description = "With --resume: go on although the data are others, from their beginning.")
  private boolean otherText;

  @Option(names = "--overwrite", description = "Delete the checkpoints that DIR holds already.")
  private boolean overwrite;

  @Option(
      names = "--metrics",
      paramLabel = "FILE",
      description = "Append every logged number as a JSON line.")
  private @Nullable Path metrics;

  @Option(
      names = "--tensorboard",
      paramLabel = "DIR",
      description = "Write every logged number for TensorBoard into DIR, one for each training.")
  private @Nullable Path tensorboard;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      description = "Draw the learning curve: a file that ends in .png.")
  private @Nullable Path plot;

  @Option(
      names = "--log-every",
      converter = Limits.Count.class,
      defaultValue = "0",
      paramLabel = "STEPS",
      description =
          "Updates between looks at loss and gradient norm; 0: "
              + MOST_BETWEEN_LOOKS
              + ", or fewer where there are few. Default: 0")
  private int logEvery;

  /** Refuses what would have no effect. */
  void check(boolean hasValidationFile) {
    if (checkpoint == null && checkpointEvery != 0) {
      throw usage("--checkpoint-every needs --checkpoint DIR");
    }
    if (hasValidationFile
        && command.commandLine().getParseResult().hasMatchedOption("--held-out")) {
      throw usage("--held-out and --validation exclude each other");
    }
    if (heldOut == 0 && !hasValidationFile) {
      refuseWithoutHeldOut();
    }
  }

  void refuseWithoutHeldOut() {
    if (patience != 0 || validateEvery != 0) {
      throw usage(
          (patience != 0 ? "--patience" : "--validate-every")
              + " needs held-out data: a larger --held-out");
    }
  }

  /**
   * Returns the folder, if there is one, that a new training or the one to go on with is in.
   *
   * @param first whether this is the rank that writes there
   */
  @Nullable Checkpoints checkpoints(boolean first) throws IOException {
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
    if (first) {
      checkpoints.requireUnused(); // now: a run must not find out at its end
    }
    if (!overwrite && !resume && !checkpoints.isEmpty()) {
      throw usage(
          checkpoint + " holds checkpoints already: go on with --resume, or --overwrite them");
    }
    return checkpoints;
  }

  /** Returns the checkpoint to go on from, if one is. */
  @Nullable Checkpoint from(@Nullable Checkpoints checkpoints) throws IOException {
    if (!resume || checkpoints == null) {
      return null;
    }
    return checkpoints
        .latest()
        .orElseThrow(() -> usage("--resume: " + checkpoint + " holds no checkpoint"));
  }

  /** Makes the folders, so that what is wrong with them is found before the training. */
  void makeFolders() throws IOException {
    if (metrics != null) {
      Main.makeFolderOf("--metrics", metrics);
    }
    if (tensorboard != null) {
      Files.createDirectories(tensorboard);
    }
  }

  /** Adds to a curve what the metrics tell of the training before it goes on. */
  void addPast(LearningCurve curve) throws IOException {
    if (metrics != null) {
      curve.addPast(metrics);
    }
  }

  @Nullable MetricsLog log(@Nullable Checkpoint from) throws IOException {
    if (metrics == null) {
      return null;
    }
    return from == null ? MetricsLog.append(metrics) : MetricsLog.resume(metrics, from);
  }

  @Nullable TensorBoard board(@Nullable Checkpoint from) throws IOException {
    if (tensorboard == null) {
      return null;
    }
    return from == null
        ? TensorBoard.in(tensorboard)
        : TensorBoard.resume(tensorboard, from.step());
  }

  void resume(Trainer trainer, Checkpoint from) throws IOException {
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

  /** Returns how to train. */
  TrainerConfig config(
      OptimizerOptions rule,
      BatchSource training,
      @Nullable BatchSource validation,
      @Nullable Checkpoint from)
      throws IOException {
    long total =
        from == null
            ? epochs * training.batches()
            : from.totalSteps(epochs, training.batches(), otherText);
    int distance = validateEvery == 0 ? distance(total, validation) : validateEvery;
    return TrainerConfig.of(rule.optimizer())
        .clip(rule.clip())
        .schedule(rule.schedule(total))
        .epochs(epochs)
        .logEvery(logEvery == 0 ? Math.clamp(total / LOOKS, 1, MOST_BETWEEN_LOOKS) : logEvery)
        .validateEvery(distance)
        .checkpointEvery(checkpointEvery == 0 ? distance : checkpointEvery)
        .patience(patience)
        .shards(deterministic ? FIXED_SHARDS : 0)
        .seed(seed);
  }

  /** The steps between validations, so many that these cost little beside them. */
  private static int distance(long total, @Nullable BatchSource validation) {
    long distance = Math.max(FEWEST_BETWEEN_VALIDATIONS, Math.ceilDiv(total, VALIDATIONS));
    if (validation != null) {
      distance = Math.max(distance, 2L * validation.batches());
    }
    return Math.clamp(distance, 1, Integer.MAX_VALUE);
  }

  double heldOut() {
    return heldOut;
  }

  long seed() {
    return seed;
  }

  @Nullable Path plot() {
    return plot;
  }

  boolean isOverwriting() {
    return overwrite;
  }

  boolean isOfOtherData() {
    return otherText;
  }

  private ParameterException usage(String message) {
    return new ParameterException(command.commandLine(), message);
  }
}
