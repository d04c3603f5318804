package io.github.cudnn4j.model;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * The symbols that a model of texts knows, characters (Unicode code points), bytes or words,
 * numbered from 1.
 *
 * <p>Number 0 is the unknown symbol: each that is not in the vocabulary is read as it, and it is
 * written as {@link #UNKNOWN}. Immutable, safe for use by several threads.
 */
public final class Vocabulary {

  /** How the unknown symbol is written. */
  public static final String UNKNOWN = "�";

  private static final int BYTE_VALUES = 1 << Byte.SIZE;

  /** What a text is split into. */
  public enum Units {
    /** Unicode code points. */
    CHARACTERS,

    /** The bytes of a text in UTF-8, or of any file: each is the character of its number. */
    BYTES,

    /**
     * What white space parts. A punctuation mark or symbol is a word of its own, except for an
     * apostrophe that follows a letter or digit; so is the end of a line.
     */
    WORDS;

    /** Returns the symbols of a text in their order. */
    public List<String> split(String text) {
      List<String> symbols = new ArrayList<>();
      switch (this) {
        case CHARACTERS -> text.codePoints().forEach(c -> symbols.add(Character.toString(c)));
        case BYTES -> {
          for (byte value : text.getBytes(UTF_8)) {
            symbols.add(Character.toString(Byte.toUnsignedInt(value)));
          }
        }
        case WORDS -> {
          WordReader words = new WordReader(symbols::add);
          text.codePoints().forEach(words::test);
          words.end();
        }
      }
      return symbols;
    }

    private String join(List<String> symbols) {
      return switch (this) {
        case CHARACTERS -> String.join("", symbols);
        case BYTES -> new String(bytes(symbols), UTF_8);
        case WORDS -> WordReader.join(symbols);
      };
    }

    private static byte[] bytes(List<String> symbols) {
      return String.join("", symbols).getBytes(ISO_8859_1);
    }

    /** Returns what one of them is called, such as {@code word}. */
    public String one() {
      return many().substring(0, many().length() - 1);
    }

    /** Returns what several of them are called, such as {@code words}. */
    public String many() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private final Units units;
  private final List<String> symbols;
  private final Map<String, Integer> ids = new HashMap<>();

  /** The number of each code point; none beyond its end is known. */
  private final int[] idsOfCodePoints;

  private Vocabulary(Units units, Collection<String> symbols) {
    this.units = units;
    this.symbols = List.copyOf(symbols);
    int[] codePoints =
        units == Units.WORDS
            ? new int[0]
            : this.symbols.stream().mapToInt(Vocabulary::onlyCodePoint).toArray();
    idsOfCodePoints = new int[Arrays.stream(codePoints).max().orElse(0) + 1];
    for (String symbol : this.symbols) {
      if (ids.put(symbol, ids.size() + 1) != null) {
        throw new IllegalArgumentException(units.one() + " " + symbol + " is listed twice");
      }
    }
    for (int i = 0; i < codePoints.length; i++) {
      idsOfCodePoints[codePoints[i]] = i + 1;
    }
  }

  /**
   * Returns the vocabulary of all characters in {@code text}, in the order of their code points.
   * Half of a surrogate pair that stands alone is a character, too.
   */
  public static Vocabulary of(String text) {
    return of(text.codePoints());
  }

  static Vocabulary of(IntStream codePoints) {
    return of(
        Units.CHARACTERS, codePoints.distinct().sorted().mapToObj(Character::toString).toList());
  }

  /** Returns the vocabulary of all bytes. */
  public static Vocabulary ofBytes() {
    return of(Units.BYTES, IntStream.range(0, BYTE_VALUES).mapToObj(Character::toString).toList());
  }

  /**
   * Returns the vocabulary of the symbols that appear most often, those first; of as many, in the
   * order of their code units.
   *
   * @param symbols each as often as it appears
   * @param most how many may be known
   * @throws IllegalArgumentException if {@code most} is not positive, or one of {@link
   *     Units#CHARACTERS} is not one character
   */
  public static Vocabulary mostFrequent(Units units, Stream<String> symbols, int most) {
    return mostFrequent(
        units,
        symbols.collect(Collectors.groupingBy(Function.identity(), Collectors.counting())),
        most);
  }

  static Vocabulary mostFrequent(Units units, Map<String, Long> counts, int most) {
    if (most < 1) {
      throw new IllegalArgumentException("most is " + most + ", must be at least 1");
    }
    Comparator<Map.Entry<String, Long>> order =
        Map.Entry.comparingByValue(Comparator.reverseOrder());
    return of(
        units,
        counts.entrySet().stream()
            .sorted(order.thenComparing(Map.Entry.comparingByKey()))
            .limit(most)
            .map(Map.Entry::getKey)
            .toList());
  }

  /**
   * Returns the vocabulary that {@link #symbols()} described.
   *
   * @throws IllegalArgumentException if one is listed twice, or is not one character where symbols
   *     are characters or bytes
   */
  public static Vocabulary of(Units units, Collection<String> symbols) {
    return new Vocabulary(units, symbols);
  }

  /**
   * Returns the vocabulary of the model that a {@linkplain Model#configuration configuration} is
   * of.
   *
   * @throws IllegalArgumentException if there is none, or it cannot be
   */
  public static Vocabulary ofMap(Map<String, Object> configuration) {
    for (Units units : List.of(Units.WORDS, Units.BYTES)) {
      if (configuration.containsKey(units.many())) {
        return of(units, Entries.strings(configuration, units.many()));
      }
    }
    return of(Units.CHARACTERS, Entries.strings(configuration, Units.CHARACTERS.many()));
  }

  /** Adds this vocabulary to a configuration. */
  void putInto(Map<String, Object> configuration) {
    configuration.put(units.many(), symbols);
  }

  private static int onlyCodePoint(String character) {
    if (character.codePointCount(0, character.length()) != 1) {
      throw new IllegalArgumentException("not one character: \"" + character + "\"");
    }
    return character.codePointAt(0);
  }

  /** Returns what texts are split into. */
  public Units units() {
    return units;
  }

  /** Returns the number of classes: all symbols and the unknown one. */
  public int size() {
    return symbols.size() + 1;
  }

  /** Returns the known symbols, without the unknown one. */
  public List<String> symbols() {
    return symbols;
  }

  /** Returns the number of each symbol of {@code text}; 0 where it is unknown. */
  public int[] encode(String text) {
    return units == Units.CHARACTERS
        ? text.codePoints().map(this::id).toArray()
        : encode(units.split(text));
  }

  /** Returns the number of each symbol; 0 where it is unknown. */
  public int[] encode(List<String> symbols) {
    return symbols.stream().mapToInt(this::id).toArray();
  }

  /**
   * Returns the text of these symbols: bytes that are no UTF-8 are written as {@link #UNKNOWN}, and
   * words with a blank between two where one is usual.
   *
   * @throws IndexOutOfBoundsException if a number is not in [0, {@link #size()})
   */
  public String decode(int... ids) {
    return units.join(symbols(ids));
  }

  /**
   * Returns the bytes of these symbols.
   *
   * @throws IllegalStateException if the symbols are no bytes
   * @throws IndexOutOfBoundsException if a number is not in [1, {@link #size()})
   */
  public byte[] bytes(int... ids) {
    if (units != Units.BYTES) {
      throw new IllegalStateException("a vocabulary of " + units.many() + ", not of bytes");
    }
    for (int id : ids) {
      Objects.checkIndex(id - 1, symbols.size());
    }
    return Units.bytes(symbols(ids));
  }

  private List<String> symbols(int... ids) {
    return Arrays.stream(ids).mapToObj(this::symbol).toList();
  }

  /** Returns the number of a symbol; 0 if it is unknown. */
  public int id(String symbol) {
    return ids.getOrDefault(symbol, 0);
  }

  /** Returns the number of a code point; 0 if it is unknown, as it is among words. */
  public int id(int codePoint) {
    return codePoint >= 0 && codePoint < idsOfCodePoints.length ? idsOfCodePoints[codePoint] : 0;
  }

  /**
   * Returns the symbol with the number {@code id}.
   *
   * @throws IndexOutOfBoundsException if {@code id} is not in [0, {@link #size()})
   */
  public String symbol(int id) {
    Objects.checkIndex(id, size());
    return id == 0 ? UNKNOWN : symbols.get(id - 1);
  }
}
