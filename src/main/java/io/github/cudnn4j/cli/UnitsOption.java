package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.Vocabulary.Units;
import picocli.CommandLine.Option;

/** What a text is split into. */
final class UnitsOption {

  @Option(
      names = "--units",
      converter = UnitsName.class,
      defaultValue = "words",
      paramLabel = "words|characters|bytes",
      description = "What a model reads. Default: ${DEFAULT-VALUE}")
  private Units units;

  static final class UnitsName extends Limits.Choice<Units> {
    UnitsName() {
      super(Units.class);
    }
  }

  Units value() {
    return units;
  }
}
