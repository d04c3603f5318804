package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.TextFile;
import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.UnsupportedCharsetException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How texts are encoded. */
final class EncodingOption {

  @Option(
      names = "--encoding",
      defaultValue = "UTF-8",
      paramLabel = "NAME",
      description =
          "How the text is encoded, such as GBK or UTF-16; bytes are read as they are. Default:"
              + " ${DEFAULT-VALUE}")
  private String encoding;

  /** Opens the file that an option names. */
  static TextFile open(String option, Path file, Charset charset) throws IOException {
    if (Files.isDirectory(file)) {
      throw new IllegalArgumentException(option + ": " + file + " is a folder");
    }
    return TextFile.of(file, charset);
  }

  Charset charset() {
    try {
      return Charset.forName(encoding);
    } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
      throw new IllegalArgumentException(
          "--encoding: this Java knows no encoding '" + encoding + "'", e);
    }
  }
}
