package io.github.cudnn4j.data;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import org.jspecify.annotations.Nullable;

/**
 * A pass whose batches another thread makes, a few ahead of the one that takes them. It ends with
 * the pass.
 */
final class ReadAhead implements Epoch {

  private static final int MOST_PLACES = 8;
  private static final int FEWEST_PLACES = 2;
  private static final long MOST_BYTES = 16 << 20;

  /** How long closing waits for a source that does not heed interrupts. */
  private static final long MOST_MILLIS = 1000;

  private final Epoch source;
  private HostBatch[] ring = {};
  private @Nullable Thread thread;

  /** The batches that were written to the ring, and those of them that were taken. */
  private long written;

  private long taken;
  private boolean ended;
  private boolean closed;
  private @Nullable Throwable failure;

  /** Takes over a pass. */
  ReadAhead(Epoch source) {
    this.source = source;
  }

  @Override
  public int next(HostBatch target) throws IOException {
    if (thread == null) {
      start(target);
    }
    HostBatch filled = awaitWritten();
    if (filled == null) {
      return -1;
    }
    target.copyFrom(filled);
    release();
    return target.shape();
  }

  @Override
  public void skip(long batches) throws IOException {
    if (thread == null && !closed) {
      source.skip(batches);
      return;
    }
    for (long i = 0; i < batches; i++) {
      if (awaitWritten() == null) {
        throw new IOException(batches + " batches to leave out, there are " + i);
      }
      release();
    }
  }

  private void start(HostBatch like) {
    if (closed) {
      throw new IllegalStateException("the epoch is closed");
    }
    long places = Math.clamp(MOST_BYTES / like.bytes(), FEWEST_PLACES, MOST_PLACES);
    ring = new HostBatch[(int) places];
    for (int i = 0; i < ring.length; i++) {
      // Freed when nobody can reach it, since a source may go on when this is closed.
      ring[i] = like.like(Arena.ofAuto().allocate(like.bytes(), Long.BYTES));
    }
    thread = Thread.ofPlatform().daemon().name("cudnn4j-batches").start(this::run);
  }

  private void run() {
    Throwable thrown = null;
    try (source) {
      for (HostBatch free = awaitFree(); free != null; free = awaitFree()) {
        if (source.next(free) < 0) {
          break;
        }
        publish();
      }
    } catch (Throwable t) {
      thrown = t;
    }
    end(thrown);
  }

  /** Returns the next place to write; null if no more is wanted. */
  private synchronized @Nullable HostBatch awaitFree() throws InterruptedIOException {
    try {
      while (written - taken == ring.length && !closed) {
        wait();
      }
    } catch (InterruptedException e) {
      throw new InterruptedIOException("interrupted while it read ahead");
    }
    return closed ? null : ring[(int) (written % ring.length)];
  }

  private synchronized void publish() {
    written++;
    notifyAll();
  }

  private synchronized void end(@Nullable Throwable thrown) {
    failure = thrown;
    ended = true;
    notifyAll();
  }

  /** Returns the next place to read; null at the end. */
  private synchronized @Nullable HostBatch awaitWritten() throws IOException {
    try {
      while (written == taken && !ended && !closed) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted while it waited for the next batch");
    }
    if (closed) {
      throw new IllegalStateException("the epoch is closed");
    }
    if (written > taken) {
      return ring[(int) (taken % ring.length)];
    }
    switch (failure) {
      case null -> {
        return null;
      }
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new IOException(failure);
    }
  }

  /** Wakes the reader, if it waits, only for half a ring: each time costs more than a batch. */
  private synchronized void release() {
    taken++;
    if (written - taken <= ring.length / 2) {
      notifyAll();
    }
  }

  @Override
  public void close() throws IOException {
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      notifyAll();
    }
    Thread reader = thread;
    if (reader == null) {
      source.close();
      return;
    }
    reader.interrupt();
    boolean interrupted = Thread.interrupted();
    try {
      reader.join(MOST_MILLIS);
    } catch (InterruptedException e) {
      interrupted = true;
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
