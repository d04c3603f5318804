package io.github.cudnn4j.cuda;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Objects;

/**
 * The parts that an owner acquires one after the other and closes together.
 *
 * <pre>{@code
 * Parts parts = new Parts();
 * try {
 *   var a = parts.add(A.create());
 *   var b = parts.add(B.create(a));       // fails: a is closed
 *   return new Owner(parts, a, b);        // its release() calls parts.close()
 * } catch (Throwable t) {
 *   throw parts.abandon(t);
 * }
 * }</pre>
 *
 * <p>It belongs to one thread at a time, as what it holds does.
 */
public final class Parts implements AutoCloseable {
  private final Deque<AutoCloseable> newestFirst = new ArrayDeque<>();

  /** Holds nothing yet. */
  public Parts() {}

  /** Takes a part over and returns it. */
  public <T extends AutoCloseable> T add(T part) {
    newestFirst.push(Objects.requireNonNull(part, "part"));
    return part;
  }

  /** Gives a part back, which is not closed here any more; does nothing if it is not held. */
  public void remove(AutoCloseable part) {
    newestFirst.remove(part);
  }

  /**
   * Closes every part, the newest first, also those after one that fails to close. Parts of another
   * thread stay, for that one to close them.
   *
   * @throws RuntimeException the first failure, the others suppressed in it
   */
  @Override
  public void close() {
    RuntimeException first = null;
    var refused = new ArrayList<AutoCloseable>();
    while (!newestFirst.isEmpty()) {
      AutoCloseable part = newestFirst.pop();
      try {
        part.close();
      } catch (WrongThreadException e) {
        refused.add(part);
        first = first == null ? e : first;
      } catch (Exception e) {
        if (first == null) {
          first = e instanceof RuntimeException unchecked ? unchecked : new RuntimeException(e);
        } else {
          first.addSuppressed(e);
        }
      }
    }
    newestFirst.addAll(refused);
    if (first != null) {
      throw first;
    }
  }

  /**
   * Closes every part because the owner could not be made; failures are suppressed in the cause.
   *
   * @param cause an unchecked exception or an error
   * @return the cause, to be thrown
   */
  public RuntimeException abandon(Throwable cause) {
    try {
      close();
    } catch (RuntimeException e) {
      cause.addSuppressed(e);
    }
    if (cause instanceof Error error) {
      throw error;
    }
    return (RuntimeException) cause;
  }
}
