package io.github.cudnn4j.data;

import java.util.Objects;

/**
 * The numbers that a text is made of, in order. They do not change; may be read by any thread.
 *
 * <p>An interface, so that a text may be longer than an array, or than memory.
 */
public interface Tokens {

  /** Returns how many there are. */
  long length();

  /**
   * Returns one of them, 0 or more.
   *
   * @throws IndexOutOfBoundsException if the index is not in [0, {@link #length()})
   */
  int get(long index);

  /** Returns the elements of an array, which is not copied and must not change. */
  static Tokens of(int... tokens) {
    Objects.requireNonNull(tokens, "tokens");
    return new Tokens() {
      @Override
      public long length() {
        return tokens.length;
      }

      @Override
      public int get(long index) {
        return tokens[(int) Objects.checkIndex(index, length())];
      }
    };
  }
}
