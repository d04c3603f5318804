package io.github.cudnn4j.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;

/** Reads what an iterator gives. */
final class IteratorReader<R> implements RecordReader<R> {
  private final Iterator<? extends R> records;
  private long number;

  IteratorReader(Iterator<? extends R> records) {
    this.records = records;
  }

  @Override
  public boolean read(Row<R> row) throws RecordException {
    number++;
    R record;
    try {
      if (!records.hasNext()) {
        return false;
      }
      record = records.next();
    } catch (UncheckedIOException e) {
      throw RecordException.reading(number, e.getCause());
    } catch (RuntimeException e) {
      throw RecordException.reading(number, e);
    }
    if (record == null) {
      throw new RecordException(number, "is null", null);
    }
    row.set(record, number);
    return true;
  }

  @Override
  public void close() throws IOException {
    if (records instanceof AutoCloseable closeable) {
      try {
        closeable.close();
      } catch (IOException | RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IOException(e);
      }
    }
  }
}
