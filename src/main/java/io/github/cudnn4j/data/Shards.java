package io.github.cudnn4j.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Objects;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Some of the equal parts of every batch of a source, as batches of their own: of S shards, s has
 * the rows s, s + S, s + 2S and so on. So rows of similar length, and the rows that a last batch
 * has, are spread over all, and a state that is carried from batch to batch stays in its shard.
 *
 * <p>A batch becomes as many batches as there are shards here, in their order, all of the shape
 * that it would have as a whole. Immutable.
 */
public final class Shards implements BatchSource {

  private final BatchSource source;
  private final int shards;
  private final int first;
  private final int count;
  private final BatchLayout layout;

  private Shards(BatchSource source, int shards, int first, int count) {
    this.source = Objects.requireNonNull(source, "source");
    this.shards = shards;
    this.first = first;
    this.count = count;
    layout = source.layout().divided(shards);
    if (count < 1) {
      throw new IllegalArgumentException("count is " + count + ", must be 1 or more");
    }
    Objects.checkFromIndexSize(first, count, shards);
  }

  /**
   * Divides batches.
   *
   * @param shards into how many parts, S
   * @param first the first of them that is here
   * @param count how many are here
   * @throws IllegalArgumentException if the rows of a batch cannot be divided so, or {@code count}
   *     is below 1
   * @throws IndexOutOfBoundsException if there are not as many shards
   */
  public static Shards of(BatchSource source, int shards, int first, int count) {
    return new Shards(source, shards, first, count);
  }

  @Override
  public BatchLayout layout() {
    return layout;
  }

  /** That of the source. */
  @Override
  public Map<String, Object> identity() {
    return source.identity();
  }

  @Override
  public long batches() {
    long batches = source.batches();
    return batches < 0 ? batches : Math.multiplyExact(batches, count);
  }

  @Override
  public boolean isSequel() {
    return source.isSequel();
  }

  @Override
  public Epoch epoch(RandomGenerator random) throws IOException {
    return new Parts(source.epoch(random));
  }

  private final class Parts implements Epoch {
    private final Epoch epoch;
    private @Nullable HostBatch whole;

    /** The parts of the batch that are still to come. */
    private int left;

    Parts(Epoch epoch) {
      this.epoch = epoch;
    }

    @Override
    public int next(HostBatch place) throws IOException {
      layout.require(place.layout());
      HostBatch batch = whole;
      if (batch == null) {
        batch = place.ofOther(source.layout(), Arena.ofAuto());
        whole = batch;
      }
      if (left == 0) {
        if (epoch.next(batch) < 0) {
          return -1;
        }
        left = count;
      }
      place.takeShard(batch, first + count - left, shards);
      left--;
      return batch.shape();
    }

    @Override
    public void skip(long batches) throws IOException {
      if (batches % count != 0) {
        throw new IOException(batches + " shards to leave out, must be a multiple of " + count);
      }
      epoch.skip(batches / count);
    }

    @Override
    public void close() throws IOException {
      epoch.close();
    }
  }
}
