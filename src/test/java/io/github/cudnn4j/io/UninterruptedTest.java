package io.github.cudnn4j.io;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

class UninterruptedTest {

  @Test
  void aFileWhoseReadingWasInterruptedIsReadAgain() throws IOException {
    var runs = new ArrayList<Integer>();
    String result =
        Uninterrupted.run(
            () -> {
              runs.add(runs.size());
              if (runs.size() == 1) {
                Thread.currentThread().interrupt();
                throw new ClosedByInterruptException();
              }
              return Thread.currentThread().isInterrupted() ? "interrupted" : "read";
            });
    assertTrue(Thread.interrupted(), "the thread is to be interrupted again");
    assertEquals("read", result);
  }
}
