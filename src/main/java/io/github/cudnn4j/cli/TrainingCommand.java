package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.data.BatchSource;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.tape.ParameterHash;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import io.github.cudnn4j.train.Metric;
import io.github.cudnn4j.train.MetricsLog;
import io.github.cudnn4j.train.RankGroup;
import io.github.cudnn4j.train.Ranks;
import io.github.cudnn4j.train.TensorBoard;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import io.github.cudnn4j.train.TrainingSummary;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Trains a model: what all kinds of models have in common.
 *
 * @param <M> the kind of model
 */
abstract class TrainingCommand<M extends Model> implements Callable<Integer> {

  @Mixin private OptimizerOptions rule = new OptimizerOptions();
  @Mixin private RunOptions run = new RunOptions();
  @Mixin private DeviceOption device = new DeviceOption();
  @Spec private CommandSpec spec;

  /** Returns what {@link Model#kind} tells of such a model. */
  abstract String kind();

  /** Refuses options that cannot be, before any data are read. */
  abstract void check();

  /**
   * Reads the data.
   *
   * @param from whose model goes on, with what it knows; null for a new one
   */
  abstract TrainingTask<M> task(@Nullable Checkpoint from) throws IOException;

  /** Tells whether data to validate on are in a file of their own. */
  boolean hasValidationFile() {
    return false;
  }

  RunOptions run() {
    return run;
  }

  @Override
  public final Integer call() throws IOException {
    refuseOptionsOfParent();
    Ranks ranks = Ranks.ofEnvironment();
    Checkpoints checkpoints = run.checkpoints(ranks.rank() == 0);
    Checkpoint from = run.from(checkpoints);
    List<String> changes =
        from == null ? List.of() : KeptOptions.restore(spec, from, kind(), run.isOfOtherData());
    check();
    rule.check();
    run.check(hasValidationFile());
    LearningCurve curve =
        run.plot() == null || ranks.rank() > 0 ? null : LearningCurve.into(run.plot());
    run.makeFolders();
    if (ranks.size() > 1 && ranks.rank() == 0) {
      spec.commandLine().getOut().println("ranks     waiting for others: this is " + ranks);
    }
    try (Device opened = ranks.openDevice(device.choice());
        RankGroup group = RankGroup.join(opened, ranks)) {
      try {
        // With the others there, they hear of it if this fails or takes no end.
        return train(opened, group, task(from), curve, checkpoints, from, changes);
      } catch (IOException | RuntimeException | Error e) {
        group.abort(e);
        throw e;
      }
    }
  }

  private int train(
      Device opened,
      RankGroup group,
      TrainingTask<M> task,
      @Nullable LearningCurve curve,
      @Nullable Checkpoints checkpoints,
      @Nullable Checkpoint from,
      List<String> changes)
      throws IOException {
    boolean first = group.isFirst();
    try (M model = task.model(opened)) {
      BatchSource training = task.training(model);
      BatchSource heldOut = task.heldOut(model);
      if (heldOut == null) {
        run.refuseWithoutHeldOut();
      }
      TrainerConfig config = run.config(rule, training, heldOut, from);
      try (TrainingConsole console = TrainingConsole.of(out(first), opened, task, model);
          Trainer trainer = Trainer.of(model.parameters(), model, training, config, group)) {
        if (first) {
          trainer.listener(console);
        }
        if (curve != null) {
          trainer.listener(curve.of(task.score()));
        }
        if (heldOut != null) {
          trainer.validation(heldOut, model.metrics().toArray(Metric[]::new));
        }
        if (checkpoints != null) {
          trainer.checkpoints(checkpoints.notes(KeptOptions.notes(spec)));
        }
        if (from != null) {
          run.resume(trainer, from);
          console.resumed(from, run.isOfOtherData(), changes);
        }
        if (checkpoints != null && run.isOverwriting() && first) {
          // Not before everything else is known to be in order.
          checkpoints.clear();
        }
        TrainingSummary summary;
        int status;
        try (MetricsLog log = first ? run.log(from) : null;
            TensorBoard board = first ? run.board(from) : null;
            StopSignals signals =
                StopSignals.handle(
                    trainer::stop,
                    group.size() > 1 ? "at the next log point" : "after this step",
                    spec.commandLine().getErr())) {
          if (curve != null && from != null) {
            run.addPast(curve);
          }
          if (log != null) {
            trainer.listener(model.hasPerplexity() ? log.withPerplexity() : log);
          }
          if (board != null) {
            trainer.listener(board);
          }
          summary = trainer.run();
          // All have the status of the one that was told to stop.
          status = (int) group.max(signals.status());
          console.finished(summary, from, checkpoints != null);
        } finally {
          // Also of a training that ends early: what it has shown and written until then stays.
          leave(console, curve, first ? checkpoints : null);
        }
        Map<String, Object> result = result(summary, task.score(), opened);
        result.put("stepsBefore", from == null ? 0 : from.step());
        result.put("ranks", group.size());
        result.put("weightsSha256", ParameterHash.sha256(model.parameters()));
        out(first).println(Json.write(result));
        return status;
      }
    }
  }

  /** Returns where to print; a rank other than the first tells nothing but what is wrong. */
  private PrintWriter out(boolean first) {
    return first ? spec.commandLine().getOut() : new PrintWriter(Writer.nullWriter());
  }

  /** Options of {@code train} itself would be without effect. */
  private void refuseOptionsOfParent() {
    var typed = spec.commandLine().getParent().getParseResult().matchedOptions();
    if (!typed.isEmpty()) {
      throw usage(typed.getFirst().longestName() + " belongs behind " + spec.name());
    }
  }

  /** Draws the learning curve and tells where everything is. */
  private void leave(
      TrainingConsole console, @Nullable LearningCurve curve, @Nullable Checkpoints checkpoints) {
    if (curve != null) {
      try {
        curve.draw();
        console.wrote("learning curve", run.plot());
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

  ParameterException usage(String message) {
    return new ParameterException(spec.commandLine(), message);
  }

  private static Map<String, Object> result(TrainingSummary summary, Score score, Device opened) {
    Map<String, Object> result = score.result(summary);
    result.put("tokensPerSecond", summary.tokensPerSecond());
    result.put("steps", summary.steps());
    result.put("epochs", summary.epochs());
    result.put("seconds", summary.seconds());
    result.put("skippedSteps", summary.skipped());
    result.put("device", opened.name());
    return result;
  }
}
