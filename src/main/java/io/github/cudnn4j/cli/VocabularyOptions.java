package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.Vocabulary;
import java.util.Locale;
import picocli.CommandLine.Option;

/** How much of the texts of records a model reads. */
final class VocabularyOptions {

  @Option(
      names = "--max-length",
      converter = Limits.PositiveCount.class,
      defaultValue = "200",
      paramLabel = "T",
      description =
          "Words, characters or bytes of a record that are trained on, the first ones; a translator"
              + " leaves out pairs with a longer text. Default: ${DEFAULT-VALUE}")
  private int maxLength;

  @Option(
      names = "--vocabulary",
      converter = Limits.PositiveCount.class,
      defaultValue = "20000",
      paramLabel = "V",
      description =
          "How many of these a model knows, the most frequent ones. Default: ${DEFAULT-VALUE}")
  private int vocabulary;

  int maxLength() {
    return maxLength;
  }

  int size() {
    return vocabulary;
  }

  /** Returns what a model reads in a few words. */
  static String describe(Vocabulary known) {
    return String.format(
        Locale.ROOT, "%,d %s known", known.symbols().size(), Limits.typed(known.units()));
  }
}
