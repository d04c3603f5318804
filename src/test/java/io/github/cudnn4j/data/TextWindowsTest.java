package io.github.cudnn4j.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextWindowsTest {

  /**
   * What the book's code computes: reshape the tokens to [batch, -1] and cut along the second axis.
   */
  @ParameterizedTest
  @CsvSource({"35, 2, 5", "36, 2, 5", "100, 3, 7", "1000, 32, 10", "12, 1, 5"})
  void partitionsAsTheBookDoes(int length, int batch, int time) {
    int[] tokens = IntStream.range(0, length).toArray();
    var batches = TextWindows.training(tokens, batch, time, true);
    for (int offset = 0; offset <= time; offset++) {
      int rowLength = (length - offset - 1) / batch;
      assertEquals(rowLength / time, batches.windows(offset));
      for (int window = 0; window < batches.windows(offset); window++) {
        int[][] read = read(batches, offset, window);
        for (int t = 0; t < time; t++) {
          for (int b = 0; b < batch; b++) {
            int expected = offset + b * rowLength + window * time + t;
            assertEquals(expected, read[0][t * batch + b]);
            assertEquals(expected + 1, read[1][t * batch + b]);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"35, 2, 5", "36, 2, 5", "100, 3, 7", "2, 4, 5", "30, 32, 10", "12, 1, 5"})
  void evaluationCountsEveryPlaceOnce(int length, int batch, int time) {
    int[] tokens = IntStream.range(0, length).toArray();
    var batches = TextWindows.evaluation(tokens, batch, time);
    var labels = new HashSet<Integer>();
    var last = new int[batch];
    java.util.Arrays.fill(last, -2);
    for (int window = 0; window < batches.windows(); window++) {
      int[][] read = read(batches, 0, window);
      for (int i = 0; i < read[0].length; i++) {
        int stream = i % batch;
        if (read[1][i] < 0) {
          assertEquals(-1, read[0][i]);
          last[stream] = -1;
          continue;
        }
        assertEquals(read[0][i] + 1, read[1][i]);
        assertTrue(last[stream] == -2 || read[0][i] == last[stream] + 1, "streams have no gaps");
        last[stream] = read[0][i];
        assertTrue(labels.add(read[1][i]), "label twice");
      }
    }
    assertEquals(length - 1, labels.size());
    assertEquals(length - 1, batches.places());
  }

  @Test
  void offsetsAreDrawnFromZeroToTheWindow() {
    var random = new SavableRandom(3);
    var tokens = new int[100];
    var drawn = new HashSet<Integer>();
    var batches = TextWindows.training(tokens, 2, 5, true);
    for (int i = 0; i < 200; i++) {
      drawn.add(batches.drawOffset(random));
    }
    assertEquals(IntStream.rangeClosed(0, 5).boxed().toList(), drawn.stream().sorted().toList());
    long state = random.state();
    assertEquals(0, TextWindows.training(tokens, 2, 5, false).drawOffset(random));
    assertEquals(state, random.state());
  }

  @Test
  void refusesTextsThatAreTooShort() {
    var tokens = new int[100];
    TextWindows.training(tokens, 33, 3, false);
    var error =
        assertThrows(
            IllegalArgumentException.class, () -> TextWindows.training(tokens, 34, 3, false));
    assertEquals("100 tokens, batches of 34 x 3 need at least 103", error.getMessage());
    assertThrows(IllegalArgumentException.class, () -> TextWindows.training(tokens, 33, 3, true));
    assertThrows(IllegalArgumentException.class, () -> TextWindows.evaluation(new int[1], 1, 1));
    var none =
        assertThrows(
            IllegalArgumentException.class, () -> TextWindows.training(tokens, 0, 3, true));
    assertEquals("batch 0 and time 3, both must be positive", none.getMessage());
    assertThrows(
        IndexOutOfBoundsException.class,
        () -> read(TextWindows.training(tokens, 33, 3, false), 0, 1));
  }

  /** More tokens than an array can have, each telling its place. */
  private record Counting(long length) implements Tokens {
    @Override
    public int get(long index) {
      return (int) (index % 1_000_003);
    }
  }

  @Test
  void aTextMayBeLongerThanAnArray() {
    Tokens tokens = new Counting(5_000_000_001L);
    var batches = TextWindows.training(tokens, 2, 5, false);
    assertEquals(500_000_000, batches.windows());
    assertEquals(5_000_000_000L, batches.places());
    int[][] last = read(batches, 0, batches.windows() - 1);
    int[] expected = new int[10];
    for (int t = 0; t < 5; t++) {
      expected[2 * t] = tokens.get(2_499_999_995L + t);
      expected[2 * t + 1] = tokens.get(4_999_999_995L + t);
    }
    assertArrayEquals(expected, last[0]);
    assertEquals(tokens.get(5_000_000_000L), last[1][9]);
    assertEquals(
        "5000000001 tokens are 5000000000 windows of 1 x 1, must be fewer than 2147483647",
        assertThrows(IllegalArgumentException.class, () -> TextWindows.evaluation(tokens, 1, 1))
            .getMessage());
  }

  private static int[][] read(TextWindows batches, int offset, int window) {
    int count = batches.time() * batches.batch();
    var inputs = new int[count];
    var labels = new int[count];
    batches.window(offset, window, MemorySegment.ofArray(inputs), MemorySegment.ofArray(labels));
    return new int[][] {inputs, labels};
  }

  /** A pass is the windows behind the tokens that it skips. */
  @Test
  void aPassIsTheWindowsInTheirOrder() throws IOException {
    var tokens = new int[200];
    Arrays.setAll(tokens, i -> i);
    var text = TextWindows.training(tokens, 3, 7, true);
    var offset = text.drawOffset(new SavableRandom(5));
    assertTrue(offset > 0);
    List<Taken> all = Taken.all(text, 5);
    assertEquals(text.windows(offset), all.size());
    for (int i = 0; i < all.size(); i++) {
      int[][] window = read(text, offset, i);
      var slots = Map.of("tokens", boxed(window[0]), "labels", boxed(window[1]));
      assertEquals(21, all.get(i).steps());
      assertEquals(slots, all.get(i).slots());
    }
    for (int skipped = 0; skipped <= all.size(); skipped++) {
      try (var epoch = text.epoch(new SavableRandom(5))) {
        epoch.skip(skipped);
        assertEquals(all.subList(skipped, all.size()), Taken.rest(epoch, text.layout()));
      }
    }
    try (var epoch = text.epoch(new SavableRandom(5))) {
      epoch.skip(2);
      var e = assertThrows(IOException.class, () -> epoch.skip(all.size() - 1));
      assertEquals("8 batches to leave out, there are 7", e.getMessage());
    }
  }

  private static List<Integer> boxed(int[] values) {
    return Arrays.stream(values).boxed().toList();
  }

  @Test
  void onlyTheStepsThatCountAreCounted() throws IOException {
    var text = TextWindows.evaluation(new int[12], 2, 4);
    long places = Taken.all(text, 0).stream().mapToLong(Taken::steps).sum();
    assertEquals(text.places(), places);
  }

  @Test
  void aTextKnowsWhatTellsItFromOthers() {
    var text = TextWindows.training(new int[100], 3, 7, true);
    assertEquals(Map.of("tokens", 100L, "crc32c", text.checksum()), text.identity());
    assertEquals(text.windows(), text.batches());
    assertTrue(text.isSequel());
    int[] tokens = IntStream.range(0, 40_000).toArray();
    var bytes = ByteBuffer.allocate(Integer.BYTES * tokens.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(tokens);
    var checksum = new CRC32C();
    checksum.update(bytes);
    assertEquals(checksum.getValue(), TextWindows.training(tokens, 3, 7, true).checksum());
  }

  @Test
  void tokensThatAreNotThereAreRefused() {
    var tokens = Tokens.of(1, 2);
    assertThrows(IndexOutOfBoundsException.class, () -> tokens.get(1L << 40));
    var e = assertThrows(NullPointerException.class, () -> Tokens.of((int[]) null));
    assertEquals("tokens", e.getMessage());
  }
}
