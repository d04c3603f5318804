package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.model.Model;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import picocli.CommandLine.Option;

/** A trained model. */
final class CheckpointOption {

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "DIR",
      description = "Folder of checkpoints; the newest whole one is used.")
  private Path folder;

  @Option(names = "--best", description = "Use the checkpoint of the best validation instead.")
  private boolean best;

  /**
   * Returns the language model with its trained weights; the caller closes it.
   *
   * @throws IOException also if it is another model
   */
  LanguageModel loadLanguageModel(Device device) throws IOException {
    Model model = load(device);
    if (model instanceof LanguageModel languageModel) {
      return languageModel;
    }
    try (model) {
      throw new IOException(
          String.format(
              Locale.ROOT,
              "%s holds a %s, which writes no text; apply gives what it says of lines",
              folder,
              Model.kind(model.configuration())));
    }
  }

  /** Returns the model with its trained weights, which stay as they are; the caller closes it. */
  Model load(Device device) throws IOException {
    Checkpoints checkpoints = Checkpoints.in(folder, 1);
    Checkpoint checkpoint =
        (best ? checkpoints.best() : checkpoints.latest())
            .orElseThrow(
                () ->
                    new IOException(
                        Files.exists(folder)
                            ? folder + " holds no checkpoint, which is a folder step-NUMBER"
                            : "no such folder: " + folder));
    Model model = Model.of(device, checkpoint);
    model.parameters().setReadOnly();
    return model;
  }
}
