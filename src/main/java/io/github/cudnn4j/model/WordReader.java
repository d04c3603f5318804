package io.github.cudnn4j.model;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.Predicate;

/** Puts characters together to the words that {@link Vocabulary.Units#WORDS} describes. */
final class WordReader implements IntPredicate {

  /** What stands right behind a word. */
  private static final String CLOSING = ".,;:!?)]}%’”»";

  /** What stands right before a word. */
  private static final String OPENING = "([{‘“«";

  private static final String LINE_END = "\n";

  private final Predicate<String> reader;
  private final StringBuilder word = new StringBuilder();

  /**
   * @param reader of each word; false if it wants no more
   */
  WordReader(Predicate<String> reader) {
    this.reader = reader;
  }

  @Override
  public boolean test(int character) {
    if (isOfWord(character) || isApostrophe(character) && !word.isEmpty()) {
      word.appendCodePoint(character);
      return true;
    }
    boolean more = end();
    if (Character.toString(character).equals(LINE_END) || !isSpace(character)) {
      more = more && reader.test(Character.toString(character));
    }
    return more;
  }

  /** Ends the word that the text ends with, if there is one. */
  boolean end() {
    if (word.isEmpty()) {
      return true;
    }
    String ended = word.toString();
    word.setLength(0);
    return reader.test(ended);
  }

  private static boolean isOfWord(int character) {
    return switch (Character.getType(character)) {
      case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.COMBINING_SPACING_MARK ->
          true;
      default -> Character.isLetterOrDigit(character);
    };
  }

  private static boolean isApostrophe(int character) {
    return character == '\'' || character == '’';
  }

  private static boolean isSpace(int character) {
    return Character.isWhitespace(character) || Character.isSpaceChar(character);
  }

  /** Returns a text of these words, with a blank between two where one is usual. */
  static String join(List<String> words) {
    StringBuilder text = new StringBuilder();
    String before = LINE_END;
    for (String next : words) {
      boolean apart =
          !before.equals(LINE_END)
              && !next.equals(LINE_END)
              && !OPENING.contains(before)
              && !CLOSING.contains(next);
      text.append(apart ? " " : "").append(next);
      before = next;
    }
    return text.toString();
  }
}
