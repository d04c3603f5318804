package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class PartsTest {
  private final List<String> closed = new ArrayList<>();
  private final Parts parts = new Parts();

  private AutoCloseable part(String name) {
    return parts.add(() -> closed.add(name));
  }

  private void failing(String name) {
    parts.add(
        () -> {
          closed.add(name);
          throw new IllegalStateException(name);
        });
  }

  @Test
  void theNewestIsClosedFirstAndOnce() {
    part("a");
    part("b");
    parts.close();
    parts.close();
    assertEquals(List.of("b", "a"), closed);
  }

  @Test
  void aRemovedPartStaysOpen() {
    AutoCloseable a = part("a");
    part("b");
    parts.remove(a);
    parts.remove(a);
    parts.close();
    assertEquals(List.of("b"), closed);
  }

  @Test
  void aFailureDoesNotKeepTheOthersOpen() {
    part("a");
    failing("b");
    failing("c");
    IllegalStateException e = assertThrows(IllegalStateException.class, parts::close);
    assertEquals(List.of("c", "b", "a"), closed);
    assertEquals("c", e.getMessage());
    assertEquals("b", e.getSuppressed()[0].getMessage());
  }

  @Test
  void partsOfAnotherThreadStayInTheirOrder() {
    var refusal = new WrongThreadException();
    var here = new boolean[1];
    for (String name : List.of("a", "b")) {
      parts.add(
          () -> {
            if (!here[0]) {
              throw refusal;
            }
            closed.add(name);
          });
    }
    part("c");
    assertSame(refusal, assertThrows(WrongThreadException.class, parts::close));
    assertArrayEquals(new Throwable[0], refusal.getSuppressed());
    assertEquals(List.of("c"), closed);
    here[0] = true;
    parts.close();
    parts.close();
    assertEquals(List.of("c", "b", "a"), closed);
  }

  @Test
  void abandoningKeepsTheCause() {
    part("a");
    failing("b");
    IllegalArgumentException cause = new IllegalArgumentException();
    assertSame(cause, parts.abandon(cause));
    assertEquals(List.of("b", "a"), closed);
    assertEquals("b", cause.getSuppressed()[0].getMessage());
    Error error = new StackOverflowError();
    part("c");
    assertSame(error, assertThrows(Error.class, () -> parts.abandon(error)));
    assertArrayEquals(new Throwable[0], error.getSuppressed());
    assertEquals(List.of("b", "a", "c"), closed);
  }

  @Test
  void aMissingPartIsNamed() {
    var e = assertThrows(NullPointerException.class, () -> parts.add(null));
    assertEquals("part", e.getMessage());
  }
}
