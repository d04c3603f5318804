package io.github.cudnn4j.cli;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.model.LanguageModel;
import io.github.cudnn4j.train.Checkpoint;
import io.github.cudnn4j.train.Checkpoints;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** A trained model. */
final class CheckpointOption {

  @Option(
      names = "--checkpoint",
      required = true,
      paramLabel = "DIR",
      description = "Folder of checkpoints; the newest whole one is used.")
  private Path folder;

  @Option(
      names = "--best",
      description = "Use the checkpoint of the lowest held-out perplexity instead.")
  private boolean best;

  /** Returns the model with its trained weights; the caller closes it. */
  LanguageModel load(Device device) throws IOException {
    Checkpoints checkpoints = Checkpoints.in(folder, 1);
    Checkpoint checkpoint =
        (best ? checkpoints.best() : checkpoints.latest())
            .orElseThrow(() -> new IOException(folder + " holds no checkpoint"));
    LanguageModel model;
    try {
      model = LanguageModel.of(device, checkpoint.modelConfiguration());
    } catch (IllegalArgumentException e) {
      throw new IOException(checkpoint.folder() + ": " + e.getMessage(), e);
    }
    try (SafeTensors weights = checkpoint.weights()) {
      model.parameters().load(weights);
      return model;
    } catch (IOException | RuntimeException | Error e) {
      try (model) {
        throw e;
      }
    }
  }
}
