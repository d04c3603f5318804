package io.github.cudnn4j.model;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * The characters (Unicode code points) that a character language model knows, numbered from 1.
 *
 * <p>Number 0 is the unknown character: every code point outside the vocabulary is read as it, and
 * it is written as {@link #UNKNOWN}. Immutable, safe for use by several threads.
 */
public final class Vocabulary {

  /** How the unknown character is written. */
  public static final String UNKNOWN = "�";

  private final int[] codePoints;

  /** The number of each code point; none beyond its end is known. */
  private final int[] ids;

  private Vocabulary(int[] codePoints) {
    this.codePoints = codePoints;
    ids = new int[Arrays.stream(codePoints).max().orElse(0) + 1];
    for (int i = 0; i < codePoints.length; i++) {
      int before = ids[codePoints[i]];
      ids[codePoints[i]] = i + 1;
      if (before != 0) {
        throw new IllegalArgumentException(
            "character " + Character.toString(codePoints[i]) + " is listed twice");
      }
    }
  }

  /**
   * Returns the vocabulary of all characters in {@code text}, in the order of their code points.
   */
  public static Vocabulary of(String text) {
    return of(text.codePoints());
  }

  static Vocabulary of(IntStream codePoints) {
    return new Vocabulary(codePoints.distinct().sorted().toArray());
  }

  /**
   * Returns the vocabulary that {@link #characters()} described.
   *
   * @throws IllegalArgumentException if an entry is not one character, or is listed twice
   */
  public static Vocabulary ofCharacters(List<String> characters) {
    return new Vocabulary(characters.stream().mapToInt(Vocabulary::onlyCodePoint).toArray());
  }

  private static int onlyCodePoint(String character) {
    if (character.codePointCount(0, character.length()) != 1) {
      throw new IllegalArgumentException("not one character: \"" + character + "\"");
    }
    return character.codePointAt(0);
  }

  /** Returns the number of classes: all characters and the unknown one. */
  public int size() {
    return codePoints.length + 1;
  }

  /** Returns the known characters, each a string of its own, without the unknown one. */
  public List<String> characters() {
    return Arrays.stream(codePoints).mapToObj(Character::toString).toList();
  }

  /** Returns the number of each code point of {@code text}; 0 where it is unknown. */
  public int[] encode(String text) {
    return text.codePoints().map(this::id).toArray();
  }

  /** Returns the number of a code point; 0 if it is unknown. */
  public int id(int codePoint) {
    return codePoint < ids.length ? ids[codePoint] : 0;
  }

  /**
   * Returns the character with the number {@code id}.
   *
   * @throws IndexOutOfBoundsException if {@code id} is not in [0, {@link #size()})
   */
  public String character(int id) {
    Objects.checkIndex(id, size());
    return id == 0 ? UNKNOWN : Character.toString(codePoints[id - 1]);
  }
}
