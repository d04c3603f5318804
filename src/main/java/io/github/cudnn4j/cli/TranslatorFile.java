package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.Translator.Pair;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
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
    List<Pair> pairs = new ArrayList<>();
    lines.read(
        (number, line) -> {
          if (line.isBlank()) {
            return;
          }
          int tab = line.indexOf('\t');
          if (tab < 0) {
            throw lines.wrong(number, "there is no TAB", EXPECTED);
          }
          pairs.add(new Pair(line.substring(0, tab), line.substring(tab + 1)));
        });
    if (pairs.isEmpty()) {
      throw lines.wrong(0, "there is no text", "lines of " + EXPECTED);
    }
    return pairs;
  }
}
