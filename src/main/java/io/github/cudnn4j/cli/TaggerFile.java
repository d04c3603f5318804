package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.SequenceTagger.Sentence;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** Reads files of words with tags, with a blank line between sentences. */
final class TaggerFile {

  static final String EXPECTED = "a word, a TAB and its tag, or a blank line";

  private TaggerFile() {}

  /**
   * Reads a file.
   *
   * @param option what names the file
   * @param tags those that there may be; empty for any
   * @throws IOException if the file cannot be read, has no sentence, or a line is not as expected
   */
  static List<Sentence> read(
      String option, Path file, EncodingOption encoding, Collection<String> tags)
      throws IOException {
    LineFile lines = LineFile.of(option, file, encoding);
    List<Sentence> sentences = new ArrayList<>();
    List<String> words = new ArrayList<>();
    List<String> found = new ArrayList<>();
    lines.read(
        (number, line) -> {
          if (line.isBlank()) {
            end(sentences, words, found);
            return;
          }
          int tab = lines.tab(number, line, EXPECTED);
          String word = line.substring(0, tab).strip();
          String tag = line.substring(tab + 1).strip();
          if (word.isEmpty() || tag.isEmpty()) {
            throw lines.wrong(
                number, "the " + (word.isEmpty() ? "word" : "tag") + " is empty", EXPECTED);
          }
          if (tag.indexOf('\t') >= 0) {
            throw lines.wrong(number, "there is more than one TAB", EXPECTED);
          }
          if (!tags.isEmpty() && !tags.contains(tag)) {
            throw lines.wrong(
                number,
                "the model has no tag '" + Terminal.visible(tag) + "'",
                "one of " + Terminal.named(tags));
          }
          words.add(word);
          found.add(tag);
        });
    end(sentences, words, found);
    if (sentences.isEmpty()) {
      throw lines.wrong(0, "there is no sentence", "lines of " + EXPECTED);
    }
    return sentences;
  }

  private static void end(List<Sentence> sentences, List<String> words, List<String> tags) {
    if (!words.isEmpty()) {
      sentences.add(new Sentence(List.copyOf(words), List.copyOf(tags)));
      words.clear();
      tags.clear();
    }
  }
}
