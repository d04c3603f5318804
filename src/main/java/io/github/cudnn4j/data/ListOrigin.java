package io.github.cudnn4j.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.RandomAccess;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/** Records of a list, which is shuffled as a whole. */
final class ListOrigin<R> implements Records.Origin<R> {
  private final List<? extends R> records;

  ListOrigin(List<? extends R> records) {
    Objects.requireNonNull(records, "records");
    this.records = records instanceof RandomAccess ? records : new ArrayList<>(records);
  }

  @Override
  public RecordReader<R> open(@Nullable RandomGenerator order, int window) {
    return new Reader(order == null ? null : permutation(order));
  }

  @Override
  public Map<String, Object> identity() {
    return Map.of("records", count());
  }

  @Override
  public long count() {
    return records.size();
  }

  /**
   * @see <a href="https://doi.org/10.1145/364520.364540">Durstenfeld, Algorithm 235: Random
   *     permutation, 1964</a>
   */
  private int[] permutation(RandomGenerator random) {
    var order = new int[records.size()];
    for (int i = 0; i < order.length; i++) {
      int other = random.nextInt(i + 1);
      order[i] = order[other];
      order[other] = i;
    }
    return order;
  }

  private final class Reader implements RecordReader<R> {
    private final int @Nullable [] order;
    private int next;

    Reader(int @Nullable [] order) {
      this.order = order;
    }

    @Override
    public boolean read(Row<R> row) throws RecordException {
      if (next == records.size()) {
        return false;
      }
      int index = order == null ? next : order[next];
      next++;
      R record = records.get(index);
      if (record == null) {
        throw new RecordException(index + 1L, "is null", null);
      }
      row.set(record, index + 1L);
      return true;
    }

    @Override
    public void close() {}
  }
}
