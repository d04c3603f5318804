package io.github.cudnn4j.data;

import java.io.Closeable;
import java.io.IOException;

/** Gives records one after the other. */
interface RecordReader<R> extends Closeable {

  /**
   * Reads the next record and its number into a row.
   *
   * @return false if there is none
   * @throws RecordException if it cannot be read
   */
  boolean read(Row<R> row) throws IOException;
}
