package io.github.cudnn4j.model;

import java.util.function.IntPredicate;

/** Passes on lower-case letters, and one space for what is between them. */
final class LettersOnly implements IntPredicate {
  private final IntPredicate reader;
  private boolean begun;
  private boolean space;

  LettersOnly(IntPredicate reader) {
    this.reader = reader;
  }

  @Override
  public boolean test(int character) {
    int lower = character | 'a' - 'A';
    if (lower < 'a' || lower > 'z') {
      space = begun;
      return true;
    }
    boolean more = !space || reader.test(' ');
    begun = true;
    space = false;
    return more && reader.test(lower);
  }
}
