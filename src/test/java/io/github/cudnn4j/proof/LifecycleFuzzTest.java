package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.LeakCheck;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Eight threads open, use, hand over and close whatever has a life, in any order: every call works
 * or is refused as it should be, every value read is the one written last, nothing is left.
 *
 * <p>What the threads do follows from the seed; how they meet does not. {@code
 * -Dcudnn4j.proof.operations=1000000} makes it long, {@code -Dcudnn4j.proof.seed=N} another one.
 */
@Tag(LeakCheck.LEAVES_TO_DEVICE)
class LifecycleFuzzTest {
  private static final int THREADS = 8;
  private static final int OPERATIONS = Integer.getInteger("cudnn4j.proof.operations", 16_000);
  private static final long SEED = Long.getLong("cudnn4j.proof.seed", 1);

  /** Without any operation for so long, the threads wait for each other. */
  private static final long STUCK_SECONDS = 120;

  @Test
  void everythingInAnyOrder() throws InterruptedException {
    var before = HostControl.ifHost().map(HostControl::live);
    var users = new ArrayList<LifecycleUser>();
    for (var i = 0; i < THREADS; i++) {
      users.add(new LifecycleUser(users, i, SEED, OPERATIONS / THREADS));
    }
    users.forEach(user -> user.thread().start());
    waitFor(users);
    // A thread that has ended has left what was handed over to it too late.
    users.forEach(LifecycleUser::closeAll);
    var failures = users.stream().map(LifecycleUser::failure).filter(Objects::nonNull).toList();
    if (!failures.isEmpty()) {
      failures.stream().skip(1).forEach(failures.getFirst()::addSuppressed);
      throw failures.getFirst();
    }
    assertEquals(before, HostControl.ifHost().map(HostControl::live), "seed " + SEED);
    var done = new TreeMap<String, Integer>();
    users.forEach(user -> user.done().forEach((kind, n) -> done.merge(kind, n, Integer::sum)));
    if (Integer.getInteger("cudnn4j.proof.operations") != null) {
      System.out.println("seed " + SEED + ": " + done);
    }
    assertEquals(LifecycleUser.KINDS, done.keySet(), "what was done");
  }

  private static void waitFor(List<LifecycleUser> users) throws InterruptedException {
    var last = -1L;
    var since = System.nanoTime();
    for (var user : users) {
      while (!user.thread().join(Duration.ofSeconds(1))) {
        var count = users.stream().mapToLong(LifecycleUser::operations).sum();
        if (count != last) {
          last = count;
          since = System.nanoTime();
        }
        assertTrue(
            System.nanoTime() - since < TimeUnit.SECONDS.toNanos(STUCK_SECONDS),
            () -> "seed " + SEED + ": no thread goes on\n" + stacks(users));
      }
    }
  }

  private static String stacks(List<LifecycleUser> users) {
    return users.stream()
        .map(
            user ->
                user
                    + "\n  "
                    + Arrays.stream(user.thread().getStackTrace())
                        .map(StackTraceElement::toString)
                        .collect(Collectors.joining("\n  ")))
        .collect(Collectors.joining("\n"));
  }
}
