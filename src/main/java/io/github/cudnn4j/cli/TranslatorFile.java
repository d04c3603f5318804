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
    return LineFile.of(option, file, encoding)
        .readPairs("text", EXPECTED, (_, text, translation) -> new Pair(text, translation));
  }
}
