package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Tape;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Applies a model to sequences of any lengths, those of similar length together.
 *
 * <p>Owner of a tape for each shape that occurs: steps and rows are powers of two, so there are
 * few. Belongs to the device's thread.
 *
 * @param <T> what the model puts out, on the device
 */
final class SequenceRunner<T> implements AutoCloseable {

  private static final int MOST_ROWS = 64;
  private static final int FEWEST_STEPS = 8;

  /** Records the model. */
  @FunctionalInterface
  interface Recorder<T> {
    T record(Tape tape, Indices tokens, Lengths lengths);
  }

  /** Takes what a batch gave; may wait for the device. */
  @FunctionalInterface
  interface Reader<T> {
    /**
     * Reads a batch.
     *
     * @param rows which of the sequences the first rows are
     */
    void read(T output, int[] rows);
  }

  private record Shape(int steps, int rows) {}

  private record Recorded<T>(Tape tape, Indices tokens, Lengths lengths, T output) {}

  private final Device device;
  private final Precision precision;
  private final Recorder<T> recorder;
  private final Parts parts = new Parts();
  private final Map<Shape, Recorded<T>> recorded = new HashMap<>();

  SequenceRunner(Device device, Precision precision, Recorder<T> recorder) {
    this.device = device;
    this.precision = precision;
    this.recorder = recorder;
  }

  /** Runs all sequences, each of at least one token, the longest first. */
  void run(List<int[]> sequences, Reader<T> reader) {
    int[] order =
        IntStream.range(0, sequences.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> -sequences.get(i).length))
            .mapToInt(i -> i)
            .toArray();
    for (int first = 0; first < order.length; first += MOST_ROWS) {
      int[] rows = Arrays.copyOfRange(order, first, Math.min(order.length, first + MOST_ROWS));
      int steps = Math.max(FEWEST_STEPS, powerOfTwo(sequences.get(rows[0]).length));
      Recorded<T> batch =
          recorded.computeIfAbsent(new Shape(steps, powerOfTwo(rows.length)), this::record);
      fill(batch, sequences, rows);
      batch.tape.forward();
      reader.read(batch.output, rows);
    }
  }

  private static int powerOfTwo(int least) {
    return least == 1 ? 1 : Math.multiplyExact(2, Integer.highestOneBit(least - 1));
  }

  private Recorded<T> record(Shape shape) {
    Tape tape = Tape.inference(device, precision);
    try {
      Indices tokens = tape.indices(shape.steps, shape.rows);
      Lengths lengths = tape.lengths(shape.rows);
      T output = recorder.record(tape, tokens, lengths);
      parts.add(tape);
      return new Recorded<>(tape, tokens, lengths, output);
    } catch (RuntimeException | Error e) {
      try (tape) {
        throw e;
      }
    }
  }

  /** Rows that are left over have one unknown token. */
  private void fill(Recorded<T> batch, List<int[]> sequences, int[] rows) {
    int count = batch.tokens.dim(1);
    int[] tokens = new int[(int) batch.tokens.elements()];
    Arrays.fill(tokens, -1);
    int[] lengths = new int[count];
    for (int row = 0; row < count; row++) {
      int[] sequence = row < rows.length ? sequences.get(rows[row]) : new int[1];
      lengths[row] = sequence.length;
      for (int t = 0; t < sequence.length; t++) {
        tokens[t * count + row] = sequence[t];
      }
    }
    batch.tokens.buffer().copyFrom(tokens);
    batch.lengths.set(lengths);
  }

  @Override
  public void close() {
    parts.close();
  }
}
