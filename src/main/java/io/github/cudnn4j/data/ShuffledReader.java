package io.github.cudnn4j.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Draws each record from a window of the next n. */
final class ShuffledReader<R> implements RecordReader<R> {
  private final RecordReader<R> records;
  private final RandomGenerator random;
  private final int size;
  private final List<Row<R>> window = new ArrayList<>();
  private int filled;
  private boolean ended;

  private ShuffledReader(RecordReader<R> records, RandomGenerator random, int size) {
    this.records = records;
    this.random = random;
    this.size = size;
  }

  /** Returns the records in their own order if there is no generator. */
  static <R> RecordReader<R> of(
      RecordReader<R> records, @Nullable RandomGenerator random, int size) {
    return random == null ? records : new ShuffledReader<>(records, random, size);
  }

  @Override
  public boolean read(Row<R> row) throws IOException {
    while (!ended && filled < size) {
      if (filled == window.size()) {
        window.add(new Row<>(0));
      }
      ended = !records.read(window.get(filled));
      filled += ended ? 0 : 1;
    }
    if (filled == 0) {
      return false;
    }
    Row<R> drawn = window.get(random.nextInt(filled));
    row.set(drawn);
    drawn.set(window.get(--filled));
    return true;
  }

  @Override
  public void close() throws IOException {
    records.close();
  }
}
