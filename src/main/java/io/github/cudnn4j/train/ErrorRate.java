package io.github.cudnn4j.train;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Counts how many symbols of sequences have to be substituted, deleted or inserted to get the right
 * ones, by the Levenshtein distance: the rate of wrong characters, words or phonemes. Not for
 * concurrent use.
 */
public final class ErrorRate {

  private static final Pattern SPACE = Pattern.compile("\\s+");

  private long errors;
  private long symbols;
  private long exact;
  private long sequences;

  /** Has counted nothing. */
  public ErrorRate() {}

  /** Counts the symbols of a sequence, such as phonemes or labels, which are compared by equals. */
  public void add(List<?> right, List<?> predicted) {
    int distance = distance(right, predicted);
    errors += distance;
    symbols += right.size();
    exact += distance == 0 ? 1 : 0;
    sequences++;
  }

  /** Counts the characters (Unicode code points) of a text. */
  public void addCharacters(String right, String predicted) {
    add(right.codePoints().boxed().toList(), predicted.codePoints().boxed().toList());
  }

  /** Counts the words of a text, which white space separates. */
  public void addWords(String right, String predicted) {
    add(words(right), words(predicted));
  }

  private static List<String> words(String text) {
    return SPACE.splitAsStream(text).filter(word -> !word.isEmpty()).toList();
  }

  /** One row of the matrix after the other. */
  private static int distance(List<?> right, List<?> predicted) {
    Object[] columns = predicted.toArray();
    int[] row = new int[columns.length + 1];
    for (int column = 0; column < row.length; column++) {
      row[column] = column;
    }
    int rows = 0;
    for (Object symbol : right) {
      int diagonal = row[0];
      row[0] = ++rows;
      for (int column = 1; column < row.length; column++) {
        int substituted = diagonal + (symbol.equals(columns[column - 1]) ? 0 : 1);
        diagonal = row[column];
        row[column] = Math.min(substituted, 1 + Math.min(diagonal, row[column - 1]));
      }
    }
    return row[columns.length];
  }

  /** Returns the substitutions, deletions and insertions in all sequences. */
  public long errors() {
    return errors;
  }

  /** Returns the symbols in all right sequences. */
  public long symbols() {
    return symbols;
  }

  /**
   * Returns the errors divided by the symbols of the right sequences; it may be above 1. NaN, or
   * infinite if there are errors, where these have none.
   */
  public double rate() {
    return (double) errors / symbols;
  }

  /** Returns the part of the sequences that is right as a whole; NaN if there is none. */
  public double exactMatch() {
    return (double) exact / sequences;
  }
}
