package io.github.cudnn4j.model;

import java.util.Arrays;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A text cut into what a model learns from and what it is tested on.
 *
 * @param vocabulary the characters of the training part
 * @param training numbers of the characters to learn from
 * @param heldOut numbers of the characters to test on: the end of the text, never trained on
 */
public record Corpus(Vocabulary vocabulary, int[] training, int[] heldOut) {

  private static final Pattern NOT_LETTERS = Pattern.compile("[^A-Za-z]+");

  /** Fewest characters that can be learned from: one and its successor. */
  private static final int FEWEST = 2;

  /**
   * Returns {@code text} as the book "Dive into Deep Learning" prepares it: every run of anything
   * but the letters A to Z is one space, and letters are lower case.
   */
  public static String lettersOnly(String text) {
    return NOT_LETTERS.matcher(text).replaceAll(" ").strip().toLowerCase(Locale.ROOT);
  }

  /**
   * Cuts a text: the last {@code heldOutFraction} of its characters are held out, and of what is
   * before them the first {@code limit} are trained on.
   *
   * @param limit the largest number of characters to train on; 0 for all
   * @param heldOutFraction in [0, 1)
   * @throws IllegalArgumentException if an argument is out of its range, or if fewer than 2
   *     characters are left to train on
   */
  public static Corpus of(String text, int limit, double heldOutFraction) {
    if (limit < 0) {
      throw new IllegalArgumentException("limit is " + limit + ", must be 0 (all) or more");
    }
    if (!(heldOutFraction >= 0 && heldOutFraction < 1)) {
      throw new IllegalArgumentException(
          "held-out fraction is " + heldOutFraction + ", must be in [0, 1)");
    }
    int[] codePoints = text.codePoints().toArray();
    int held = (int) (codePoints.length * heldOutFraction);
    int before = codePoints.length - held;
    int trained = limit == 0 ? before : Math.min(limit, before);
    if (trained < FEWEST) {
      throw new IllegalArgumentException(
          "the text has "
              + codePoints.length
              + " characters, which leaves "
              + trained
              + " to train on; at least "
              + FEWEST
              + " are needed");
    }
    String training = new String(codePoints, 0, trained);
    Vocabulary vocabulary = Vocabulary.of(training);
    return new Corpus(
        vocabulary,
        vocabulary.encode(training),
        vocabulary.encode(new String(codePoints, before, held)));
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Corpus corpus
        && vocabulary.characters().equals(corpus.vocabulary.characters())
        && Arrays.equals(training, corpus.training)
        && Arrays.equals(heldOut, corpus.heldOut);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(training);
  }

  @Override
  public String toString() {
    return "Corpus["
        + training.length
        + " characters to train on, "
        + heldOut.length
        + " held out, vocabulary of "
        + vocabulary.size()
        + "]";
  }
}
