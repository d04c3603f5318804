package io.github.cudnn4j.cli;

import java.util.Collection;
import java.util.HexFormat;
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
   * Returns a text with its control characters as Java escapes, so that it cannot move the cursor
   * or do worse; ends of lines stay.
   */
  static String visible(String text) {
    StringBuilder visible = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (Character.isISOControl(c) && c != '\n') {
        visible.append("\\u").append(HexFormat.of().toHexDigits(c));
      } else {
        visible.append(c);
      }
    }
    return visible.toString();
  }
}
