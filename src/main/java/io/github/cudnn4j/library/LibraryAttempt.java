package io.github.cudnn4j.library;

import java.util.Locale;
import java.util.Objects;

/**
 * One look for one native library in one location.
 *
 * @param library the file or the group of files looked for
 * @param location the folder or file looked at; {@code loader} for the dynamic loader's own search
 * @param origin why it was looked at, for example {@code environment CUDA_HOME}
 * @param outcome what came of it
 * @param reason why the outcome is what it is; the version for a library that was found
 */
public record LibraryAttempt(
    String library, String location, String origin, Outcome outcome, String reason) {

  /** Refuses what is missing. */
  public LibraryAttempt {
    Objects.requireNonNull(library, "library");
    Objects.requireNonNull(location, "location");
    Objects.requireNonNull(origin, "origin");
    Objects.requireNonNull(outcome, "outcome");
    Objects.requireNonNull(reason, "reason");
  }

  /** What came of looking. */
  public enum Outcome {
    /** It is there and can be opened. */
    FOUND,
    /** It is not there. */
    MISSING,
    /** It is there and cannot be used. */
    REFUSED;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }
}
