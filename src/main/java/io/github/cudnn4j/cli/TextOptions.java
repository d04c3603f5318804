package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.Corpus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** Which text, and how it is prepared. */
final class TextOptions {

  @Option(names = "--text", required = true, paramLabel = "FILE", description = "The text, UTF-8.")
  private Path file;

  @Option(
      names = "--letters-only",
      description = "Keep lower-case letters and single spaces, as d2l prepares its text.")
  private boolean lettersOnly;

  Path file() {
    return file;
  }

  String read() throws IOException {
    if (Files.isDirectory(file)) {
      throw new IllegalArgumentException("--text: " + file + " is a folder");
    }
    String text = Files.readString(file);
    return lettersOnly ? Corpus.lettersOnly(text) : text;
  }
}
