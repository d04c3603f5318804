package io.github.cudnn4j.model;

import io.github.cudnn4j.data.Tokens;
import io.github.cudnn4j.model.Vocabulary.Units;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A text cut into what a model learns from and what it is tested on.
 *
 * <p>The numbers take 1 byte each in a vocabulary of up to 256 classes, 2 in one of up to 65,536:
 * up to 16 MiB in the heap, more in a mapped file of the folder {@code java.io.tmpdir}. So the text
 * may be larger than memory; of words, each different one is kept there.
 *
 * @param vocabulary the symbols of the training part, unless it was given
 * @param training numbers of the symbols to learn from
 * @param heldOut numbers of the symbols to test on: the end of the text, never trained on
 */
public record Corpus(Vocabulary vocabulary, Tokens training, Tokens heldOut) {

  /** Fewest symbols that can be learned from: one and its successor. */
  private static final int FEWEST = 2;

  /** As {@link #of(Text, Units, int, long, double)}, with all characters. */
  public static Corpus of(Text text, long limit, double heldOutFraction) throws IOException {
    return of(text, Units.CHARACTERS, Integer.MAX_VALUE, limit, heldOutFraction);
  }

  /**
   * Cuts a text: the last {@code heldOutFraction} of its symbols are held out, and of what is
   * before them the first {@code limit} are trained on. Reads the text several times, no further
   * than it must: with nothing held out up to the limit.
   *
   * @param units what it is cut into; as bytes, it is a text {@linkplain Text#of(byte[]) of bytes}
   * @param most how many words are known, the most frequent ones of the training part; all
   *     characters and bytes are
   * @param limit the largest number of symbols to train on; 0 for all
   * @param heldOutFraction in [0, 1)
   * @throws IllegalArgumentException if an argument is out of its range, if fewer than 2 symbols
   *     are left to train on, or if the text is to be of bytes and is not
   * @throws IOException if the text cannot be read, or its numbers cannot be stored
   */
  public static Corpus of(Text text, Units units, int most, long limit, double heldOutFraction)
      throws IOException {
    if (most < 1) {
      throw new IllegalArgumentException("most is " + most + ", must be at least 1");
    }
    return of(new Symbols(text, units), most, null, limit, heldOutFraction);
  }

  /**
   * Cuts a text as {@link #of(Text, Units, int, long, double)}, with the numbers of a given
   * vocabulary.
   *
   * @throws IllegalArgumentException as there
   * @throws IOException as there
   */
  public static Corpus of(Text text, Vocabulary vocabulary, long limit, double heldOutFraction)
      throws IOException {
    return of(new Symbols(text, vocabulary.units()), 0, vocabulary, limit, heldOutFraction);
  }

  private static Corpus of(
      Symbols symbols, int most, @Nullable Vocabulary known, long limit, double heldOutFraction)
      throws IOException {
    if (limit < 0) {
      throw new IllegalArgumentException("limit is " + limit + ", must be 0 (all) or more");
    }
    if (!(heldOutFraction >= 0 && heldOutFraction < 1)) {
      throw new IllegalArgumentException(
          "held-out fraction is " + heldOutFraction + ", must be in [0, 1)");
    }
    long all = symbols.count(limit > 0 && heldOutFraction == 0 ? limit : Long.MAX_VALUE);
    long before = all - (long) (all * heldOutFraction);
    long trained = limit == 0 ? before : Math.min(limit, before);
    if (trained < FEWEST) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "the text has %d %s, which leaves %d to train on; at least %d are needed",
              all,
              symbols.units.many(),
              trained,
              FEWEST));
    }
    Vocabulary vocabulary = known == null ? symbols.vocabulary(trained, most) : known;
    return encode(symbols, vocabulary, trained, before, all);
  }

  private static Corpus encode(
      Symbols symbols, Vocabulary vocabulary, long trained, long before, long all)
      throws IOException {
    int classes = vocabulary.size();
    try (var training = new PackedTokens.Writer(trained, classes);
        var heldOut = new PackedTokens.Writer(all - before, classes)) {
      IntUnaryOperator ids = symbols.ids(vocabulary);
      long[] read = {0};
      symbols.text.read(
          symbol -> {
            try {
              if (read[0] < trained) {
                training.add(ids.applyAsInt(symbol));
              } else if (read[0] >= before) {
                heldOut.add(ids.applyAsInt(symbol));
              }
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
            read[0]++;
            return read[0] < all;
          });
      if (read[0] < all) {
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
        + " "
        + vocabulary.units().many()
        + " to train on, "
        + heldOut.length()
        + " held out, vocabulary of "
        + vocabulary.size()
        + "]";
  }

  /** The symbols of a text, each as a number: a code point, or which word it is. */
  private static final class Symbols {
    private final Units units;
    private final Text text;
    private final @Nullable WordText words;

    Symbols(Text text, Units units) {
      this.units = units;
      words = units == Units.WORDS ? new WordText(text) : null;
      this.text = words == null ? text : words;
    }

    /** Returns how many there are, as far as they matter. */
    long count(long most) throws IOException {
      long[] count = {0};
      text.read(
          symbol -> {
            if (units == Units.BYTES && symbol >= 1 << Byte.SIZE) {
              throw new IllegalArgumentException(
                  "the text is not of bytes: character " + Character.toString(symbol));
            }
            return ++count[0] < most;
          });
      return count[0];
    }

    /** Returns the vocabulary of the first symbols. */
    Vocabulary vocabulary(long trained, int most) throws IOException {
      if (units == Units.BYTES) {
        return Vocabulary.ofBytes();
      }
      long[][] counts = {new long[1 << Byte.SIZE]};
      long[] left = {trained};
      text.read(
          symbol -> {
            if (symbol >= counts[0].length) {
              counts[0] = Arrays.copyOf(counts[0], Math.max(symbol + 1, 2 * counts[0].length));
            }
            counts[0][symbol]++;
            return --left[0] > 0;
          });
      IntStream found =
          IntStream.range(0, counts[0].length).filter(symbol -> counts[0][symbol] > 0);
      if (words == null) {
        return Vocabulary.of(found);
      }
      Map<String, Long> ofWords = new HashMap<>();
      found.forEach(symbol -> ofWords.put(words.word(symbol), counts[0][symbol]));
      return Vocabulary.mostFrequent(units, ofWords, most);
    }

    IntUnaryOperator ids(Vocabulary vocabulary) {
      return words == null ? vocabulary::id : symbol -> vocabulary.id(words.word(symbol));
    }
  }
}
