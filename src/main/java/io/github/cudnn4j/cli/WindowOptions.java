package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.Vocabulary.Units;
import java.util.Locale;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How a text is cut into the windows that a model reads. */
final class WindowOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--batch",
      converter = Limits.PositiveCount.class,
      defaultValue = "32",
      paramLabel = "B",
      description = "Streams of text, or records, read side by side. Default: ${DEFAULT-VALUE}")
  private int batch;

  @Option(
      names = "--steps",
      converter = Limits.PositiveCount.class,
      defaultValue = "35",
      paramLabel = "T",
      description =
          "Characters, bytes or words of each stream per window; the state is carried on to the"
              + " next. Default: ${DEFAULT-VALUE}")
  private int time;

  /**
   * Refuses windows that cannot be.
   *
   * @throws ParameterException naming the options
   */
  void check() {
    if ((long) batch * time > Integer.MAX_VALUE) {
      throw new ParameterException(
          command.commandLine(),
          String.format(
              Locale.ROOT,
              "--batch %d times --steps %d is %d characters, at most are %d",
              batch,
              time,
              (long) batch * time,
              Integer.MAX_VALUE));
    }
  }

  /**
   * Refuses windows that are longer than a text.
   *
   * @throws ParameterException naming the options
   */
  void requireIn(long tokens, Units units) {
    long needed = (long) batch * time + 1;
    if (tokens < needed) {
      throw new ParameterException(
          command.commandLine(),
          String.format(
              Locale.ROOT,
              "--batch %d times --steps %d needs %d %s to learn from, the text has %d",
              batch,
              time,
              needed,
              units.many(),
              tokens));
    }
  }

  int batch() {
    return batch;
  }

  int time() {
    return time;
  }
}
