package io.github.cudnn4j.cli;

import picocli.CommandLine.Command;

/** Trains a model of some kind; without a kind, a language model. */
@Command(
    name = "train",
    description = {
      "Train a model: one of the commands below, or without one a language model on a text.",
      "The last line on standard output is one JSON object with the result."
    },
    synopsisSubcommandLabel = "[COMMAND]",
    subcommands = {
      TrainLanguageModelCommand.class,
      TrainClassifierCommand.class,
      TrainTaggerCommand.class,
      TrainTranslatorCommand.class,
      TrainRecogniserCommand.class
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainCommand extends LanguageModelTraining {}
