package io.github.cudnn4j.cli;

import java.util.Collection;
import java.util.HexFormat;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;

/** The terminal that the output goes to, if it goes to one. */
final class Terminal {

  /** Enough to recognise a text of another language. */
  private static final int CHARACTERS_NAMED = 20;

  private Terminal() {}

  /** Whether standard output is a terminal. */
  static boolean isOutput() {
    return System.console() != null && System.console().isTerminal();
  }

  /** Returns characters as a list of at most {@value #CHARACTERS_NAMED}, each in quotes. */
  static String named(Collection<String> characters) {
    return characters.stream()
            .limit(CHARACTERS_NAMED)
            .map(character -> "'" + visible(character) + "'")
            .collect(Collectors.joining(" "))
        + (characters.size() > CHARACTERS_NAMED ? " ..." : "");
  }

  /**
   * Returns a text in one line, which cannot move the cursor or do worse: control characters and
   * ends of lines and paragraphs as Java escapes.
   */
  static String visible(String text) {
    return escaped(text, Terminal::isControl);
  }

  /** Returns a text as {@link #visible} does, in lines. */
  static String visibleLines(String text) {
    return escaped(text, c -> c != '\n' && isControl(c));
  }

  /** Returns a text as {@link #visible} does, without a blank, so that it is one among others. */
  static String visibleWord(String text) {
    return escaped(text, c -> isControl(c) || Character.isSpaceChar(c));
  }

  private static boolean isControl(int c) {
    int type = Character.getType(c);
    return type == Character.CONTROL
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }

  private static String escaped(String text, IntPredicate hidden) {
    StringBuilder escaped = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (hidden.test(c)) {
        escaped.append("\\u").append(HexFormat.of().toHexDigits(c));
      } else {
        escaped.append(c);
      }
    }
    return escaped.toString();
  }
}
