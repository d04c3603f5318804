package io.github.cudnn4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.ElementType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordsTest {

  private static final int MOST = 20;

  @TempDir private Path folder;

  /** Of record i: i, as often as a number that looks random says. */
  private static int[] words(int record) {
    var words = new int[1 + new SavableRandom(record).nextInt(MOST)];
    Arrays.fill(words, record);
    return words;
  }

  private static Batches<Integer> batches(int batch) {
    return Batches.<Integer>of(batch).tokens("words", MOST, RecordsTest::words).shapes(4);
  }

  private static List<Integer> range(int count) {
    return IntStream.range(0, count).boxed().toList();
  }

  private Records<Integer> source(String kind, int batch, int count) throws IOException {
    List<Integer> list = range(count);
    return switch (kind) {
      case "list" -> batches(batch).over(list);
      case "linked" -> batches(batch).over(new LinkedList<>(list));
      case "iterator" -> batches(batch).over(list::iterator);
      default -> {
        Path file = folder.resolve("records.txt");
        Files.write(file, list.stream().map(String::valueOf).toList());
        yield batches(batch).lines(file, Integer::valueOf);
      }
    };
  }

  /** Returns the records in the order in which they come. */
  private static List<Integer> order(BatchSource source, long seed) throws IOException {
    var order = new ArrayList<Integer>();
    for (Taken taken : Taken.all(source, seed)) {
      taken.slots().get("words").subList(0, source.layout().batch()).stream()
          .map(Number::intValue)
          .filter(i -> i >= 0)
          .forEach(order::add);
    }
    return order;
  }

  private static List<Integer> sorted(List<Integer> list) {
    return list.stream().sorted().toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"list", "linked", "iterator", "file"})
  void eachRecordComesOnceAndInItsOrder(String kind) throws IOException {
    var source = source(kind, 7, 1000);
    assertEquals(range(1000), order(source, 1));
    assertEquals(range(1000), order(source, 2));
  }

  /** The window is far smaller than the data. */
  @ParameterizedTest
  @ValueSource(strings = {"list", "iterator", "file"})
  void shufflingGivesEachRecordOnceInAnotherOrderEachTime(String kind) throws IOException {
    var source = source(kind, 7, 1000).shuffled(42, 50);
    var first = order(source, 1);
    assertNotEquals(range(1000), first);
    assertEquals(range(1000), sorted(first));
    assertEquals(first, order(source, 1));
    assertNotEquals(first, order(source, 2));
    assertNotEquals(first, order(source.shuffled(43, 50), 1));
    if (!kind.equals("list")) {
      for (int i = 0; i < first.size(); i++) {
        assertTrue(first.get(i) < i + 50, "record " + first.get(i) + " at " + i);
      }
    }
  }

  /** Otherwise a validation would change the training. */
  @Test
  void onlyShufflingDrawsAndOnlyAtTheBeginning() throws IOException {
    var random = new SavableRandom(3);
    try (var epoch = source("list", 7, 100).bucketed(4).epoch(random)) {
      Taken.rest(epoch, batches(7).layout());
    }
    assertEquals(3, random.state());
    var once = new SavableRandom(3);
    once.nextLong();
    try (var epoch = source("iterator", 7, 100).bucketed(4).shuffled(1).epoch(random)) {
      assertEquals(once.state(), random.state());
      Taken.rest(epoch, batches(7).layout());
    }
    assertEquals(once.state(), random.state());
  }

  @ParameterizedTest
  @ValueSource(strings = {"list", "iterator", "file"})
  void leavingBatchesOutGoesOnWhereAnotherPassEnded(String kind) throws IOException {
    var plain = source(kind, 3, 40);
    for (var source :
        List.of(
            plain, plain.shuffled(42, 10), plain.bucketed(4), plain.shuffled(42, 10).bucketed(4))) {
      List<Taken> all = Taken.all(source, 5);
      assertEquals(14, all.size());
      for (int skipped = 0; skipped <= all.size(); skipped++) {
        try (var epoch = source.epoch(new SavableRandom(5))) {
          epoch.skip(skipped);
          assertEquals(all.subList(skipped, all.size()), Taken.rest(epoch, source.layout()));
        }
      }
      try (var epoch = source.epoch(new SavableRandom(5))) {
        var e = assertThrows(IOException.class, () -> epoch.skip(15));
        assertEquals("15 batches to leave out, there are 14", e.getMessage());
      }
    }
  }

  /** Of those that are left out nothing need be known. */
  @Test
  void whatIsLeftOutIsNotEncoded() throws IOException {
    var encoded = new ArrayList<Integer>();
    var source =
        Batches.<Integer>of(2)
            .label(
                "y",
                i -> {
                  encoded.add(i);
                  return i;
                })
            .over(range(10));
    try (var epoch = source.epoch(new SavableRandom(0))) {
      epoch.skip(3);
      Taken.rest(epoch, source.layout());
    }
    assertEquals(List.of(6, 7, 8, 9), encoded);
  }

  @Test
  void bucketsPutSimilarLengthsTogether() throws IOException {
    var source = source("list", 5, 400).bucketed(8);
    List<Taken> all = Taken.all(source, 0);
    assertEquals(80, all.size());
    for (int first = 0; first < 80; first += 8) {
      int longest = 0;
      for (Taken taken : all.subList(first, first + 8)) {
        for (Number length : taken.slots().get("words.")) {
          assertTrue(length.intValue() >= longest || taken.slots().get("words.").contains(longest));
          longest = Math.max(longest, length.intValue());
        }
      }
    }
  }

  /** What every record has once, such as a label, says nothing about its length. */
  @Test
  void bucketsGoByLengthsThatVary() throws IOException {
    var source =
        Batches.<Integer>of(2)
            .label("label", i -> i)
            .tokens("words", 9, i -> new int[1 + i * 5 % 8])
            .vector("size", 1, i -> new float[] {i})
            .over(range(8))
            .bucketed(4);
    List<Number> lengths = new ArrayList<>();
    for (Taken taken : Taken.all(source, 0)) {
      lengths.addAll(taken.slots().get("words."));
    }
    assertEquals(List.of(1, 2, 3, 4, 5, 6, 7, 8), lengths);
  }

  /** A window of n batches wastes at most T steps of B rows, and each shape T / K. */
  @ParameterizedTest
  @ValueSource(ints = {4, 16, 100})
  void bucketsBoundThePadding(int window) throws IOException {
    int batch = 8;
    var plain = source("list", batch, batch * 100).shuffled(42);
    long real = 0;
    long given = 0;
    for (Taken taken : Taken.all(plain.bucketed(window), 0)) {
      real += taken.steps();
      given += plain.layout().steps(taken.shape());
    }
    double bound = MOST * (1.0 / window + 1.0 / plain.layout().shapes()) * batch * 100;
    assertTrue(given - real <= bound, (given - real) + " steps of padding, at most " + bound);
    long unsorted =
        Taken.all(plain, 0).stream().mapToLong(t -> plain.layout().steps(t.shape())).sum();
    assertTrue(given < unsorted, given + " steps, unsorted " + unsorted);
  }

  @Test
  void shuffledBucketsDoNotComeByLength() throws IOException {
    var source = source("list", 2, 200).bucketed(100);
    var lengths = Taken.all(source, 0).stream().map(Taken::shape).toList();
    assertEquals(sorted(lengths), lengths);
    var shuffled = Taken.all(source.shuffled(1), 0).stream().map(Taken::shape).toList();
    assertNotEquals(lengths, shuffled);
    assertEquals(lengths, sorted(shuffled));
  }

  @Test
  void aSourceKnowsWhatTellsItFromOthers() throws IOException {
    var list = source("list", 3, 40);
    assertEquals(14, list.batches());
    assertEquals(Map.of("records", 40L, "bucketed", 1L), list.identity());
    assertEquals(
        Map.of("records", 40L, "shuffled", 42L, "window", 7L, "bucketed", 5L),
        list.shuffled(42, 7).bucketed(5).identity());
    var iterator = source("iterator", 3, 40);
    assertEquals(-1, iterator.batches());
    assertEquals(Map.of("bucketed", 1L), iterator.identity());
    assertEquals(false, list.isSequel());
  }

  @Test
  void aPlaceOfOtherBatchesIsRefused() throws IOException {
    var sources = List.of(source("list", 3, 40), TextWindows.training(new int[100], 2, 5, false));
    for (BatchSource source : sources) {
      HostBatch other = Taken.memory(BatchLayout.of(3).label("y"), ElementType.FLOAT32);
      try (var epoch = source.epoch(new SavableRandom(0))) {
        var e = assertThrows(IllegalArgumentException.class, () -> epoch.next(other));
        assertEquals(
            "memory for " + other.layout() + ", the batches are " + source.layout(),
            e.getMessage());
      }
    }
    try (var epoch = sources.getFirst().epoch(new SavableRandom(0))) {
      HostBatch equal = Taken.memory(batches(3).layout(), ElementType.FLOAT32);
      assertTrue(epoch.next(equal) >= 0);
    }
  }

  @Test
  void windowsThatCannotBeAreRefused() throws IOException {
    var source = source("list", 3, 40);
    assertMessage("window = 0, must be at least 1", () -> source.shuffled(1, 0));
    assertMessage("batches = 0, must be at least 1", () -> source.bucketed(0));
    assertMessage(
        "1073741824 batches of 3, together at most 2147483647", () -> source.bucketed(1 << 30));
  }

  private static void assertMessage(String message, Runnable call) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, call::run).getMessage());
  }

  @Test
  void aFileThatCannotBeReadIsNamed() {
    Path broken = Path.of("/proc/self/mem"); // Nothing is at the address 0.
    var failed =
        assertThrows(
            RecordException.class, () -> Taken.all(batches(1).lines(broken, Integer::valueOf), 1));
    assertEquals(1, failed.number());
    assertTrue(failed.getMessage().endsWith(broken + ": Input/output error"), failed::getMessage);
  }
}
