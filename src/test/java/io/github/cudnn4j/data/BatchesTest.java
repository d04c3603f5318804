package io.github.cudnn4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.github.cudnn4j.cuda.ElementType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BatchesTest {

  record Sample(int[] words, int[] tags, float[][] sound, float[] features, int mood) {}

  private static final Batches<Sample> BATCHES =
      Batches.<Sample>of(2)
          .tokens("words", 4, Sample::words)
          .labels("tags", "words", Sample::tags)
          .floats("sound", 0, 2, 3, Sample::sound)
          .vector("features", 2, Sample::features)
          .label("mood", Sample::mood)
          .shapes(2);

  private static final Sample LONG =
      new Sample(
          new int[] {1, 2, 3},
          new int[] {4, -5, 6},
          new float[][] {{1, 2, 3}},
          new float[] {0.5f, 0.25f},
          7);

  private static final Sample SHORT =
      new Sample(new int[] {8}, new int[] {9}, new float[0][], new float[] {-1, 3}, -2);

  /** Ends the pass where a record is refused. */
  private static RecordException refused(Records<?> source) {
    return assertThrows(RecordException.class, () -> Taken.all(source, 0));
  }

  @Test
  void rowsArePaddedAndTheLastBatchIsFilledUp() throws IOException {
    assertEquals(
        List.of(
            new Taken(
                1,
                5,
                Map.of(
                    "words", List.of(1, 8, 2, -1, 3, -1, -1, -1),
                    "words.", List.of(3, 1),
                    "tags", List.of(4, 9, -5, -1, 6, -1, -1, -1),
                    "sound", List.of(1f, 2f, 3f, 0f, 0f, 0f, 0f, 0f, 0f, 0f, 0f, 0f),
                    "sound.", List.of(1, 0),
                    "features", List.of(0.5f, 0.25f, -1f, 3f),
                    "mood", List.of(7, -2))),
            new Taken(
                0,
                1,
                Map.of(
                    "words", List.of(8, -1, -1, -1),
                    "words.", List.of(1, 1),
                    "tags", List.of(9, -1, -1, -1),
                    "sound", List.of(0f, 0f, 0f, 0f, 0f, 0f),
                    "sound.", List.of(0, 0),
                    "features", List.of(-1f, 3f, 0f, 0f),
                    "mood", List.of(-2, -1)))),
        Taken.all(BATCHES.over(List.of(LONG, SHORT, SHORT)), 0));
  }

  @Test
  void recordsWithoutSequencesCount() throws IOException {
    var source = Batches.<Integer>of(2).label("y", i -> i).over(List.of(5, 6, 7));
    assertEquals(
        List.of(
            new Taken(0, 2, Map.of("y", List.of(5, 6))),
            new Taken(0, 1, Map.of("y", List.of(7, -1)))),
        Taken.all(source, 0));
  }

  @ParameterizedTest
  @CsvSource({
    "FLOAT16, 1.0009765625, 65504, 0.333251953125",
    "BFLOAT16, 1, 65536, 0.333984375",
    "FLOAT32, 1.0006, 65510, 0.33333334",
    "FLOAT64, 1.0006, 65510, 0.33333334"
  })
  void floatsAreRoundedToTheElementType(ElementType type, float a, float b, float c)
      throws IOException {
    float[] values = {1.0006f, 65510, 1f / 3};
    var batches =
        Batches.<float[]>of(1).floats("x", 1, 1, 3, v -> new float[][] {v}).vector("y", 3, v -> v);
    try (var epoch = batches.over(List.of(values)).epoch(new SavableRandom(0))) {
      var taken = Taken.rest(epoch, Taken.memory(batches.layout(), type), type).getFirst();
      for (String slot : List.of("x", "y")) {
        assertEquals(
            List.of(a, b, c), taken.slots().get(slot).stream().map(Number::floatValue).toList());
      }
    }
  }

  @Test
  void aRecordThatDoesNotFitIsNamed() {
    float[] two = {1, 2};
    float[][] none = {};
    assertMessage(
        "record 2: words has 5 steps, must have 1 to 4",
        new Sample(new int[5], new int[5], none, two, 0));
    assertMessage(
        "record 2: words has 0 steps, must have 1 to 4",
        new Sample(new int[0], new int[0], none, two, 0));
    assertMessage(
        "record 2: words has -1 at step 2, must be 0 or more",
        new Sample(new int[] {1, 0, -1, 7}, new int[4], none, two, 0));
    assertMessage("record 2: words is null", new Sample(null, new int[0], none, two, 0));
    assertMessage(
        "record 2: tags has 3 labels, words has 2 steps",
        new Sample(new int[2], new int[3], none, two, 0));
    assertMessage(
        "record 2: sound has 3 steps, must have 0 to 2",
        new Sample(new int[1], new int[1], new float[3][3], two, 0));
    assertMessage(
        "record 2: sound has a vector of 2 elements, must be of 3",
        new Sample(new int[1], new int[1], new float[][] {{1, 2, 3}, two}, two, 0));
    assertMessage(
        "record 2: sound has a vector of null elements, must be of 3",
        new Sample(new int[1], new int[1], new float[][] {null}, two, 0));
    assertMessage(
        "record 2: features has a vector of 3 elements, must be of 2",
        new Sample(new int[1], new int[1], none, new float[3], 0));
    assertMessage("record 2: features is null", new Sample(new int[1], new int[1], none, null, 0));
  }

  private static void assertMessage(String message, Sample sample) {
    var e = refused(BATCHES.over(List.of(LONG, sample)));
    assertEquals(message, e.getMessage());
    assertEquals(2, e.number());
  }

  @Test
  void aFunctionThatThrowsEndsThePass() {
    var cause = new IllegalStateException("no words");
    var e =
        refused(
            Batches.<Integer>of(2)
                .label(
                    "mood",
                    i -> {
                      if (i == 12) {
                        throw cause;
                      }
                      return i;
                    })
                .over(IntStream.range(10, 20).boxed().toList()));
    assertEquals("record 3: mood failed: " + cause, e.getMessage());
    assertSame(cause, e.getCause());
  }

  private static List<Integer> labels(BatchSource source) throws IOException {
    var labels = new ArrayList<Integer>();
    for (Taken taken : Taken.all(source, 0)) {
      taken.slots().get("y").forEach(y -> labels.add(y.intValue()));
    }
    return labels;
  }

  private static Batches<Integer> numbers(int batch) {
    return Batches.<Integer>of(batch).label("y", i -> i);
  }

  @Test
  void aFileIsReadLineByLine(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("a.txt"), "\uFEFF1\n2\n\n3\r\nx\n5\n");
    var source = numbers(1).lines(file, line -> line.isEmpty() ? null : Integer.decode(line));
    try (var epoch = source.epoch(new SavableRandom(0))) {
      HostBatch target = Taken.memory(source.layout(), ElementType.FLOAT32);
      for (int i = 0; i < 3; i++) {
        assertEquals(0, epoch.next(target));
      }
      var e = assertThrows(RecordException.class, () -> epoch.next(target));
      assertEquals(5, e.number());
      assertEquals(
          "record 5: cannot be read: java.lang.NumberFormatException: For input string: \"x\"",
          e.getMessage());
    }
    Files.write(file, new byte[] {'1', '\n', (byte) 0xFF, '\n'});
    assertEquals(MalformedInputException.class, refused(source).getCause().getClass());
    Files.writeString(file, "\uFEFF1\n2");
    assertEquals(List.of(1, 2), labels(source));
    assertEquals(Map.of("bytes", 6L, "bucketed", 1L), source.identity());
    Files.delete(file);
    assertThrows(IOException.class, () -> source.epoch(new SavableRandom(0)));
    assertThrows(UncheckedIOException.class, source::identity);
  }

  /** Gives 1, 2 and then what a test wants. */
  private static final class Numbers implements Iterator<Integer>, AutoCloseable {
    private final RuntimeException failure;
    private int next = 1;
    boolean closed;

    Numbers(RuntimeException failure) {
      this.failure = failure;
    }

    @Override
    public boolean hasNext() {
      return true;
    }

    @Override
    public @Nullable Integer next() {
      if (next == 3 && failure != null) {
        throw failure;
      }
      return next == 3 ? null : next++;
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  @Test
  void anIteratorThatFailsIsReportedAndClosed() {
    var cause = new IOException("the net is gone");
    var numbers = new Numbers(new UncheckedIOException(cause));
    var e = refused(numbers(2).over(() -> numbers));
    assertSame(cause, e.getCause());
    assertEquals("record 3: cannot be read: " + cause, e.getMessage());
    assertEquals(true, numbers.closed);

    var other = new IllegalStateException();
    assertSame(other, refused(numbers(2).over(() -> new Numbers(other))).getCause());
    assertEquals(
        "record 3: is null", refused(numbers(2).over(() -> new Numbers(null))).getMessage());
    assertEquals(
        "record 2: is null", refused(numbers(2).over(Arrays.asList(1, null))).getMessage());
    assertThrows(
        IOException.class,
        () ->
            numbers(1)
                .over(
                    () -> {
                      throw cause;
                    })
                .epoch(new SavableRandom(0)));
  }

  @Test
  void batchesWithoutSlotsAreRefused() {
    var e =
        assertThrows(IllegalStateException.class, () -> Batches.<Integer>of(2).over(List.of(1)));
    assertEquals("batches without slots", e.getMessage());
  }

  @Test
  void noRecordsAreNoBatches() throws IOException {
    assertEquals(List.of(), Taken.all(numbers(2).over(List.of()), 0));
    assertEquals(List.of(), Taken.all(numbers(2).over(List.<Integer>of()::iterator), 0));
  }
}
