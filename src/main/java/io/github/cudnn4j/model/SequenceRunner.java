package io.github.cudnn4j.model;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/**
 * Applies a model to sequences of any lengths, those of similar length together.
 *
 * <p>Owner of a tape for each shape that occurs: steps and rows are powers of two, so there are
 * few. Belongs to the device's thread.
 *
 * @param <T> what the model puts out, on the device
 */
public final class SequenceRunner<T> implements AutoCloseable {

  private static final int MOST_ROWS = 64;
  private static final int FEWEST_STEPS = 8;

  /** The largest power of two. */
  private static final int MOST_STEPS = 1 << 30;

  /** Records the model. */
  @FunctionalInterface
  public interface Recorder<T> {

    /**
     * Records a batch.
     *
     * @param tape for inference
     * @param tokens {@code [T, B]}, -1 behind the end of a row
     */
    T record(Tape tape, Indices tokens, Lengths lengths);
  }

  /** Takes what a batch gave; may wait for the device. */
  @FunctionalInterface
  public interface Reader<T> {
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
  private boolean closed;

  /** Prepares to apply a model, which is recorded when sequences come. */
  public SequenceRunner(Device device, Precision precision, Recorder<T> recorder) {
    this.device = Objects.requireNonNull(device, "device");
    this.precision = Objects.requireNonNull(precision, "precision");
    this.recorder = Objects.requireNonNull(recorder, "recorder");
  }

  /**
   * Applies a model once, to sequences of at least one token each; waits for the device.
   *
   * @param parameters those of the model
   * @param recorder records the vectors of the steps, {@code [T, B, C]}
   * @return {@code [T][C]} of each sequence
   */
  public static List<double[][]> vectors(
      Parameters parameters, List<int[]> sequences, Recorder<Tensor> recorder) {
    double[][][] found = new double[sequences.size()][][];
    try (var runner = new SequenceRunner<>(parameters.device(), parameters.precision(), recorder)) {
      runner.run(
          sequences,
          (output, rows) -> {
            double[][] vectors = Values.matrix(output);
            int batch = output.dim(1);
            for (int row = 0; row < rows.length; row++) {
              double[][] steps = new double[sequences.get(rows[row]).length][];
              for (int t = 0; t < steps.length; t++) {
                steps[t] = vectors[t * batch + row];
              }
              found[rows[row]] = steps;
            }
          });
    }
    return List.of(found);
  }

  /**
   * Runs all sequences, the longest first.
   *
   * @throws IllegalArgumentException if a sequence has no token or more than 2<sup>30</sup>; none
   *     is run then
   * @throws IllegalStateException if this is closed
   */
  public void run(List<int[]> sequences, Reader<T> reader) {
    if (closed) {
      throw new IllegalStateException("the runner is closed");
    }
    for (int i = 0; i < sequences.size(); i++) {
      int length = sequences.get(i).length;
      if (length < 1 || length > MOST_STEPS) {
        throw new IllegalArgumentException(
            "sequence " + i + " has " + length + " tokens, must have from 1 to " + MOST_STEPS);
      }
    }
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
    return least == 1 ? 1 : 2 * Integer.highestOneBit(least - 1);
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
    closed = true;
  }
}
