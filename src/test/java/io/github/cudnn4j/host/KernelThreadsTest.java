package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.testing.InOneMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * The kernels as a GPU has them, with blocks, warps and shared memory, against the host device's:
 * native/kernels/check, which ThreadSanitizer watches where the compiler has it.
 */
@InOneMode
class KernelThreadsTest extends HostDeviceTest {
  private static final String PATH = "cudnn4j.host.path";

  @Test
  void everyKernelAgreesAndHasNoRaces() throws Exception {
    var program = Path.of(System.getProperty(PATH, "."), "kernel_check");
    assumeTrue(Files.isExecutable(program), program + " was not built here");
    var process = new ProcessBuilder(program.toString()).redirectErrorStream(true).start();
    var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int status = process.waitFor();
    assumeTrue(
        !output.contains("unexpected memory mapping"),
        "ThreadSanitizer does not run on this system: " + output);
    assertEquals(0, status, output);
    assumeTrue(
        output.contains("no races found"), "all kernels agree, but this compiler finds no races");
  }
}
