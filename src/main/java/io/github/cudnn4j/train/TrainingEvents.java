package io.github.cudnn4j.train;

import java.nio.file.Path;
import jdk.jfr.Category;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/**
 * A training's progress as events of JDK Flight Recorder, beside those of the virtual machine:
 * {@code io.github.cudnn4j.Progress}, {@code io.github.cudnn4j.Validation} and {@code
 * io.github.cudnn4j.Checkpoint}. Which native libraries are loaded, the JDK's own {@code
 * jdk.NativeLibraryLoad} tells.
 */
final class TrainingEvents implements TrainingListener {

  /** A runtime image need not have the module. */
  static boolean areAvailable() {
    return ModuleLayer.boot().findModule("jdk.jfr").isPresent();
  }

  @Override
  public void logged(Progress progress) {
    var event = new ProgressEvent();
    if (event.shouldCommit()) {
      event.step = progress.step();
      event.epoch = progress.epoch();
      event.loss = progress.loss();
      event.gradientNorm = progress.gradientNorm();
      event.learningRate = progress.learningRate();
      event.tokensPerSecond = progress.tokensPerSecond();
      event.skipped = progress.skipped();
      event.commit();
    }
  }

  @Override
  public void validated(Validation validation) {
    var event = new ValidationEvent();
    if (event.shouldCommit()) {
      event.step = validation.step();
      event.loss = validation.loss();
      event.metrics = validation.metrics().toString();
      event.best = validation.best();
      event.commit();
    }
  }

  @Override
  public void checkpointed(Path checkpoint, long step) {
    var event = new CheckpointEvent();
    if (event.shouldCommit()) {
      event.step = step;
      event.folder = checkpoint.toString();
      event.commit();
    }
  }

  @Name("io.github.cudnn4j.Progress")
  @Label("Training Progress")
  @Category("cudnn4j")
  @StackTrace(false)
  private static final class ProgressEvent extends Event {
    @Label("Step")
    private long step;

    @Label("Epoch")
    private int epoch;

    @Label("Loss")
    private double loss;

    @Label("Gradient Norm")
    private double gradientNorm;

    @Label("Learning Rate")
    private double learningRate;

    @Label("Tokens per Second")
    private double tokensPerSecond;

    @Label("Skipped Steps")
    private long skipped;
  }

  @Name("io.github.cudnn4j.Validation")
  @Label("Validation")
  @Category("cudnn4j")
  @StackTrace(false)
  private static final class ValidationEvent extends Event {
    @Label("Step")
    private long step;

    @Label("Loss")
    private double loss;

    @Label("Metrics")
    private String metrics = "";

    @Label("Best so Far")
    private boolean best;
  }

  @Name("io.github.cudnn4j.Checkpoint")
  @Label("Checkpoint")
  @Category("cudnn4j")
  @StackTrace(false)
  private static final class CheckpointEvent extends Event {
    @Label("Step")
    private long step;

    @Label("Folder")
    private String folder = "";
  }
}
