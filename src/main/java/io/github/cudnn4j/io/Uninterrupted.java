package io.github.cudnn4j.io;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;

/** Work that goes on when its thread is interrupted. */
public final class Uninterrupted {

  private Uninterrupted() {}

  /**
   * Work on files, or on data that are read from somewhere.
   *
   * @param <T> what comes out
   */
  @FunctionalInterface
  public interface Work<T> {
    /** Does it, from its beginning. */
    T run() throws IOException;
  }

  /**
   * Does work that interrupting the thread does not end: it is begun again then, and the thread is
   * interrupted again when it is done.
   *
   * @throws IOException if the work fails otherwise
   */
  public static <T> T run(Work<T> work) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try {
          return work.run();
        } catch (ClosedByInterruptException | InterruptedIOException e) {
          if (!Thread.interrupted()) {
            throw e;
          }
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
