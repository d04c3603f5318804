package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.TextFile;
import java.io.IOException;
import java.nio.file.Path;

/** The lines of a text file, and what is wrong with one. */
final class LineFile {

  /** Takes one line. */
  @FunctionalInterface
  interface Reader {
    /**
     * Reads a line.
     *
     * @param number counted from 1
     * @param line without its end
     */
    void read(int number, String line) throws IOException;
  }

  private final Path name;
  private final TextFile text;

  private LineFile(Path name, TextFile text) {
    this.name = name;
    this.text = text;
  }

  /** Opens the file that an option names. */
  static LineFile of(String option, Path file, EncodingOption encoding) throws IOException {
    return new LineFile(file, EncodingOption.open(option, file, encoding.charset()));
  }

  /** Reads all lines. */
  void read(Reader reader) throws IOException {
    Cursor cursor = new Cursor(reader);
    text.read(cursor::add);
    cursor.end();
  }

  /** Returns what is wrong with a line, or the file if {@code number} is 0. */
  IOException wrong(int number, String what, String expected) {
    return new IOException(
        name + (number == 0 ? "" : ", line " + number) + ": " + what + "; expected " + expected);
  }

  private static final class Cursor {
    private final Reader reader;
    private final StringBuilder line = new StringBuilder();
    private int number = 1;
    private boolean begun;
    private IOException failure;

    Cursor(Reader reader) {
      this.reader = reader;
    }

    boolean add(int character) {
      if (character == '\n') {
        next();
      } else {
        begun = true;
        line.appendCodePoint(character);
      }
      return failure == null;
    }

    void end() throws IOException {
      if (begun) {
        next();
      }
      if (failure != null) {
        throw failure;
      }
    }

    private void next() {
      int end = line.length() - 1;
      if (end >= 0 && line.charAt(end) == '\r') {
        line.setLength(end);
      }
      try {
        reader.read(number++, line.toString());
      } catch (IOException e) {
        failure = e;
      }
      line.setLength(0);
      begun = false;
    }
  }
}
