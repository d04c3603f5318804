package io.github.cudnn4j.model;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;

/** Guesses at the encoding of a text. */
final class EncodingGuess {
  private EncodingGuess() {}

  /**
   * Returns a part of a sentence.
   *
   * @param head how the text begins
   * @param around what is around the byte that is wrong
   */
  static String of(byte[] head, byte[] around) {
    int zeros = 0;
    int oddZeros = 0;
    for (int i = 0; i < head.length; i++) {
      zeros += head[i] == 0 ? 1 : 0;
      oddZeros += head[i] == 0 ? i % 2 : 0;
    }
    if (startsWith(head, 0xFF, 0xFE) || startsWith(head, 0xFE, 0xFF)) {
      return perhaps("UTF-16");
    }
    if (zeros > head.length / 4) {
      return perhaps(oddZeros > zeros / 2 ? "UTF-16LE" : "UTF-16BE");
    }
    if (isMostlyUtf8(around)) {
      return "around it the text is UTF-8, so perhaps it is damaged there";
    }
    return perhaps(ofBytes(around));
  }

  private static String perhaps(String encoding) {
    return Charset.isSupported(encoding)
        ? "perhaps it is " + encoding
        : "perhaps it is " + encoding + ", which this Java cannot read";
  }

  private static boolean startsWith(byte[] bytes, int first, int second) {
    return bytes.length > 1 && bytes[0] == (byte) first && bytes[1] == (byte) second;
  }

  /** Whether more characters beyond ASCII are right than wrong. */
  private static boolean isMostlyUtf8(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    long wrong = text.chars().filter(c -> c == 0xFFFD).count();
    long right = text.codePoints().filter(c -> c > 0x7F && c != 0xFFFD).count();
    return right > wrong;
  }

  /** By how the bytes beyond ASCII stand together: words of them, pairs of them, or one alone. */
  private static String ofBytes(byte[] bytes) {
    int beyond = 0;
    int runs = 0;
    int control = 0;
    int hanzi = 0;
    for (int i = 0; i < bytes.length; i++) {
      int b = Byte.toUnsignedInt(bytes[i]);
      if (b > 0x7F) {
        beyond++;
        runs += i == 0 || bytes[i - 1] >= 0 ? 1 : 0;
        control += b < 0xA0 ? 1 : 0;
        // The characters of level 1 of GB 2312, the common ones.
        if (b >= 0xB0 && b <= 0xD7 && i + 1 < bytes.length && (bytes[i + 1] & 0xFF) > 0xA0) {
          hanzi++;
          beyond++;
          i++;
        }
      }
    }
    if (4 * hanzi > beyond) {
      return "GB18030";
    }
    if (beyond > 3 * runs) {
      return "windows-1251";
    }
    return control > 0 ? "windows-1252" : "ISO-8859-1";
  }
}
