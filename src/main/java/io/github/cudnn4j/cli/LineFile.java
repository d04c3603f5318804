package io.github.cudnn4j.cli;

import io.github.cudnn4j.model.TextFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

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

  /**
   * Makes something of a line with a TAB.
   *
   * @param <T> what is made
   */
  @FunctionalInterface
  interface PairReader<T> {
    /**
     * Reads a line.
     *
     * @param number counted from 1
     * @param before what is in front of the first TAB
     * @param after what is behind it
     */
    T read(int number, String before, String after) throws IOException;
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

  /**
   * Reads all lines but blank ones; each must have a TAB.
   *
   * @param record what a line is called
   * @param expected what a line is to have
   * @throws IOException if the file cannot be read, has no line, or one has no TAB
   */
  <T> List<T> readPairs(String record, String expected, PairReader<T> reader) throws IOException {
    List<T> pairs = new ArrayList<>();
    read(
        (number, line) -> {
          if (!line.isBlank()) {
            int tab = tab(number, line, expected);
            pairs.add(reader.read(number, line.substring(0, tab), line.substring(tab + 1)));
          }
        });
    if (pairs.isEmpty()) {
      throw wrong(0, "there is no " + record, "lines of " + expected);
    }
    return pairs;
  }

  /** Returns where the first TAB of a line is. */
  int tab(int number, String line, String expected) throws IOException {
    int tab = line.indexOf('\t');
    if (tab < 0) {
      throw wrong(number, "there is no TAB", expected);
    }
    return tab;
  }

  /** Returns what is wrong with a line, or the file if {@code number} is 0. */
  IOException wrong(int number, String what, String expected) {
    return new IOException(
        (number == 0 ? name : place(number)) + ": " + what + "; expected " + expected);
  }

  /** Names a line. */
  String place(int number) {
    return name + ", line " + number;
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
