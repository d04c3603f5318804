package io.github.cudnn4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchLayoutTest {

  private static final BatchLayout WORDS = BatchLayout.of(2).tokens("words", 1, 10);

  private static void assertRefused(String message, Supplier<BatchLayout> layout) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, layout::get).getMessage());
  }

  @Test
  void aShapeIsAPartOfTheLongestRow() {
    var layout = WORDS.labels("tags", "words").floats("sound", 0, 7, 3).shapes(4);
    assertEquals(List.of(3, 5, 8, 10), times(layout, 0));
    assertEquals(List.of(3, 5, 8, 10), times(layout, 1));
    assertEquals(List.of(2, 4, 6, 7), times(layout, 2));
    assertEquals(2 * (8 + 6), layout.steps(2));
  }

  private static List<Integer> times(BatchLayout layout, int slot) {
    return IntStream.range(0, layout.shapes()).mapToObj(k -> layout.time(slot, k)).toList();
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "10, 8", "10, 10", "200, 8", "201, 7", "2000000, 3"})
  void aRowGetsTheSmallestShapeIntoWhichItFits(int most, int shapes) {
    var layout = BatchLayout.of(1).tokens("words", 0, most).shapes(shapes);
    for (int length = 0; length <= most; length += 1 + most / 1000) {
      int shape = layout.shape(0, length);
      assertTrue(layout.time(0, shape) >= length);
      assertTrue(shape == 0 || layout.time(0, shape - 1) < length);
    }
    assertEquals(layout.shapes() - 1, layout.shape(0, most));
  }

  @Test
  void thereAreEightShapesUnlessAllBatchesAreEqual() {
    assertEquals(8, WORDS.shapes());
    assertEquals(5, BatchLayout.of(2).tokens("words", 1, 5).shapes());
    assertEquals(1, BatchLayout.of(2).tokens("words", 5, 5).labels("tags", "words").shapes());
    assertEquals(1, BatchLayout.of(2).vector("x", 100).label("y").shapes(9).shapes());
    assertEquals(9, BatchLayout.of(2).shapes(9).tokens("words", 1, 10).shapes());
    assertEquals(8, WORDS.tokens("window", 3, 3).shapes());
    assertEquals(3, WORDS.tokens("window", 3, 3).time(1, 0));
  }

  @Test
  void theTextTellsWhatLayoutsDifferIn() {
    var both = WORDS.floats("sound", 1, 10, 3).shapes(4);
    assertEquals(
        "2 x (TOKENS words[1..10, 1], FLOATS sound[1..10, 3], LABELS tags[1..10, 1] of sound)"
            + " in 4 shapes",
        both.labels("tags", "sound").toString());
    assertEquals(
        "2 x (TOKENS words[1..10, 1], FLOATS sound[1..10, 3], LABELS tags[1..10, 1] of words)"
            + " in 4 shapes",
        both.labels("tags", "words").toString());
  }

  @Test
  void onlySequencesThatVaryHaveLengths() {
    var layout =
        WORDS
            .labels("tags", "words")
            .tokens("window", 3, 3)
            .floats("sound", 1, 3, 4)
            .vector("x", 4)
            .label("y");
    assertEquals(
        List.of(true, false, false, true, false, false),
        layout.slots().stream().map(BatchLayout.Slot::hasLengths).toList());
    assertEquals(3, layout.index("sound"));
  }

  @Test
  void rowsWithoutSequencesAreSteps() {
    assertEquals(5, BatchLayout.of(5).vector("x", 3).steps(0));
  }

  @Test
  void whatCannotBeIsRefused() {
    assertRefused("batch = 0, must be at least 1", () -> BatchLayout.of(0));
    assertRefused("shapes = 0, must be at least 1", () -> WORDS.shapes(0));
    assertRefused("two slots words", () -> WORDS.label("words"));
    assertRefused(
        "words: fewest steps = -1, must be at least 0",
        () -> BatchLayout.of(1).tokens("words", -1, 3));
    assertRefused(
        "words: most steps = 3, must be at least 4", () -> BatchLayout.of(1).tokens("words", 4, 3));
    assertRefused(
        "words: most steps = 0, must be at least 1", () -> BatchLayout.of(1).tokens("words", 0, 0));
    assertRefused("sound: columns = 0, must be at least 1", () -> WORDS.floats("sound", 1, 2, 0));
    assertRefused("x: columns = 0, must be at least 1", () -> WORDS.vector("x", 0));
    assertRefused(
        "words: 65536 rows of 32768 steps, together at most 2147483647",
        () -> BatchLayout.of(1 << 16).tokens("words", 1, 1 << 15));
    int most = Integer.MAX_VALUE;
    assertRefused(
        "x: a batch has 4611686014132420609 numbers, together at most 281474976710656",
        () -> BatchLayout.of(most).vector("x", most));
    assertRefused(
        "x: a batch has 4611686014132420609 numbers, together at most 281474976710656",
        () -> BatchLayout.of(1).floats("x", 1, most, most));
    assertRefused("no slot letters in a batch of [words]", () -> WORDS.labels("tags", "letters"));
    assertRefused(
        "y is no sequence that could be labelled", () -> WORDS.label("y").labels("tags", "y"));
  }

  @Test
  void addingASlotLeavesTheLayoutAsItIs() {
    WORDS.label("mood");
    assertFalse(WORDS.slots().stream().anyMatch(slot -> slot.name().equals("mood")));
  }
}
