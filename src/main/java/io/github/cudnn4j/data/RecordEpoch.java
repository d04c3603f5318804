package io.github.cudnn4j.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Makes batches of records, a window of n batches at a time. */
final class RecordEpoch<R> implements Epoch {

  private final BatchLayout layout;
  private final List<Row.Encoder<R>> encoders;
  private final RecordReader<R> reader;
  private final @Nullable RandomGenerator order;
  private final boolean sorted;
  private final List<Row<R>> rows = new ArrayList<>();

  /** Of each row of the window, sorted: its length, then its index. */
  private final long[] keys;

  private final int[] batches;
  private int rowCount;
  private int batchCount;
  private int next;

  /**
   * Begins with the first record.
   *
   * @param order shuffles the batches of a window; null if they stay as they are
   */
  RecordEpoch(
      BatchLayout layout,
      List<Row.Encoder<R>> encoders,
      RecordReader<R> reader,
      @Nullable RandomGenerator order,
      int windowBatches) {
    this.layout = layout;
    this.encoders = encoders;
    this.reader = reader;
    this.order = order;
    this.sorted = windowBatches > 1;
    batches = new int[windowBatches];
    keys = new long[windowBatches * layout.batch()];
    for (int i = 0; i < keys.length; i++) {
      rows.add(new Row<>(layout.slots().size()));
    }
  }

  @Override
  public int next(HostBatch target) throws IOException {
    layout.require(target.layout());
    if (!hasNext(true)) {
      return -1;
    }
    int first = batches[next] * layout.batch();
    int count = Math.min(layout.batch(), rowCount - first);
    int shape = 0;
    for (int i = 0; i < count; i++) {
      shape = Math.max(shape, shape(row(first + i)));
    }
    target.begin(shape);
    long steps = 0;
    for (int i = 0; i < count; i++) {
      steps += write(row(first + i), target, i);
    }
    target.steps(steps);
    next++;
    return shape;
  }

  @Override
  public void skip(long count) throws IOException {
    for (long i = 0; i < count; i++) {
      if (!hasNext(false)) {
        throw new IOException(count + " batches to leave out, there are " + i);
      }
      next++;
    }
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }

  /** Reads a window if the one before is used up. */
  private boolean hasNext(boolean encoded) throws IOException {
    if (next < batchCount) {
      return true;
    }
    next = 0;
    batchCount = 0;
    rowCount = 0;
    while (rowCount < rows.size() && reader.read(rows.get(rowCount))) {
      Row<R> row = rows.get(rowCount);
      if (encoded || sorted) {
        encode(row);
      }
      keys[rowCount] = (sorted ? length(row) << Integer.SIZE : 0) | rowCount;
      rowCount++;
    }
    Arrays.sort(keys, 0, rowCount);
    batchCount = Math.ceilDiv(rowCount, layout.batch());
    for (int i = 0; i < batchCount; i++) {
      int other = order != null && sorted ? order.nextInt(i + 1) : i;
      batches[i] = batches[other];
      batches[other] = i;
    }
    return batchCount > 0;
  }

  private void encode(Row<R> row) throws RecordException {
    for (int slot = 0; slot < encoders.size(); slot++) {
      row.encode(layout, slot, encoders.get(slot));
    }
  }

  /**
   * Returns the longest of a row's sequences whose length varies, as a part of what it may be, of
   * 31 bits.
   */
  private long length(Row<R> row) {
    long longest = 0;
    for (int slot = 0; slot < row.times.length; slot++) {
      var described = layout.slots().get(slot);
      if (described.varies()) {
        longest =
            Math.max(longest, (long) row.times[slot] * Integer.MAX_VALUE / described.maxTime());
      }
    }
    return longest;
  }

  /** Returns the smallest shape into which a row fits. */
  private int shape(Row<R> row) {
    int shape = 0;
    for (int slot = 0; slot < row.times.length; slot++) {
      shape = Math.max(shape, layout.shape(slot, row.times[slot]));
    }
    return shape;
  }

  /** Writes all of a row; returns the steps of its sequences, 1 if it has none. */
  private long write(Row<R> row, HostBatch target, int at) {
    long steps = 0;
    boolean anySequence = false;
    target.record(at, row.number);
    for (int slot = 0; slot < row.times.length; slot++) {
      var described = layout.slots().get(slot);
      switch (described.kind()) {
        case TOKENS, LABELS -> target.ints(slot, at, (int[]) row.value(slot));
        case LABEL -> target.label(slot, at, row.labels[slot]);
        case FLOATS -> target.floats(slot, at, (float[][]) row.value(slot));
        case VECTOR -> target.vector(slot, at, (float[]) row.value(slot));
      }
      if (described.isSequence()) {
        anySequence = true;
        steps += row.times[slot];
      }
    }
    return anySequence ? steps : 1;
  }

  private Row<R> row(int index) {
    return rows.get((int) keys[index]);
  }
}
