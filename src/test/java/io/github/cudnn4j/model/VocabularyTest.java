package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.model.Vocabulary.Units;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class VocabularyTest {

  @Test
  void numbersCharactersByCodePointFromOne() {
    Vocabulary vocabulary = Vocabulary.of("banana 😀");

    assertEquals(List.of(" ", "a", "b", "n", "😀"), vocabulary.symbols());
    assertEquals(6, vocabulary.size());
    assertArrayEquals(new int[] {3, 2, 4, 5}, vocabulary.encode("ban😀"));
    assertEquals("😀", vocabulary.symbol(5));
  }

  @Test
  void readsWhatItDoesNotKnowAsUnknown() {
    Vocabulary vocabulary = Vocabulary.of("ab");

    assertArrayEquals(new int[] {1, 0, 2}, vocabulary.encode("axb"));
    assertEquals(Vocabulary.UNKNOWN, vocabulary.symbol(0));
    assertEquals(0, vocabulary.id(-1), "as a reader returns at the end");
  }

  @Test
  void comesBackFromItsCharacters() {
    Vocabulary vocabulary = Vocabulary.of("the time machine");

    assertEquals(
        vocabulary.symbols(), Vocabulary.of(Units.CHARACTERS, vocabulary.symbols()).symbols());
  }

  @Test
  void refusesWhatIsNoCharacter() {
    assertEquals(
        "not one character: \"ab\"",
        assertThrows(
                IllegalArgumentException.class,
                () -> Vocabulary.of(Units.CHARACTERS, List.of("ab")))
            .getMessage());
    assertEquals(
        "character a is listed twice",
        assertThrows(
                IllegalArgumentException.class,
                () -> Vocabulary.of(Units.CHARACTERS, List.of("a", "a")))
            .getMessage());
    assertThrows(IndexOutOfBoundsException.class, () -> Vocabulary.of("ab").symbol(3));
  }

  @Test
  void bytesAreThoseOfUtf8() {
    Vocabulary vocabulary = Vocabulary.ofBytes();
    int[] ids = vocabulary.encode("é€");

    assertEquals(257, vocabulary.size());
    assertArrayEquals(new int[] {0xC4, 0xAA, 0xE3, 0x83, 0xAD}, ids);
    assertEquals("é€", vocabulary.decode(ids));
    assertEquals("�€", vocabulary.decode(Arrays.copyOfRange(ids, 1, 5)), "half of a character");
    assertThrows(IndexOutOfBoundsException.class, () -> vocabulary.bytes(0));
    assertEquals(
        "a vocabulary of characters, not of bytes",
        assertThrows(IllegalStateException.class, () -> Vocabulary.of("ab").bytes(1)).getMessage());
  }

  @Test
  void wordsArePartedByWhiteSpaceAndPunctuation() {
    assertEquals(
        List.of("Don't", "say", "“", "naïve", "”", "(", "x2", ")", ",", "\n", "dogs'", "…"),
        Units.WORDS.split("  Don't say “naïve”\t(x2),\u00A0\ndogs' …"));
    assertEquals(List.of("'", "a"), Units.WORDS.split("'a"));
    assertEquals(List.of(), Units.WORDS.split(" \t"));
  }

  @Test
  void wordsAreJoinedAsTheyAreWritten() {
    String text = "Don't say “naïve” (x2),\nnot now: no!\n\nYes [it] is.";
    Vocabulary vocabulary =
        Vocabulary.mostFrequent(Units.WORDS, Units.WORDS.split(text).stream(), 100);

    assertEquals(text, vocabulary.decode(vocabulary.encode(text)));
  }

  /** A string can hold what no file of UTF-8 can. */
  @Test
  void halvesOfPairsAreCharactersToo() throws IOException {
    String text = "a\uDC00\uD800b\uD83D\uDE00";
    Vocabulary vocabulary = Vocabulary.of(text);
    var configuration = new HashMap<String, Object>();
    vocabulary.putInto(configuration);
    Vocabulary read = Vocabulary.ofMap(Json.parseObject(Json.write(configuration)));

    assertEquals(List.of("a", "b", "\uD800", "\uDC00", "\uD83D\uDE00"), read.symbols());
    assertArrayEquals(new int[] {1, 4, 3, 2, 5}, read.encode(text));
    assertEquals(text, read.decode(read.encode(text)));
  }

  @Test
  void knowsTheMostFrequentWords() {
    Vocabulary vocabulary =
        Vocabulary.mostFrequent(Units.WORDS, Stream.of("b", "c", "a", "c", "b", "d"), 3);

    assertEquals(List.of("b", "c", "a"), vocabulary.symbols(), "of as many, by their letters");
    List<String> once = IntStream.range(1000, 3000).mapToObj(i -> "w" + i).toList();
    assertEquals(
        once.subList(0, 1500),
        Vocabulary.mostFrequent(Units.WORDS, once.reversed().stream(), 1500).symbols());
    assertArrayEquals(new int[] {0, 3, 1}, vocabulary.encode("d a b"));
    assertEquals("� a b", vocabulary.decode(0, 3, 1));
    assertEquals(
        "word a is listed twice",
        assertThrows(
                IllegalArgumentException.class, () -> Vocabulary.of(Units.WORDS, List.of("a", "a")))
            .getMessage());
    assertEquals(
        "most is 0, must be at least 1",
        assertThrows(
                IllegalArgumentException.class,
                () -> Vocabulary.mostFrequent(Units.WORDS, Stream.of("a"), 0))
            .getMessage());
  }
}
