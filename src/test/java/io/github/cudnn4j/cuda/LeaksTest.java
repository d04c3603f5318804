package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;

/** What is not closed is reported with the place it was made at, if a user wants to know. */
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
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Dcudnn4j.leaks=" + leaks);
    for (var property : System.getProperties().stringPropertyNames()) {
      if (property.startsWith("cudnn4j.") && !property.equals("cudnn4j.leaks")) {
        command.add("-D" + property + "=" + System.getProperty(property));
      }
    }
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(Leaking.class.getName());
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), output);
    return output;
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
