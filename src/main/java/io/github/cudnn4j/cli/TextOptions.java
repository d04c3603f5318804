package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.Text;
import io.github.cudnn4j.model.TextFile;
import io.github.cudnn4j.model.Vocabulary.Units;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which text, and how it is prepared. */
final class TextOptions {

  @Option(names = "--text", required = true, paramLabel = "FILE", description = "The text.")
  private Path file;

  @Option(
      names = "--encoding",
      defaultValue = "UTF-8",
      paramLabel = "NAME",
      description =
          "How the text is encoded, such as GBK or UTF-16; bytes are read as they are. Default:"
              + " ${DEFAULT-VALUE}")
  private String encoding;

  @Option(
      names = "--letters-only",
      description = "Keep lower-case letters and single spaces, as d2l prepares its text.")
  private boolean lettersOnly;

  /** Opens the text; what is read by its bytes has no encoding. */
  Text open(Units units) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IllegalArgumentException("--text: " + file + " is a folder");
    }
    Charset charset = charset();
    Text text = TextFile.of(file, units == Units.BYTES ? StandardCharsets.ISO_8859_1 : charset);
    return lettersOnly ? text.lettersOnly() : text;
  }

  private Charset charset() {
    try {
      return Charset.forName(encoding);
    } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
      throw new IllegalArgumentException(
          "--encoding: this Java knows no encoding '" + encoding + "'", e);
    }
  }
}
