package io.github.cudnn4j.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Records as batches, in their own order or shuffled, as they come or those of similar length
 * together. What the last batch of a pass lacks is filled up with rows that do not count.
 *
 * <p>They are read and encoded by a thread of their own, a few batches ahead of the one that takes
 * them.
 *
 * <p>Immutable: a method that sets an option returns another one.
 *
 * @param <R> the type of the records
 */
public final class Records<R> implements BatchSource {

  private static final int SHUFFLE_WINDOW = 10_000;

  /** Where records come from. */
  interface Origin<R> {

    /**
     * Begins with the first.
     *
     * @param order draws the order; null for that which they have
     * @param window how many records to draw from, where not all are at hand
     */
    RecordReader<R> open(@Nullable RandomGenerator order, int window) throws IOException;

    /** Tells these records from others, as far as that is cheap. */
    default Map<String, Object> identity() throws IOException {
      return Map.of();
    }

    /** Returns how many there are, -1 if that is not known. */
    default long count() {
      return -1;
    }
  }

  private final BatchLayout layout;
  private final List<Row.Encoder<R>> encoders;
  private final Origin<R> origin;
  private final @Nullable Long seed;
  private final int shuffleWindow;
  private final int bucketBatches;

  private Records(
      BatchLayout layout,
      List<Row.Encoder<R>> encoders,
      Origin<R> origin,
      @Nullable Long seed,
      int shuffleWindow,
      int bucketBatches) {
    this.layout = layout;
    this.encoders = encoders;
    this.origin = origin;
    this.seed = seed;
    this.shuffleWindow = shuffleWindow;
    this.bucketBatches = bucketBatches;
  }

  Records(BatchLayout layout, List<Row.Encoder<R>> encoders, Origin<R> origin) {
    this(layout, encoders, origin, null, SHUFFLE_WINDOW, 1);
  }

  /** As {@link #shuffled(long, int)}, with a window of 10000 records. */
  public Records<R> shuffled(long seed) {
    return shuffled(seed, SHUFFLE_WINDOW);
  }

  /**
   * Takes the records in another random order at each pass: of a list, any; of an iterator or a
   * file, each is drawn from the next {@code window}, which are kept in memory.
   *
   * @param seed makes this order another than that of the same pass with another seed
   * @throws IllegalArgumentException if {@code window} is not positive
   */
  public Records<R> shuffled(long seed, int window) {
    requirePositive(window, "window");
    return new Records<>(layout, encoders, origin, seed, window, bucketBatches);
  }

  /**
   * Puts records of similar length together, so that less is padding: of each {@code batches} times
   * B records that follow each other, the shortest go into one batch, and so on. If the records are
   * shuffled, so are these batches; otherwise the shortest come first.
   *
   * <p>On average over n batches and K shapes, a row of one sequence gets at most T·(1/n + 1/K)
   * steps of padding; {@link Feed#padding} tells how much it is.
   *
   * @throws IllegalArgumentException if {@code batches} is not positive, or has 2³¹ records or more
   */
  public Records<R> bucketed(int batches) {
    requirePositive(batches, "batches");
    if ((long) batches * layout.batch() > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          batches + " batches of " + layout.batch() + ", together at most " + Integer.MAX_VALUE);
    }
    return new Records<>(layout, encoders, origin, seed, shuffleWindow, batches);
  }

  private static void requirePositive(int value, String name) {
    if (value < 1) {
      throw new IllegalArgumentException(name + " = " + value + ", must be at least 1");
    }
  }

  @Override
  public BatchLayout layout() {
    return layout;
  }

  /**
   * The number of records of a list or the bytes of a file, if it is one, and the options.
   *
   * @throws UncheckedIOException if the file cannot be found
   */
  @Override
  public Map<String, Object> identity() {
    try {
      var identity = new LinkedHashMap<String, Object>(origin.identity());
      if (seed != null) {
        identity.put("shuffled", seed);
        identity.put("window", (long) shuffleWindow);
      }
      identity.put("bucketed", (long) bucketBatches);
      return identity;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public long batches() {
    long count = origin.count();
    return count < 0 ? count : Math.ceilDiv(count, layout.batch());
  }

  /** Begins a pass; of the generator it takes one number if the records are shuffled. */
  @Override
  public Epoch epoch(RandomGenerator random) throws IOException {
    Objects.requireNonNull(random, "random");
    var order = seed == null ? null : new SavableRandom(seed ^ random.nextLong());
    return new ReadAhead(
        new RecordEpoch<>(
            layout, encoders, origin.open(order, shuffleWindow), order, bucketBatches));
  }
}
