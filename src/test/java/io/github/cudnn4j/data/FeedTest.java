package io.github.cudnn4j.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.tape.Tape;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FeedTest {

  private static final int BATCH = 3;
  private static final int MOST = 9;

  /** A record of as many tokens as its number says, all of them the number. */
  private static int[] words(int number) {
    var words = new int[1 + number % MOST];
    Arrays.fill(words, number);
    return words;
  }

  private static final Batches<Integer> BATCHES =
      Batches.<Integer>of(BATCH)
          .tokens("words", MOST, FeedTest::words)
          .labels("tags", "words", FeedTest::words)
          .vector("x", 2, i -> new float[] {i, -i})
          .label("y", i -> i)
          .shapes(3);

  private static BatchSource source(int batches) {
    return BATCHES.over(IntStream.range(0, BATCH * batches).boxed().toList());
  }

  private static HostControl host() {
    var control = HostControl.ifHost();
    Assumptions.assumeTrue(control.isPresent(), "only the host device counts and fails on demand");
    return control.get();
  }

  /** What the work on a batch found: copies, so that the device may be far behind. */
  private static final class Kept implements AutoCloseable {
    final int number;
    final int shape;
    final int[] hostLengths;
    final List<DeviceBuffer> slots = new ArrayList<>();

    Kept(Device device, Feed feed, int number, int shape) {
      this.number = number;
      this.shape = shape;
      hostLengths = feed.hostLengths(0).clone();
      slots.add(copy(device, feed.slot(0, shape)));
      slots.add(copy(device, feed.lengths(0, shape)));
      slots.add(copy(device, feed.slot(1, shape)));
      slots.add(copy(device, feed.slot(2, shape)));
      slots.add(copy(device, feed.slot(3, shape)));
      slots.add(copy(device, feed.number()));
    }

    private static DeviceBuffer copy(Device device, DeviceBuffer found) {
      var copy = DeviceBuffer.allocate(device, found.type(), found.elements());
      copy.copyFrom(found);
      return copy;
    }

    void check() {
      int[] records = IntStream.range(BATCH * number, BATCH * (number + 1)).toArray();
      int[] lengths = Arrays.stream(records).map(i -> 1 + i % MOST).toArray();
      int longest = Arrays.stream(lengths).max().orElseThrow();
      int time = Math.ceilDiv(longest, 3) * 3;
      assertEquals(time / 3 - 1, shape);
      var words = new int[time * BATCH];
      Arrays.setAll(words, i -> i / BATCH < lengths[i % BATCH] ? records[i % BATCH] : -1);
      String message = "batch " + number;
      assertArrayEquals(words, slots.get(0).toInts(), message);
      assertArrayEquals(lengths, slots.get(1).toInts(), message);
      assertArrayEquals(lengths, hostLengths, message);
      assertArrayEquals(words, slots.get(2).toInts(), message);
      var x = new float[2 * BATCH];
      for (int i = 0; i < x.length; i++) {
        x[i] = i % 2 == 0 ? records[i / 2] : -records[i / 2];
      }
      assertArrayEquals(x, slots.get(3).toFloats(), message);
      assertArrayEquals(records, slots.get(4).toInts(), message);
      assertArrayEquals(new double[] {0.5 * number}, slots.get(5).toDoubles(), message);
    }

    @Override
    public void close() {
      slots.forEach(DeviceBuffer::close);
    }
  }

  /** The host is a ring ahead of the device, if the device lets it be. */
  @Test
  void eachBatchOfAnyShapeIsFoundOnTheDevice() throws IOException {
    int batches = 100;
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, BATCHES.layout())) {
      var kept = new ArrayList<Kept>();
      for (int pass = 0; pass < 2; pass++) {
        feed.start(source(batches).epoch(new SavableRandom(0)));
        for (int i = 0; i < batches; i++) {
          int shape = feed.next(0.5 * i);
          feed.fetch(shape);
          kept.add(new Kept(device, feed, i, shape));
          feed.done();
        }
        assertEquals(-1, feed.next(0));
        assertThrows(IllegalStateException.class, () -> feed.next(0));
      }
      assertEquals(200, kept.size());
      for (Kept each : kept) {
        each.check();
        each.close();
      }
    }
  }

  /** Whether the device had fetched the batch of a step that failed is not known. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aStepThatFailedDoesNotShiftTheOnesBehindIt(boolean fetched) throws IOException {
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, BATCHES.layout())) {
      feed.start(source(40).epoch(new SavableRandom(0)));
      for (int i = 0; i < 40; i++) {
        int shape = feed.next(0.5 * i);
        boolean fails = i % 7 == 3;
        if (!fails || fetched) {
          feed.fetch(shape);
        }
        if (!fails) {
          try (var kept = new Kept(device, feed, i, shape)) {
            kept.check();
          }
          feed.done();
        }
      }
    }
  }

  @Test
  void aMarkThatFailedDoesNotShiftTheBatchesBehindIt() throws IOException {
    HostControl host = host();
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, BATCHES.layout())) {
      feed.start(source(40).epoch(new SavableRandom(0)));
      for (int i = 0; i < 40; i++) {
        int shape = feed.next(0.5 * i);
        feed.fetch(shape);
        try (var kept = new Kept(device, feed, i, shape)) {
          kept.check();
        }
        if (i == 15) {
          host.fail("cudaEventRecord", 1, Cudart.cudaErrorUnknown(), false);
          assertThrows(CudaException.class, feed::done);
        } else {
          feed.done();
        }
      }
    }
  }

  @Test
  void aRecordThatIsRefusedCostsNoBatch() throws IOException {
    var source = Batches.<Integer>of(1).tokens("words", 3, int[]::new).over(List.of(1, 2, 0, 3));
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, source.layout())) {
      for (int pass = 0; pass < 2; pass++) {
        feed.start(source.epoch(new SavableRandom(0)));
        for (int i = 1; i <= 2; i++) {
          int shape = feed.next(0);
          feed.fetch(shape);
          assertArrayEquals(new int[] {i}, feed.lengths(0, shape).toInts());
          feed.done();
        }
        assertThrows(RecordException.class, () -> feed.next(0));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Precision.class,
      names = {"FP32", "FP16", "BF16", "FP64"})
  void floatsAreOfTheTapesType(Precision precision) throws IOException {
    var batches =
        Batches.<float[]>of(1).floats("sound", 1, 2, v -> new float[][] {v}).vector("x", 2, v -> v);
    try (var device = Device.open();
        var feed = Feed.create(device, precision, batches.layout());
        var tape = Tape.inference(device, precision)) {
      feed.start(batches.over(List.of(new float[] {1.5f, -3})).epoch(new SavableRandom(0)));
      Batch batch = feed.batch(tape, 0);
      feed.fetch(feed.next(0));
      for (var tensor : List.of(batch.floats("sound"), batch.vector("x"))) {
        assertEquals(precision.type(), tensor.type());
        // Of the element types, only this is read as another one.
        double[] found =
            precision == Precision.FP64
                ? tensor.value().toDoubles()
                : doubles(tensor.value().toFloats());
        assertArrayEquals(new double[] {1.5, -3}, found);
      }
      assertArrayEquals(new int[] {1, 1, 2}, batch.floats("sound").shape());
      assertArrayEquals(new int[] {1, 2}, batch.vector("x").shape());
      feed.done();
    }
  }

  private static double[] doubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }

  /** One tape for each shape; the same host numbers serve all of them. */
  @Test
  void aTapeFindsTheLengthsOfEachBatch() throws IOException {
    var batches =
        Batches.<Integer>of(2)
            .floats("sound", MOST, 1, FeedTest::ramp)
            .labels("tags", "sound", i -> new int[1 + i % MOST])
            .shapes(3);
    var records = IntStream.range(0, 40).boxed().toList();
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, batches.layout());
        var small = Tape.inference(device, Precision.FP32);
        var middle = Tape.inference(device, Precision.FP32);
        var large = Tape.inference(device, Precision.FP32)) {
      var tapes = List.of(small, middle, large);
      var sums = new ArrayList<DeviceBuffer>();
      for (int shape = 0; shape < 3; shape++) {
        Batch batch = feed.batch(tapes.get(shape), shape);
        assertEquals(2, batch.lengths("tags").batch());
        sums.add(batch.lengths("sound").sum(batch.floats("sound")).value());
      }
      feed.start(batches.over(records).epoch(new SavableRandom(0)));
      for (int i = 0; i < 20; i++) {
        int shape = feed.next(0);
        feed.fetch(shape);
        tapes.get(shape).forward();
        float[] expected = {sum(2 * i), sum(2 * i + 1)};
        assertArrayEquals(expected, sums.get(shape).toFloats(), "batch " + i);
        feed.done();
      }
    }
  }

  /** Of record i, 1 + i % MOST steps: i, i + 1, ... */
  private static float[][] ramp(int record) {
    var steps = new float[1 + record % MOST][1];
    for (int t = 0; t < steps.length; t++) {
      steps[t][0] = record + t;
    }
    return steps;
  }

  private static float sum(int record) {
    int steps = 1 + record % MOST;
    return steps * record + steps * (steps - 1) / 2f;
  }

  @Test
  void aBatchKnowsItsSlots() {
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, BATCHES.layout());
        var tape = Tape.inference(device, Precision.FP32);
        var other = Tape.inference(device, Precision.FP64)) {
      Batch batch = feed.batch(tape, 1);
      assertEquals(BATCH, batch.size());
      assertArrayEquals(new int[] {6, BATCH}, batch.tokens("words").shape());
      assertArrayEquals(new int[] {6, BATCH}, batch.labels("tags").shape());
      assertArrayEquals(new int[] {BATCH}, batch.labels("y").shape());
      assertRefused("no slot letters in a batch of [words, tags, x, y]", batch::tokens, "letters");
      assertRefused("slot y holds LABEL, not TOKENS", batch::tokens, "y");
      assertRefused("slot words holds TOKENS, not LABEL or LABELS", batch::labels, "words");
      assertRefused("slot x holds VECTOR, not FLOATS", batch::floats, "x");
      assertRefused("slot y holds LABEL, not VECTOR", batch::vector, "y");
      assertRefused("slot y has no lengths: it holds LABEL", batch::lengths, "y");
      var e = assertThrows(IllegalArgumentException.class, () -> feed.batch(other, 1));
      assertEquals("a tape of FLOAT64 for batches of FLOAT32", e.getMessage());
      assertThrows(IndexOutOfBoundsException.class, () -> feed.batch(tape, 3));
      assertThrows(IllegalStateException.class, () -> feed.next(0));
    }
  }

  @Test
  void aTextHasNoLengths() {
    var text = TextWindows.training(new int[100], 2, 5, false);
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, text.layout());
        var tape = Tape.inference(device, Precision.FP32)) {
      Batch batch = feed.batch(tape, 0);
      assertArrayEquals(new int[] {5, 2}, batch.tokens(TextWindows.TOKENS).shape());
      assertArrayEquals(new int[] {5, 2}, batch.labels(TextWindows.LABELS).shape());
      assertRefused(
          "slot labels has no lengths: all of its rows have 5 steps",
          batch::lengths,
          TextWindows.LABELS);
    }
  }

  private static void assertRefused(String message, Function<String, ?> slot, String name) {
    var e = assertThrows(IllegalArgumentException.class, () -> slot.apply(name));
    assertEquals(message, e.getMessage());
  }

  @Test
  void whatIsPaddingIsCounted() throws IOException {
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, BATCHES.layout())) {
      feed.start(source(2).epoch(new SavableRandom(0)));
      assertTrue(Double.isNaN(feed.padding()));
      step(feed);
      assertEquals(1 + 2 + 3, feed.steps());
      assertEquals(1 - 6 / 9.0, feed.padding());
      step(feed);
      assertEquals(4 + 5 + 6, feed.steps());
      assertEquals(1 - 21 / 27.0, feed.padding());
    }
  }

  private static void step(Feed feed) throws IOException {
    feed.fetch(feed.next(0));
    feed.done();
  }

  @Test
  void aPassIsClosedWhenAnotherBegins() throws IOException {
    var closed = new ArrayList<Integer>();
    class Pass implements Epoch {
      private final int number;

      Pass(int number) {
        this.number = number;
      }

      @Override
      public int next(HostBatch target) {
        return -1;
      }

      @Override
      public void skip(long batches) {}

      @Override
      public void close() {
        closed.add(number);
      }
    }

    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, BATCHES.layout())) {
      feed.start(new Pass(1));
      feed.start(new Pass(2));
      assertEquals(List.of(1), closed);
      assertEquals(-1, feed.next(0));
      assertEquals(List.of(1, 2), closed);
      feed.start(new Pass(3));
    }
    assertEquals(List.of(1, 2, 3), closed);
  }

  /** On neither side of the ring; the host's calls are the kernel, and a mark in each half. */
  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void feedingAllocatesNothing(int bucketed) throws Exception {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    var words = new int[][] {{1, 2, 3}, {4}, {5, 6, 7, 8, 9, 10}};
    var source =
        Batches.<Integer>of(BATCH)
            .tokens("words", MOST, i -> words[i])
            .label("y", i -> words[i].length)
            .over(Collections.nCopies(1 << 28, 2))
            .bucketed(bucketed);
    try (var device = Device.open();
        var feed = Feed.create(device, Precision.FP32, source.layout())) {
      feed.start(source.epoch(new SavableRandom(0)));
      steps(feed, 5000);
      long reader =
          Thread.getAllStackTraces().keySet().stream()
              .filter(thread -> thread.getName().equals("cudnn4j-batches"))
              .mapToLong(Thread::threadId)
              .max()
              .orElseThrow();
      device.stream().synchronize();
      // The least of several rounds: the compiler may put something of its own into one.
      long least = Long.MAX_VALUE;
      long leastOfReader = Long.MAX_VALUE;
      for (int round = 0; round < 5; round++) {
        long start = threads.getCurrentThreadAllocatedBytes();
        long startOfReader = threads.getThreadAllocatedBytes(reader);
        steps(feed, 320);
        leastOfReader =
            Math.min(leastOfReader, threads.getThreadAllocatedBytes(reader) - startOfReader);
        least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - start);
      }
      assertEquals(0, least, "bytes of Java heap in 320 batches");
      assertEquals(0, leastOfReader, "bytes of Java heap of the reader");
      var control = HostControl.ifHost();
      if (control.isPresent()) {
        long calls = control.get().calls();
        steps(feed, 320);
        assertEquals(320 + 2 * (320 / 16), control.get().calls() - calls);
      }
    }
  }

  private static void steps(Feed feed, int count) throws IOException {
    for (int i = 0; i < count; i++) {
      step(feed);
    }
  }
}
