package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.Text;
import io.github.cudnn4j.model.Vocabulary.Units;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which text, and how it is prepared. */
final class TextOptions {

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  // Not required: a command that has commands of its own may be without it.
  @Option(names = "--text", paramLabel = "FILE", description = "The text of a language model.")
  private @Nullable Path file;

  @Option(
      names = "--letters-only",
      description = "Keep lower-case letters and single spaces, as d2l prepares its text.")
  private boolean lettersOnly;

  /**
   * Returns the file.
   *
   * @throws ParameterException if there is none
   */
  Path require() {
    if (file == null) {
      throw new ParameterException(command.commandLine(), "Missing required option: '--text=FILE'");
    }
    return file;
  }

  /** Tells whether there is a text. */
  boolean isGiven() {
    return file != null;
  }

  /** Opens the text; what is read by its bytes has no encoding. */
  Text open(EncodingOption encoding, Units units) throws IOException {
    return open("--text", require(), encoding, units);
  }

  /** Opens another text that an option names, prepared as the text. */
  Text open(String option, Path other, EncodingOption encoding, Units units) throws IOException {
    Charset charset = encoding.charset();
    Text text =
        EncodingOption.open(
            option, other, units == Units.BYTES ? StandardCharsets.ISO_8859_1 : charset);
    return lettersOnly ? text.lettersOnly() : text;
  }
}
