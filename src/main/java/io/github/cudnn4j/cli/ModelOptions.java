package io.github.cudnn4j.cli;

import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.model.CharModelConfig;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The shape of the model. */
final class ModelOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--cell",
      defaultValue = "lstm",
      paramLabel = "lstm|gru|tanh|relu",
      description = "The recurrent cell. Default: ${DEFAULT-VALUE}")
  private RnnMode cell;

  @Option(
      names = "--hidden",
      defaultValue = "256",
      paramLabel = "H",
      description = "Units in each layer. Default: ${DEFAULT-VALUE}")
  private int hidden;

  @Option(
      names = "--layers",
      defaultValue = "1",
      paramLabel = "L",
      description = "Recurrent layers. Default: ${DEFAULT-VALUE}")
  private int layers;

  @Option(names = "--bidirectional", description = "Refused for a language model, with the reason.")
  private boolean bidirectional;

  @ArgGroup private Input input = new Input();

  /** Characters as learned vectors, or one-hot. */
  static final class Input {

    private static final int DEFAULT_EMBEDDING = 64;

    @Option(
        names = "--embedding",
        paramLabel = "E",
        description = "Width of each character's learned vector. Default: " + DEFAULT_EMBEDDING)
    private int embedding = DEFAULT_EMBEDDING;

    @Option(names = "--one-hot", description = "Feed characters one-hot, without learned vectors.")
    private boolean oneHot;
  }

  @Option(
      names = "--dropout",
      defaultValue = "0",
      paramLabel = "P",
      description =
          "Probability of dropping an element between layers and before the output. Default:"
              + " ${DEFAULT-VALUE}")
  private double dropout;

  CharModelConfig config(long seed) {
    if (bidirectional) {
      throw new ParameterException(
          command.commandLine(),
          "--bidirectional: a language model predicts the next character from those before it; a"
              + " backward direction would have read the very character it is to predict");
    }
    if (!input.oneHot && input.embedding < 1) {
      throw new ParameterException(
          command.commandLine(),
          "--embedding is " + input.embedding + ", must be at least 1 (or use --one-hot)");
    }
    return new CharModelConfig(
        cell, hidden, layers, input.oneHot ? 0 : input.embedding, dropout, seed);
  }
}
