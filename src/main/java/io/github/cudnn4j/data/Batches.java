package io.github.cudnn4j.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * How records become batches: the slots, each with the function that gives a record's part of it.
 *
 * {@snippet :
 * record Review(int[] words, int mood) {}
 *
 * var batches = Batches.<Review>of(32)
 *     .tokens("words", 200, Review::words)
 *     .label("mood", Review::mood);
 * BatchSource training = batches.over(reviews).shuffled(42).bucketed(50);
 * }
 *
 * <p>A record that does not fit ends the pass with a {@link RecordException}, as does a function
 * that throws. The functions are called once for each record and pass, by a thread that reads
 * ahead; what they return must not change until the pass has gone on.
 *
 * <p>Immutable: a method that adds a slot returns another one.
 *
 * @param <R> the type of the records
 */
public final class Batches<R> {

  /**
   * Opens what records come from, once for each pass.
   *
   * @param <R> the type of the records
   */
  @FunctionalInterface
  public interface Opener<R> {

    /**
     * Returns all records. If the iterator is {@link AutoCloseable}, it is closed when the pass
     * ends. If it throws an {@link java.io.UncheckedIOException}, its cause is what is reported.
     *
     * @throws IOException if the records cannot be opened
     */
    Iterator<? extends R> open() throws IOException;
  }

  private final BatchLayout layout;
  private final List<Row.Encoder<R>> encoders;

  private Batches(BatchLayout layout, List<Row.Encoder<R>> encoders) {
    this.layout = layout;
    this.encoders = encoders;
  }

  /**
   * Begins without slots.
   *
   * @param batch the number of rows, B
   * @throws IllegalArgumentException if it is not positive
   */
  public static <R> Batches<R> of(int batch) {
    return new Batches<>(BatchLayout.of(batch), List.of());
  }

  /** As {@link #tokens(String, int, int, Function)}, with at least one step in each row. */
  public Batches<R> tokens(String name, int maxTime, Function<? super R, int[]> tokens) {
    return tokens(name, 1, maxTime, tokens);
  }

  /**
   * Adds a sequence of tokens, 0 or more each, and its lengths.
   *
   * @param minTime the fewest steps of a row; without steps it has no place in a network
   * @param maxTime the most steps of a row
   * @throws IllegalArgumentException as {@link BatchLayout#tokens} does
   */
  public Batches<R> tokens(
      String name, int minTime, int maxTime, Function<? super R, int[]> tokens) {
    return with(layout.tokens(name, minTime, maxTime), tokens);
  }

  /**
   * Adds a label for each record; a negative one does not count.
   *
   * @throws IllegalArgumentException as {@link BatchLayout#label} does
   */
  public Batches<R> label(String name, ToIntFunction<? super R> label) {
    Objects.requireNonNull(label, "function");
    return with(
        layout.label(name), (record, row, slot) -> row.labels[slot] = label.applyAsInt(record));
  }

  /**
   * Adds a label for each step of a sequence; a negative one does not count.
   *
   * @param like the name of the sequence, added before; a record has as many labels as steps
   * @throws IllegalArgumentException as {@link BatchLayout#labels} does
   */
  public Batches<R> labels(String name, String like, Function<? super R, int[]> labels) {
    return with(layout.labels(name, like), labels);
  }

  /** As {@link #floats(String, int, int, int, Function)}, with at least one step in each row. */
  public Batches<R> floats(
      String name, int maxTime, int columns, Function<? super R, float[][]> floats) {
    return floats(name, 1, maxTime, columns, floats);
  }

  /**
   * Adds a sequence of vectors and its lengths.
   *
   * @param minTime the fewest steps of a row; without steps it has no place in a network
   * @param maxTime the most steps of a row
   * @param columns the elements of a vector, F
   * @param floats gives {@code [T][F]}
   * @throws IllegalArgumentException as {@link BatchLayout#floats} does
   */
  public Batches<R> floats(
      String name, int minTime, int maxTime, int columns, Function<? super R, float[][]> floats) {
    return with(layout.floats(name, minTime, maxTime, columns), floats);
  }

  /**
   * Adds a vector for each record.
   *
   * @param columns its elements, F
   * @throws IllegalArgumentException as {@link BatchLayout#vector} does
   */
  public Batches<R> vector(String name, int columns, Function<? super R, float[]> vector) {
    return with(layout.vector(name, columns), vector);
  }

  /**
   * Sets how many shapes a batch can have, as {@link BatchLayout#shapes(int)} does.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  public Batches<R> shapes(int shapes) {
    return new Batches<>(layout.shapes(shapes), encoders);
  }

  /** Returns what a batch holds. */
  public BatchLayout layout() {
    return layout;
  }

  /** Takes the records of a list, which must not change. */
  public Records<R> over(List<? extends R> records) {
    return source(new ListOrigin<>(records));
  }

  /** Takes records as they come; the same ones at each pass, if a training is to be resumed. */
  public Records<R> over(Opener<? extends R> records) {
    Objects.requireNonNull(records, "records");
    return source(
        (order, window) -> ShuffledReader.of(new IteratorReader<>(records.open()), order, window));
  }

  /**
   * Takes the lines of a file of UTF-8, which is read as it is needed and may be larger than the
   * memory.
   *
   * @param parse gives the record of a line; null if it holds none
   */
  public Records<R> lines(Path file, Function<String, ? extends @Nullable R> parse) {
    return source(new FileOrigin<R>(file, parse));
  }

  private Records<R> source(Records.Origin<R> origin) {
    if (layout.slots().isEmpty()) {
      throw new IllegalStateException("batches without slots");
    }
    return new Records<>(layout, encoders, origin);
  }

  private Batches<R> with(BatchLayout more, Row.Encoder<R> encoder) {
    var longer = new ArrayList<>(encoders);
    longer.add(encoder);
    return new Batches<>(more, List.copyOf(longer));
  }

  private Batches<R> with(BatchLayout more, Function<? super R, ?> part) {
    Objects.requireNonNull(part, "function");
    return with(more, (record, row, slot) -> row.values[slot] = part.apply(record));
  }
}
