package io.github.cudnn4j.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.function.Executable;

/** What callers do wrong is refused in so many words. */
public final class Refusals {

  private Refusals() {}

  /** Asserts that arguments are refused with a message. */
  public static void refuses(String message, Executable action) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, action).getMessage());
  }

  /** Asserts that something is refused with a message because of the state that it is in. */
  public static void refusesNow(String message, Executable action) {
    assertEquals(message, assertThrows(IllegalStateException.class, action).getMessage());
  }
}
