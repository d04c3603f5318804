package io.github.cudnn4j.cli;

import java.util.HexFormat;

/** The terminal that the output goes to, if it goes to one. */
final class Terminal {
  private Terminal() {}

  /** Whether standard output is a terminal. */
  static boolean isOutput() {
    return System.console() != null && System.console().isTerminal();
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
