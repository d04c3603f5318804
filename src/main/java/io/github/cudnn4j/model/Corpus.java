package io.github.cudnn4j.model;

import io.github.cudnn4j.data.Tokens;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A text cut into what a model learns from and what it is tested on.
 *
 * <p>The numbers take 1 byte each in a vocabulary of up to 256 characters, 2 in one of up to
 * 65,536: up to 16 MiB in the heap, more in a mapped file of the folder {@code java.io.tmpdir}. So
 * the text may be larger than memory.
 *
 * @param vocabulary the characters of the training part, unless it was given
 * @param training numbers of the characters to learn from
 * @param heldOut numbers of the characters to test on: the end of the text, never trained on
 */
public record Corpus(Vocabulary vocabulary, Tokens training, Tokens heldOut) {

  /** Fewest characters that can be learned from: one and its successor. */
  private static final int FEWEST = 2;

  /**
   * Cuts a text: the last {@code heldOutFraction} of its characters are held out, and of what is
   * before them the first {@code limit} are trained on. Reads the text twice, no further than it
   * must: with nothing held out up to the limit.
   *
   * @param limit the largest number of characters to train on; 0 for all
   * @param heldOutFraction in [0, 1)
   * @throws IllegalArgumentException if an argument is out of its range, or if fewer than 2
   *     characters are left to train on
   * @throws IOException if the text cannot be read, or its numbers cannot be stored
   */
  public static Corpus of(Text text, long limit, double heldOutFraction) throws IOException {
    return of(text, null, limit, heldOutFraction);
  }

  /**
   * Cuts a text as {@link #of(Text, long, double)}, with the numbers of a given vocabulary.
   *
   * @param vocabulary null for that of the training part
   * @throws IllegalArgumentException as there
   * @throws IOException as there
   */
  public static Corpus of(
      Text text, @Nullable Vocabulary vocabulary, long limit, double heldOutFraction)
      throws IOException {
    if (limit < 0) {
      throw new IllegalArgumentException("limit is " + limit + ", must be 0 (all) or more");
    }
    if (!(heldOutFraction >= 0 && heldOutFraction < 1)) {
      throw new IllegalArgumentException(
          "held-out fraction is " + heldOutFraction + ", must be in [0, 1)");
    }
    Scan scan = new Scan();
    long most = limit > 0 && heldOutFraction == 0 ? limit : Long.MAX_VALUE;
    text.read(character -> scan.add(character) < most);
    long before = scan.characters - (long) (scan.characters * heldOutFraction);
    long trained = limit == 0 ? before : Math.min(limit, before);
    if (trained < FEWEST) {
      throw new IllegalArgumentException(
          "the text has "
              + scan.characters
              + " characters, which leaves "
              + trained
              + " to train on; at least "
              + FEWEST
              + " are needed");
    }
    return encode(
        text,
        vocabulary == null ? scan.vocabulary(trained) : vocabulary,
        trained,
        before,
        scan.characters);
  }

  private static Corpus encode(
      Text text, Vocabulary vocabulary, long trained, long before, long characters)
      throws IOException {
    int classes = vocabulary.size();
    try (var training = new PackedTokens.Writer(trained, classes);
        var heldOut = new PackedTokens.Writer(characters - before, classes)) {
      long[] read = {0};
      text.read(
          character -> {
            try {
              if (read[0] < trained) {
                training.add(vocabulary.id(character));
              } else if (read[0] >= before) {
                heldOut.add(vocabulary.id(character));
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
            read[0]++;
            return read[0] < characters;
          });
      if (read[0] < characters) {
        throw new IOException("the text became shorter while it was read");
      }
      return new Corpus(vocabulary, training.tokens(), heldOut.tokens());
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @Override
  public String toString() {
    return "Corpus["
        + training.length()
        + " characters to train on, "
        + heldOut.length()
        + " held out, vocabulary of "
        + vocabulary.size()
        + "]";
  }

  /** Counts characters, and knows where each came first. */
  private static final class Scan {
    private long characters;
    private final BitSet known = new BitSet();
    private final Map<Integer, Long> first = new HashMap<>();

    /** Returns how many it has counted. */
    long add(int character) {
      if (!known.get(character)) {
        known.set(character);
        first.put(character, characters);
      }
      return ++characters;
    }

    Vocabulary vocabulary(long trained) {
      return Vocabulary.of(
          first.entrySet().stream()
              .filter(entry -> entry.getValue() < trained)
              .mapToInt(Map.Entry::getKey));
    }
  }
}
