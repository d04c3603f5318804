package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What is not closed is reported with the place it was made at, if a user wants to know. */
@InOneMode
class LeaksTest {
  /** Leaves a buffer open, then a device. */
  static final class Leaking {
    private Leaking() {}

    public static void main(String[] arguments) throws InterruptedException {
      try (var device = Device.open()) {
        DeviceBuffer.allocate(device, ElementType.FLOAT32, 1);
        device.blas();
        Event.create(device).close();
      }
      leaveDeviceOpen();
      for (var i = 0; i < 20; i++) {
        System.gc();
        Thread.sleep(20);
      }
    }

    private static void leaveDeviceOpen() {
      Event.create(Device.open());
    }
  }

  private static String run(String leaks) throws IOException, InterruptedException {
    var options = new ArrayList<>(JavaProcess.sameProperties());
    options.add("-Dcudnn4j.leaks=" + leaks);
    var process = JavaProcess.run(Leaking.class, options, Map.of());
    assertEquals(0, process.status(), process::toString);
    return process.errors();
  }

  @Test
  void leaksAreReportedWithTheirSites() throws Exception {
    var output = run("true");
    assertTrue(output.contains("DeviceBuffer was left open and closed by its device"), output);
    assertTrue(output.contains("LeaksTest$Leaking.main"), output);
    assertTrue(output.contains("Device made at"), output);
    assertTrue(output.contains("Event made at"), output);
    assertTrue(output.contains("LeaksTest$Leaking.leaveDeviceOpen"), output);
    assertFalse(output.contains("Blas was left open"), output);
    assertFalse(output.contains("Event was left open"), output);
  }

  @Test
  void nothingIsReportedByDefault() throws Exception {
    var output = run("false");
    assertFalse(output.contains("left open") || output.contains("never closed"), output);
  }
}
