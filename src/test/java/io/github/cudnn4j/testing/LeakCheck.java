package io.github.cudnn4j.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.HostCounter;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * After every test class: no native object is left alive. Counted by the host device, so that it
 * checks what was really freed; on a GPU there is nothing to count with.
 *
 * <p>Registered for all test classes through {@code META-INF/services}.
 */
public final class LeakCheck implements AfterAllCallback {
  /**
   * Tags a class that cannot but leave objects: a destroy call that is made to fail frees nothing.
   */
  public static final String LEAVES_OBJECTS = "leaves-objects";

  /** What classes with that tag have left. */
  private static Map<HostCounter, Long> left = Map.of();

  @Override
  public void afterAll(ExtensionContext context) {
    Class<?> testClass = context.getRequiredTestClass();
    if (testClass.getEnclosingClass() != null) {
      return;
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
