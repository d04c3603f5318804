package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.SequenceClassifier.Example;
import io.github.cudnn4j.model.Vocabulary.Units;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;

/** Reads files of texts with labels. */
final class ClassifierFile {

  static final String EXPECTED = "a label, a TAB and a text";

  private ClassifierFile() {}

  /**
   * Reads a file; blank lines are passed over.
   *
   * @param option what names the file
   * @param units what each text must have at least one of
   * @param labels those that there may be; empty for any
   * @throws IOException if the file cannot be read, has no text, or a line is not as expected
   */
  static List<Example> read(
      String option, Path file, EncodingOption encoding, Units units, Collection<String> labels)
      throws IOException {
    LineFile lines = LineFile.of(option, file, encoding);
    return lines.readPairs(
        "text",
        EXPECTED,
        (number, before, text) -> {
          String label = before.strip();
          if (label.isEmpty()) {
            throw lines.wrong(number, "the label is empty", EXPECTED);
          }
          if (units.split(text).isEmpty()) {
            throw lines.wrong(number, "the text is empty", EXPECTED);
          }
          if (!labels.isEmpty() && !labels.contains(label)) {
            throw lines.wrong(
                number,
                "the model has no label '" + Terminal.visible(label) + "'",
                "one of " + Terminal.named(labels));
          }
          return new Example(label, text);
        });
  }
}
