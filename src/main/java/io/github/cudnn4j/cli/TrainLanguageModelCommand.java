package io.github.cudnn4j.cli;

import picocli.CommandLine.Command;

/** Trains a character language model on a text. */
@Command(
    name = "lm",
    description = {
      "Train a character language model on a text.",
      "The last line on standard output is one JSON object with the result."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainLanguageModelCommand extends LanguageModelTraining {}
