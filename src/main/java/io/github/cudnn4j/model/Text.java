package io.github.cudnn4j.model;

import java.io.IOException;
import java.util.function.IntPredicate;

/** A text that is read from its beginning, as often as wanted, and need not fit into memory. */
public interface Text {

  /**
   * Gives one character (Unicode code point) after the other to a reader, until that returns false
   * or the text ends.
   *
   * @throws IOException if the text cannot be read
   */
  void read(IntPredicate reader) throws IOException;

  /** Returns a text that is in memory. */
  static Text of(String text) {
    return reader -> text.codePoints().allMatch(reader);
  }

  /** Returns bytes, which must not change, each as the character of its number. */
  static Text of(byte[] bytes) {
    return reader -> {
      for (int i = 0; i < bytes.length && reader.test(Byte.toUnsignedInt(bytes[i])); i++) {}
    };
  }

  /**
   * Returns this text as the book "Dive into Deep Learning" prepares it: every run of anything but
   * the letters A to Z is one space, and letters are lower case.
   */
  default Text lettersOnly() {
    return reader -> read(new LettersOnly(reader));
  }
}
