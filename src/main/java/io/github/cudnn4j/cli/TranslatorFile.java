package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.Translator.Pair;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Reads files of texts with their translations. */
final class TranslatorFile {

  private static final String EXPECTED = "a text, a TAB and its translation";

  private TranslatorFile() {}

  /**
   * Reads a file; blank lines are passed over.
   *
   * @param option what names the file
   * @throws IOException if the file cannot be read, has no pair, or a line is not as expected
   */
  static List<Pair> read(String option, Path file, EncodingOption encoding) throws IOException {
    LineFile lines = LineFile.of(option, file, encoding);
    return lines.readPairs(
        "text",
        EXPECTED,
        (number, text, translation) -> {
          if (text.isBlank() || translation.isBlank()) {
            throw lines.wrong(
                number, "the " + (text.isBlank() ? "text" : "translation") + " is empty", EXPECTED);
          }
          return new Pair(text, translation);
        });
  }
}
