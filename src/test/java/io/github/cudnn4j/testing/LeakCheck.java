package io.github.cudnn4j.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostCounter;
import io.github.cudnn4j.library.Settings;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * After every test class: no native object is left alive, and nothing was left for its device to
 * close. Objects are counted by the host device, so that it checks what was really freed; on a GPU
 * there is nothing to count with.
 *
 * <p>Registered for all test classes through {@code META-INF/services}, which sets the property
 * {@code cudnn4j.leaks} before any of them opens a device; {@code -Dcudnn4j.leaks=false} says no.
 * Processes that tests start run without it, as a user's do.
 */
public final class LeakCheck implements AfterAllCallback {
  /**
   * Tags a class that cannot but leave objects: a destroy call that is made to fail frees nothing.
   */
  public static final String LEAVES_OBJECTS = "leaves-objects";

  /** Tags a class that leaves it to its device on purpose to close something. */
  public static final String LEAVES_TO_DEVICE = "leaves-to-device";

  /** Where a device says what it had to close; referred to, so that it keeps its handler. */
  private static final Logger REPORTS = Logger.getLogger("io.github.cudnn4j.leaks");

  private static final Queue<LogRecord> REPORTED = new ConcurrentLinkedQueue<>();

  static {
    if (System.getProperty(Settings.LEAKS) == null) {
      System.setProperty(Settings.LEAKS, "true");
    }
    REPORTS.setFilter(
        report -> {
          REPORTED.add(report);
          return false;
        });
  }

  /** What classes with the first tag have left alive. */
  private static Map<HostCounter, Long> left = Map.of();

  @Override
  public void afterAll(ExtensionContext context) {
    Class<?> testClass = context.getRequiredTestClass();
    if (testClass.getEnclosingClass() != null) {
      return;
    }
    List<LogRecord> leftOpen =
        REPORTED.stream().filter(report -> report.getMessage().contains("left open")).toList();
    REPORTED.clear();
    if (!leftOpen.isEmpty() && !context.getTags().contains(LEAVES_TO_DEVICE)) {
      LogRecord first = leftOpen.getFirst();
      throw new AssertionError(testClass.getName() + ": " + first.getMessage(), first.getThrown());
    }
    HostControl.ifHost()
        .ifPresent(
            host -> {
              Map<HostCounter, Long> alive = new TreeMap<>(host.live());
              alive.values().removeIf(count -> count == 0);
              if (context.getTags().contains(LEAVES_OBJECTS)) {
                left = alive;
              }
              assertEquals(left, alive, () -> testClass.getName() + " left native objects alive");
            });
  }
}
