package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.HostDevice;
import io.github.cudnn4j.bindings.Nccl;
import io.github.cudnn4j.bindings.ncclUniqueId;
import io.github.cudnn4j.library.HostCounter;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the host device's NCCL refuses, and its groups, with one rank. */
class CollectiveTest extends HostDeviceTest {
  private static final int INVALID = Nccl.ncclInvalidArgument();
  private static final int F32 = Nccl.ncclFloat32();

  private MemorySegment communicator;
  private MemorySegment from;
  private MemorySegment to;

  @BeforeEach
  void join() {
    var id = arena.allocate(ncclUniqueId.layout());
    ok(Nccl.ncclGetUniqueId(id));
    communicator = made(target -> Nccl.ncclCommInitRank(target, 1, id, 0));
    from = device(1f, 2f);
    to = device(0f, 0f);
  }

  @AfterEach
  void leave() {
    if (communicator != null) {
      ok(Nccl.ncclCommDestroy(communicator));
      free(from, to);
    }
  }

  private int allReduce(MemorySegment target, long count, int type, int op) {
    return Nccl.ncclAllReduce(from, target, count, type, op, communicator, DEFAULT_STREAM);
  }

  private static int startGroup() {
    return Nccl.ncclGroupStart.makeInvoker().apply();
  }

  private static int endGroup() {
    return Nccl.ncclGroupEnd.makeInvoker().apply();
  }

  @Test
  void aGroupHoldsItsCallsUntilItEnds() {
    ok(startGroup());
    ok(startGroup());
    ok(allReduce(to, 2, F32, Nccl.ncclSum()));
    ok(endGroup());
    assertArrayEquals(new float[] {0, 0}, read(to, 2));
    ok(endGroup());
    assertArrayEquals(new float[] {1, 2}, read(to, 2));
  }

  @Test
  void anErrorFailsItsGroupAndNothingIsDone() {
    ok(startGroup());
    ok(allReduce(to, 2, F32, Nccl.ncclSum()));
    assertEquals(INVALID, allReduce(to, 2, 99, Nccl.ncclSum()));
    assertEquals(INVALID, endGroup());
    assertArrayEquals(new float[] {0, 0}, read(to, 2));
    assertEquals(Nccl.ncclInvalidUsage(), endGroup());
    assertEquals("no group was started", Nccl.ncclGetLastError(NULL).getString(0));
  }

  /** Between a call and the end of its group memory may leave, or become read-only. */
  @Test
  void whatAGroupCannotWriteWhenItEndsFailsIt() {
    for (boolean freed : new boolean[] {false, true}) {
      var late = device(5f, 6f);
      ok(startGroup());
      ok(allReduce(to, 2, F32, Nccl.ncclSum()));
      ok(allReduce(late, 2, F32, Nccl.ncclSum()));
      if (freed) {
        free(late);
      } else {
        assertEquals(0, HostDevice.cudnn4jHostSetReadOnly(late));
      }
      assertEquals(INVALID, endGroup());
      assertArrayEquals(new float[] {0, 0}, read(to, 2));
      if (!freed) {
        assertArrayEquals(new float[] {5, 6}, read(late, 2));
        free(late);
      }
    }
  }

  @Test
  void badArgumentsAreRefused() {
    var sum = Nccl.ncclSum();
    assertEquals(INVALID, Nccl.ncclGetVersion(NULL));
    assertEquals(INVALID, Nccl.ncclGetUniqueId(NULL));
    assertEquals(INVALID, allReduce(to, 2, F32, 5));
    assertEquals(INVALID, allReduce(to, 2, -1, sum));
    assertEquals(INVALID, allReduce(to, 3, F32, sum));
    assertEquals(INVALID, allReduce(to, Long.MAX_VALUE, F32, sum));
    assertEquals(INVALID, allReduce(NULL, 2, F32, sum));
    assertEquals(
        INVALID, Nccl.ncclAllReduce(from, to, 2, F32, sum, MemorySegment.ofAddress(64), NULL));
    assertEquals(INVALID, Nccl.ncclBroadcast(from, to, 2, F32, 1, communicator, NULL));
    assertEquals("root is not a rank", Nccl.ncclGetLastError(communicator).getString(0));
    ok(allReduce(NULL, 0, F32, sum));
    assertArrayEquals(new float[] {0, 0}, read(to, 2));
  }

  @Test
  void aCommunicatorTellsWhatItIsAndIsCounted() {
    var out = arena.allocate(ValueLayout.JAVA_INT);
    ok(Nccl.ncclCommCount(communicator, out));
    assertEquals(1, out.get(ValueLayout.JAVA_INT, 0));
    ok(Nccl.ncclCommUserRank(communicator, out));
    assertEquals(0, out.get(ValueLayout.JAVA_INT, 0));
    ok(Nccl.ncclCommGetAsyncError(communicator, out));
    assertEquals(0, out.get(ValueLayout.JAVA_INT, 0));
    assertTrue(host.live(HostCounter.COMMUNICATORS) > 0);
  }
}
