import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.data.Batches;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.train.Objective;
import io.github.cudnn4j.train.Trainer;
import io.github.cudnn4j.train.TrainerConfig;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.apache.arrow.c.ArrowArray;
import org.apache.arrow.c.ArrowSchema;
import org.apache.arrow.c.Data;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.Float4Vector;
import org.apache.arrow.vector.IntVector;
import org.apache.arrow.vector.VarCharVector;
import org.apache.arrow.vector.VectorSchemaRoot;
import org.apache.arrow.vector.complex.ListVector;
import org.apache.arrow.vector.complex.impl.UnionListWriter;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the guide shows of Arrow, with Arrow's own Java library on the other side. */
class ArrowTest {
  private final Random random = new Random(1);
  private BufferAllocator allocator;
  private int held;

  @BeforeEach
  void open() {
    allocator = new RootAllocator();
    held = Arrow.held();
  }

  /** Refused if anything of theirs has not been released. */
  @AfterEach
  void close() {
    allocator.close();
    assertEquals(held, Arrow.held());
  }

  /** Two numbers of the signal to a word. */
  private record Review(int[] words, float[] signal, int mood) {
    float[][] vectors() {
      return IntStream.range(0, words.length)
          .mapToObj(i -> new float[] {signal[2 * i], signal[2 * i + 1]})
          .toArray(float[][]::new);
    }
  }

  private Review review() {
    int mood = random.nextInt(2);
    int[] words = random.ints(random.nextInt(1, 9), 0, 20).toArray();
    words[random.nextInt(words.length)] = 20 + mood;
    float[] signal = new float[2 * words.length];
    for (int i = 0; i < signal.length; i++) {
      signal[i] = random.nextFloat();
    }
    return new Review(words, signal, mood);
  }

  private VectorSchemaRoot table(List<Review> reviews) {
    var words = ListVector.empty("words", allocator);
    var signal = ListVector.empty("signal", allocator);
    var mood = new IntVector("mood", allocator);
    var weight = new Float4Vector("weight", allocator);
    UnionListWriter wordWriter = words.getWriter();
    UnionListWriter signalWriter = signal.getWriter();
    mood.allocateNew(reviews.size());
    weight.allocateNew(reviews.size());
    for (int row = 0; row < reviews.size(); row++) {
      Review review = reviews.get(row);
      wordWriter.setPosition(row);
      wordWriter.startList();
      for (int word : review.words) {
        wordWriter.writeInt(word);
      }
      wordWriter.endList();
      signalWriter.setPosition(row);
      signalWriter.startList();
      for (float value : review.signal) {
        signalWriter.writeFloat4(value);
      }
      signalWriter.endList();
      mood.set(row, review.mood);
      weight.set(row, row / 2f);
    }
    for (FieldVector vector : List.of(words, signal, mood, weight)) {
      vector.setValueCount(reviews.size());
    }
    return VectorSchemaRoot.of(words, signal, mood, weight);
  }

  /** A table in the hands of others: the structures that it was exported to, and ours. */
  private record Exported(ArrowSchema schema, ArrowArray array, Arrow arrow)
      implements AutoCloseable {
    @Override
    public void close() {
      arrow.close();
      array.close();
      schema.close();
    }
  }

  private Exported export(VectorSchemaRoot root) {
    var schema = ArrowSchema.allocateNew(allocator);
    var array = ArrowArray.allocateNew(allocator);
    Data.exportVectorSchemaRoot(allocator, root, null, array, schema);
    return new Exported(schema, array, Arrow.at(schema.memoryAddress(), array.memoryAddress()));
  }

  private static List<Review> reviews(long schemaAddress, long arrayAddress) {
    try (var table = Arrow.at(schemaAddress, arrayAddress)) { // closing it releases the columns
      Arrow words = table.column("words"); // list<int32>
      Arrow signal = table.column("signal"); // list<float>
      MemorySegment moods = table.column("mood").values(); // int32
      return IntStream.range(0, table.length())
          .mapToObj(
              row -> {
                int mood = moods.getAtIndex(ValueLayout.JAVA_INT, row);
                return new Review(words.ints(row), signal.floats(row), mood);
              })
          .toList();
    }
  }

  @Test
  void theirSequencesAreTrainedOn() throws Exception {
    List<Review> reviews = IntStream.range(0, 200).mapToObj(_ -> review()).toList();
    List<Review> read;
    try (var root = table(reviews);
        var exported = export(root)) {
      root.clear();
      read = reviews(exported.schema.memoryAddress(), exported.array.memoryAddress());
    }
    assertEquals(reviews.size(), read.size());
    for (int row = 0; row < read.size(); row++) {
      assertArrayEquals(reviews.get(row).words, read.get(row).words);
      assertArrayEquals(reviews.get(row).signal, read.get(row).signal);
      assertEquals(reviews.get(row).mood, read.get(row).mood);
    }
    try (var device = Device.open();
        var p = Parameters.on(device, Precision.FP32)) {
      var embed = p.embedding("embed", 22, 8);
      var lstm = p.rnn("rnn", RnnConfig.lstm(10, 16));
      var head = p.linear("head", lstm.outputSize(), 2);
      p.initialize(1);
      Objective objective =
          (tape, in) -> {
            var x = tape.concatenate(embed.on(tape, in.tokens("words")), in.floats("signal"));
            var h = lstm.on(tape, x, in.lengths("words")).last();
            return tape.crossEntropy(head.on(tape, h), in.labels("mood"));
          };
      var batches =
          Batches.<Review>of(20)
              .tokens("words", 8, Review::words)
              .floats("signal", 8, 2, Review::vectors)
              .label("mood", Review::mood);
      var config = TrainerConfig.of(Optimizer.adam(1e-2)).epochs(20);
      try (var trainer = Trainer.of(p, objective, batches.over(read).shuffled(1), config)) {
        double loss = trainer.run().loss();
        assertTrue(loss < 0.2, () -> "the loss is " + loss);
      }
    }
  }

  @Test
  void theirNumbersAreComputedWithWhereTheyAre() {
    try (var root = table(List.of(review(), review(), review()));
        var exported = export(root);
        var device = Device.open();
        var memory =
            PinnedBuffer.register(
                device, ElementType.FLOAT32, exported.arrow.column("weight").values());
        var weight = DeviceBuffer.wrap(memory)) {
      device.blas().scal(4, weight);
      device.synchronize();
      var theirs = (Float4Vector) root.getVector("weight");
      assertEquals(2, theirs.get(1));
      assertEquals(4, theirs.get(2));
    }
  }

  @Test
  void oursAreTaken() {
    var ours =
        Arrow.table(
            Arrow.of("words", new int[][] {{1, 2}, {}, {3}}),
            Arrow.of("signal", new float[][] {{0.5f}, {1, 2, 3}, {}}),
            Arrow.of("class", new int[] {4, 5, 6}),
            Arrow.of("probability", new float[] {0.25f, 0.5f, 0.75f}));
    try (var array = ArrowArray.wrap(ours.arrayAddress());
        var schema = ArrowSchema.wrap(ours.schemaAddress());
        var root = Data.importVectorSchemaRoot(allocator, array, schema, null)) {
      assertEquals(3, root.getRowCount());
      assertEquals("[[1,2], [], [3]]", root.getVector("words").toString());
      assertEquals("[[0.5], [1.0,2.0,3.0], []]", root.getVector("signal").toString());
      assertEquals("[4, 5, 6]", root.getVector("class").toString());
      assertEquals("[0.25, 0.5, 0.75]", root.getVector("probability").toString());
    }
    ours.close();
  }

  @Test
  void whatOthersDoNotTakeIsReleasedHere() {
    try (var table = Arrow.table(Arrow.of("x", new float[][] {{1}, {2, 3}}))) {
      assertEquals(held + 6, Arrow.held());
      assertArrayEquals(new float[] {2, 3}, table.column("x").floats(1));
    }
    assertEquals(held, Arrow.held());
  }

  /** Rows from some row on, as others hand over a part. */
  @Test
  void partsAreRead() {
    try (var sequences = Arrow.of("x", new int[][] {{1}, {2, 3}, {4}});
        var numbers = Arrow.of("y", new int[] {1, 2, 3})) {
      for (Arrow each : List.of(sequences, numbers)) {
        var array = MemorySegment.ofAddress(each.arrayAddress()).reinterpret(24);
        array.setAtIndex(ValueLayout.JAVA_LONG, 0, 2);
        array.setAtIndex(ValueLayout.JAVA_LONG, 2, 1);
      }
      assertEquals(2, sequences.length());
      assertArrayEquals(new int[] {2, 3}, sequences.ints(0));
      assertArrayEquals(new int[] {4}, sequences.ints(1));
      assertArrayEquals(new int[] {2, 3}, numbers.values().toArray(ValueLayout.JAVA_INT));
    }
  }

  @Test
  void whatIsNotReadIsRefused() {
    var some = new IntVector("some", allocator);
    some.allocateNew(2);
    some.set(0, 1);
    some.setNull(1);
    some.setValueCount(2);
    var text = new VarCharVector("text", allocator);
    text.allocateNew(2);
    text.setValueCount(2);
    try (var root = VectorSchemaRoot.of(some, text);
        var exported = export(root)) {
      refuses("column some may have nulls", () -> exported.arrow.column("some").values());
      refuses(
          "text is of format u, must be of f or i", () -> exported.arrow.column("text").values());
      refuses("text is of format u, must be of +l", () -> exported.arrow.column("text").ints(0));
      refuses("there is no column other", () -> exported.arrow.column("other"));
    }
  }

  private static void refuses(String message, Runnable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action::run).getMessage());
  }
}
