package io.github.cudnn4j.data;

import java.io.IOException;

/**
 * One pass through data, batch by batch. What is random about it was drawn when it was made.
 *
 * <p>For one thread at a time. An owner of what it reads from.
 */
public interface Epoch extends AutoCloseable {

  /**
   * Writes the next batch.
   *
   * @return its shape, -1 if there is none
   * @throws IllegalArgumentException if the target is not one of the source's layout
   * @throws RecordException if a record cannot be read or does not fit; the batches before are not
   *     lost
   * @throws java.io.InterruptedIOException if this thread is interrupted, and stays so, while it
   *     would have to wait; the batch is not lost
   * @throws IOException if reading fails
   */
  int next(HostBatch target) throws IOException;

  /**
   * Leaves out batches, to go on where another pass ended.
   *
   * @param batches 0 or more
   * @throws IOException if reading fails or there are not as many
   */
  void skip(long batches) throws IOException;

  /**
   * Ends the pass wherever it is. Never waits for data.
   *
   * @throws IOException if what is read cannot be closed
   */
  @Override
  void close() throws IOException;
}
