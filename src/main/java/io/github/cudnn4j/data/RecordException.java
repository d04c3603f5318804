package io.github.cudnn4j.data;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A record that cannot be read or does not fit into a batch. */
public final class RecordException extends IOException {

  private static final long serialVersionUID = 1;

  /** Counted from 1. */
  private final long number;

  RecordException(long number, String message, @Nullable Throwable cause) {
    super("record " + number + ": " + message, cause);
    this.number = number;
  }

  static RecordException reading(long number, Throwable cause) {
    return new RecordException(number, "cannot be read: " + cause, cause);
  }

  /** Returns which record it is, counted from 1; in a file, the number of its line. */
  public long number() {
    return number;
  }
}
