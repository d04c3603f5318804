package io.github.cudnn4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class CorpusTest {

  @Test
  void lettersOnlyAsD2lPreparesItsText() {
    assertEquals(
        "the time machine by h g wells",
        Corpus.lettersOnly("The Time Machine, by H. G. Wells [1898]\n\n\n"));
  }

  @Test
  void holdsOutTheEndAndLimitsWhatIsBeforeIt() {
    Corpus corpus = Corpus.of("abcabcabcz", 5, 0.2);

    assertArrayEquals(corpus.vocabulary().encode("abcab"), corpus.training());
    assertArrayEquals(new int[] {3, 0}, corpus.heldOut(), "z was never seen in training");
  }

  @Test
  void refusesWhatLeavesNothingToLearnFrom() {
    assertEquals(
        "the text has 2 characters, which leaves 1 to train on; at least 2 are needed",
        assertThrows(IllegalArgumentException.class, () -> Corpus.of("ab", 0, 0.5)).getMessage());
    assertEquals(
        "limit is -1, must be 0 (all) or more",
        assertThrows(IllegalArgumentException.class, () -> Corpus.of("abc", -1, 0)).getMessage());
    assertEquals(
        "held-out fraction is 1.0, must be in [0, 1)",
        assertThrows(IllegalArgumentException.class, () -> Corpus.of("abc", 0, 1)).getMessage());
  }
}
