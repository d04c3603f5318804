package io.github.cudnn4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.ElementType;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each in a number of repetitions, since threads meet in many ways. None waits for a time. */
@Timeout(60)
class ReadAheadTest {

  private static final int REPETITIONS = 16;
  private static final BatchLayout LAYOUT = BatchLayout.of(1).label("y");

  /** A pass that counts its batches, and does at one of them what a test wants. */
  private static class Counting implements Epoch {
    private final int special;
    private final Action action;
    volatile int made;
    volatile @Nullable Thread thread;
    volatile boolean closed;

    interface Action {
      int run() throws IOException, InterruptedException;
    }

    Counting(int special, Action action) {
      this.special = special;
      this.action = action;
    }

    @Override
    public int next(HostBatch target) throws IOException {
      thread = Thread.currentThread();
      int shape = 0;
      if (made == special) {
        try {
          shape = action.run();
        } catch (InterruptedException e) {
          throw new InterruptedIOException();
        }
      }
      target.begin(0);
      target.label(0, 0, made);
      made += shape < 0 ? 0 : 1;
      return shape;
    }

    @Override
    public void skip(long batches) {
      made += (int) batches;
    }

    @Override
    public void close() throws IOException {
      closed = true;
    }

    /** Waits until its thread waits. */
    void awaitWaiting() {
      while (thread == null || thread.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
    }
  }

  private static HostBatch memory() {
    return Taken.memory(LAYOUT, ElementType.FLOAT32);
  }

  private static List<Integer> labels(Epoch epoch) throws IOException {
    return Taken.rest(epoch, LAYOUT).stream()
        .map(taken -> taken.slots().get("y").getFirst().intValue())
        .toList();
  }

  private static List<Integer> range(int first, int end) {
    return IntStream.range(first, end).boxed().toList();
  }

  @RepeatedTest(REPETITIONS)
  void nothingIsLostOrTwice() throws IOException {
    var source = new Counting(1000, () -> -1);
    try (var epoch = new ReadAhead(source)) {
      assertEquals(range(0, 1000), labels(epoch));
      assertEquals(-1, epoch.next(memory()));
      assertTrue(source.closed);
    }
  }

  @RepeatedTest(REPETITIONS)
  void theReaderIsNeverMoreThanTheRingAhead() throws IOException {
    var source = new Counting(-1, () -> 0);
    try (var epoch = new ReadAhead(source)) {
      HostBatch target = memory();
      for (int taken = 1; taken < 20; taken++) {
        epoch.next(target);
        source.awaitWaiting();
        int ahead = source.made - taken;
        assertTrue(ahead > 4 && ahead <= 8, ahead + " batches ahead");
      }
    }
    assertTrue(source.closed);
  }

  @RepeatedTest(REPETITIONS)
  void aFailureComesAfterTheBatchesBeforeIt() throws IOException {
    for (Throwable failure : List.of(new IOException(), new ArithmeticException(), new Error())) {
      var source =
          new Counting(
              5,
              () -> {
                switch (failure) {
                  case IOException e -> throw e;
                  case RuntimeException e -> throw e;
                  default -> throw (Error) failure;
                }
              });
      try (var epoch = new ReadAhead(source)) {
        HostBatch target = memory();
        epoch.next(target);
        source.thread.join();
        for (int i = 1; i < 5; i++) {
          assertEquals(0, epoch.next(target));
          assertEquals(i, target.segment(0).getAtIndex(java.lang.foreign.ValueLayout.JAVA_INT, 0));
        }
        assertSame(failure, assertThrows(Throwable.class, () -> epoch.next(target)));
        assertSame(failure, assertThrows(Throwable.class, () -> epoch.next(target)));
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      assertTrue(source.closed);
    }
  }

  @Test
  void aPassThatCannotBeClosedFailsAtItsEnd() throws IOException {
    var failure = new IOException();
    var source =
        new Counting(2, () -> -1) {
          @Override
          public void close() throws IOException {
            throw failure;
          }
        };
    try (var epoch = new ReadAhead(source)) {
      HostBatch target = memory();
      assertEquals(0, epoch.next(target));
      assertEquals(0, epoch.next(target));
      assertSame(failure, assertThrows(IOException.class, () -> epoch.next(target)));
    }
    assertSame(failure, assertThrows(IOException.class, new ReadAhead(source)::close));
  }

  @RepeatedTest(REPETITIONS)
  void closingEndsAReaderThatWaitsForItsSource() throws Exception {
    var never = new CountDownLatch(1);
    var source =
        new Counting(
            3,
            () -> {
              never.await();
              return 0;
            });
    var epoch = new ReadAhead(source);
    HostBatch target = memory();
    epoch.next(target);
    source.awaitWaiting();
    epoch.close();
    source.thread.join();
    assertTrue(source.closed);
    assertThrows(IllegalStateException.class, () -> epoch.next(target));
    epoch.close();
  }

  @RepeatedTest(REPETITIONS)
  void closingEndsAReaderThatIsFarAhead() throws IOException {
    var source = new Counting(-1, () -> 0);
    var epoch = new ReadAhead(source);
    epoch.next(memory());
    // Wherever it is.
    epoch.close();
    assertFalse(source.thread.isAlive());
    assertTrue(source.closed);
  }

  @Test
  void closingDoesNotWaitForASourceThatHangs() throws Exception {
    var release = new CountDownLatch(1);
    var source =
        new Counting(
            1,
            () -> {
              while (release.getCount() > 0) {
                try {
                  release.await();
                } catch (InterruptedException e) {
                  continue;
                }
              }
              return 0;
            });
    var epoch = new ReadAhead(source);
    epoch.next(memory());
    source.awaitWaiting();
    epoch.close();
    assertFalse(source.closed);
    release.countDown();
    source.thread.join();
    assertTrue(source.closed);
  }

  @Test
  void aPassThatNobodyTakesFromHasNoThread() throws IOException {
    var source = new Counting(-1, () -> 0);
    new ReadAhead(source).close();
    assertTrue(source.closed);
    assertNull(source.thread);
  }

  @RepeatedTest(REPETITIONS)
  void leavingOutGoesOnBehindTheBatchesTaken() throws IOException {
    try (var epoch = new ReadAhead(new Counting(100, () -> -1))) {
      epoch.skip(10);
      HostBatch target = memory();
      epoch.next(target);
      epoch.skip(29);
      assertEquals(range(40, 100), labels(epoch));
      var e = assertThrows(IOException.class, () -> epoch.skip(1));
      assertEquals("1 batches to leave out, there are 0", e.getMessage());
    }
  }

  @RepeatedTest(REPETITIONS)
  void anInterruptLosesNoBatch() throws IOException {
    var go = new CountDownLatch(1);
    var source =
        new Counting(
            1,
            () -> {
              go.await();
              return 0;
            });
    try (var epoch = new ReadAhead(source)) {
      HostBatch target = memory();
      epoch.next(target);
      Thread.currentThread().interrupt();
      assertThrows(InterruptedIOException.class, () -> epoch.next(target));
      assertTrue(Thread.interrupted(), "the thread stays interrupted");
      go.countDown();
      var found = new ArrayList<Integer>();
      for (int i = 1; i < 5; i++) {
        epoch.next(target);
        found.add(target.segment(0).getAtIndex(java.lang.foreign.ValueLayout.JAVA_INT, 0));
      }
      assertEquals(range(1, 5), found);
    }
  }
}
