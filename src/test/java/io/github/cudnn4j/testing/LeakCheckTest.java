package io.github.cudnn4j.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.library.HostControl;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A test class that leaks fails. */
class LeakCheckTest {
  private final LeakCheck check = new LeakCheck();

  private static ExtensionContext context(String... tags) {
    return (ExtensionContext)
        Proxy.newProxyInstance(
            LeakCheckTest.class.getClassLoader(),
            new Class<?>[] {ExtensionContext.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "getRequiredTestClass" -> LeakCheckTest.class;
                  case "getTags" -> Set.of(tags);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private static void leaveToDevice() {
    try (var device = Device.open()) {
      DeviceBuffer.allocate(device, ElementType.FLOAT32, 1);
    }
  }

  @Test
  void whatIsLeftToTheDeviceFailsOnce() {
    leaveToDevice();
    var error = assertThrows(AssertionError.class, () -> check.afterAll(context()));
    assertEquals(
        LeakCheckTest.class.getName() + ": DeviceBuffer was left open and closed by its device",
        error.getMessage());
    var site = error.getCause().getStackTrace();
    assertNotNull(
        Arrays.stream(site)
            .filter(frame -> frame.getMethodName().equals("leaveToDevice"))
            .findFirst()
            .orElse(null),
        () -> "not where it was made: " + Arrays.toString(site));
    check.afterAll(context());
  }

  @Test
  void whatIsLeftToTheDeviceOnPurposePasses() {
    leaveToDevice();
    check.afterAll(context(LeakCheck.LEAVES_TO_DEVICE));
    check.afterAll(context());
  }

  @Test
  void whatStaysAliveFails() {
    assumeTrue(HostControl.ifHost().isPresent(), "only the host device counts what is alive");
    try (var device = Device.open()) {
      device.checkAccess();
      assertThrows(AssertionError.class, () -> check.afterAll(context()));
    }
    check.afterAll(context());
  }
}
