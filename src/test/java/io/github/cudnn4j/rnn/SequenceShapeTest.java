package io.github.cudnn4j.rnn;

import static io.github.cudnn4j.cudnn.RnnDataLayout.BATCH_MAJOR_UNPACKED;
import static io.github.cudnn4j.cudnn.RnnDataLayout.SEQ_MAJOR_PACKED;
import static io.github.cudnn4j.cudnn.RnnDataLayout.SEQ_MAJOR_UNPACKED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

class SequenceShapeTest {

  private static void assertRefused(String message, Executable executable) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, executable).getMessage());
  }

  @Test
  void equalLengths() {
    SequenceShape shape = SequenceShape.of(35, 2);
    assertEquals(new SequenceShape(SEQ_MAJOR_UNPACKED, 35, List.of(35, 35)), shape);
    assertEquals(2, shape.batch());
    assertEquals(70, shape.rows());
    assertEquals("SEQ_MAJOR_UNPACKED T 35 B 2", shape.toString());
  }

  @Test
  void rowsCountPaddingOnlyWhereThereIsSome() {
    assertEquals(12, SequenceShape.ofLengths(BATCH_MAJOR_UNPACKED, 4, 2, 4, 1).rows());
    assertEquals(7, SequenceShape.ofLengths(SEQ_MAJOR_PACKED, 4, 4, 2, 1).rows());
    assertEquals(
        "SEQ_MAJOR_PACKED T 4 B 3 lengths [4, 2, 1]",
        SequenceShape.ofLengths(SEQ_MAJOR_PACKED, 4, 4, 2, 1).toString());
  }

  @Test
  void lengthsThatVaryAreThoseOfFullRowsAtFirst() {
    SequenceShape shape = SequenceShape.varying(4, 2);
    assertEquals(List.of(4, 4), shape.lengths());
    assertFalse(shape.hasEqualLengths());
    assertEquals("SEQ_MAJOR_UNPACKED T 4 B 2 lengths that vary", shape.toString());
    String message = "lengths that vary need a padded layout, and are T at first";
    assertRefused(message, () -> new SequenceShape(SEQ_MAJOR_PACKED, 4, List.of(4, 4), true));
    assertRefused(message, () -> new SequenceShape(BATCH_MAJOR_UNPACKED, 4, List.of(4, 3), true));
  }

  @Test
  void emptyExtentsAreRefused() {
    assertRefused("T is 0, but it must be at least 1", () -> SequenceShape.of(0, 1));
    assertRefused("B is 0, but it must be at least 1", () -> SequenceShape.of(1, 0));
    assertRefused(
        "B is 0, but there must be at least 1 sequence",
        () -> SequenceShape.ofLengths(SEQ_MAJOR_UNPACKED, 1));
  }

  @Test
  void moreStepsThanCudnnTakesAreRefused() {
    assertEquals(65_535, SequenceShape.of(65_535, 1).time());
    assertRefused(
        "T is 65536, but a sequence has at most 65535 steps", () -> SequenceShape.of(65_536, 1));
  }

  @Test
  void lengthsOutsideTheStepsAreRefused() {
    assertRefused(
        "lengths[1] is -3, but it must be in [1, T = 4]",
        () -> SequenceShape.ofLengths(SEQ_MAJOR_UNPACKED, 4, 4, -3));
    assertRefused(
        "lengths[0] is 5, but it must be in [1, T = 4]",
        () -> SequenceShape.ofLengths(BATCH_MAJOR_UNPACKED, 4, 5, 1));
    assertRefused(
        "lengths[2] is 0, but a sequence has at least 1 step; leave empty ones out",
        () -> SequenceShape.ofLengths(SEQ_MAJOR_UNPACKED, 4, 4, 1, 0));
  }

  @Test
  void packedLengthsMustDescendFromT() {
    assertRefused(
        "lengths[0] is 3, but packed sequences start with one of length T = 4",
        () -> SequenceShape.ofLengths(SEQ_MAJOR_PACKED, 4, 3, 2));
    assertRefused(
        "lengths[2] is 3, but packed sequences must not get longer, and lengths[1] is 2",
        () -> SequenceShape.ofLengths(SEQ_MAJOR_PACKED, 4, 4, 2, 3));
  }

  @Test
  void moreSequencesThanThereCanBeAreRefused() {
    var e =
        assertThrows(IllegalArgumentException.class, () -> SequenceShape.of(1, Integer.MAX_VALUE));
    assertEquals("B is 2147483647, but there are at most 16777216 sequences", e.getMessage());
    assertEquals(1 << 24, SequenceShape.of(1, 1 << 24).batch());
  }

  @Test
  void aMissingLengthIsNamed() {
    var lengths = Arrays.asList(3, null, 1);
    var e =
        assertThrows(
            NullPointerException.class, () -> new SequenceShape(SEQ_MAJOR_UNPACKED, 3, lengths));
    assertEquals("lengths[1]", e.getMessage());
  }
}
