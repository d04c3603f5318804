package io.github.cudnn4j.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.library.Live;
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

  @Override
  public void afterAll(ExtensionContext context) {
    Class<?> testClass = context.getRequiredTestClass();
    if (testClass.getEnclosingClass() != null) {
      return;
    }
    HostControl.ifHost()
        .ifPresent(
            host -> {
              Map<Live, Long> leaked = new TreeMap<>(host.live());
              leaked.values().removeIf(count -> count == 0);
              assertEquals(
                  Map.of(), leaked, () -> testClass.getName() + " left native objects alive");
            });
  }
}
