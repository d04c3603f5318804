package io.github.cudnn4j.train;

import java.io.IOException;
import java.nio.file.Path;

/** Hears of a training's progress, on the thread that trains. An exception ends the training. */
public interface TrainingListener {

  /** Called at each log point. */
  default void logged(Progress progress) throws IOException {}

  /** Called after each validation. */
  default void validated(Validation validation) throws IOException {}

  /** Called after each checkpoint with the folder that holds it. */
  default void checkpointed(Path checkpoint, long step) throws IOException {}
}
