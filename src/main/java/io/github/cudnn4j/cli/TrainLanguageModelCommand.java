package io.github.cudnn4j.cli;

import picocli.CommandLine.Command;

/** Trains a language model on a text. */
@Command(
    name = "lm",
    description = {
      "Train a language model on a text, of characters, bytes or words.",
      "The last line on standard output is one JSON object with the result."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class TrainLanguageModelCommand extends LanguageModelTraining {}
