package io.github.cudnn4j.library;

/** The device that was asked for is not available; the message says why. */
public final class LibraryException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final transient LibraryReport report;

  LibraryException(String message, LibraryReport report) {
    super(message);
    this.report = report;
  }

  /** Returns everything that was tried. */
  public LibraryReport report() {
    return report;
  }
}
