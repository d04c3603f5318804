package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;

class VocabularyTest {

  @Test
  void numbersCharactersByCodePointFromOne() {
    Vocabulary vocabulary = Vocabulary.of("banana 😀");

    assertEquals(List.of(" ", "a", "b", "n", "😀"), vocabulary.characters());
    assertEquals(6, vocabulary.size());
    assertArrayEquals(new int[] {3, 2, 4, 5}, vocabulary.encode("ban😀"));
    assertEquals("😀", vocabulary.character(5));
  }

  @Test
  void readsWhatItDoesNotKnowAsUnknown() {
    Vocabulary vocabulary = Vocabulary.of("ab");

    assertArrayEquals(new int[] {1, 0, 2}, vocabulary.encode("axb"));
    assertEquals(Vocabulary.UNKNOWN, vocabulary.character(0));
  }

  @Test
  void comesBackFromItsCharacters() {
    Vocabulary vocabulary = Vocabulary.of("the time machine");

    assertEquals(
        vocabulary.characters(), Vocabulary.ofCharacters(vocabulary.characters()).characters());
  }

  @Test
  void refusesWhatIsNoCharacter() {
    assertEquals(
        "not one character: \"ab\"",
        assertThrows(IllegalArgumentException.class, () -> Vocabulary.ofCharacters(List.of("ab")))
            .getMessage());
    assertEquals(
        "character a is listed twice",
        assertThrows(
                IllegalArgumentException.class, () -> Vocabulary.ofCharacters(List.of("a", "a")))
            .getMessage());
    assertThrows(IndexOutOfBoundsException.class, () -> Vocabulary.of("ab").character(3));
  }
}
