package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The kernels are CUDA C++: NVIDIA's compiler, which needs no GPU, compiles them where it is found.
 * All other libraries are fakes.
 */
class NvrtcTest {
  @TempDir private Path folder;

  /** Compiles the kernel files named as arguments, for compute capability 9.0. */
  static final class Compile {
    private Compile() {}

    public static void main(String[] files) {
      try (var device = Device.open(DeviceChoice.CUDA)) {
        for (var file : files) {
          try {
            device.kernels().get(file, "none");
          } catch (IllegalArgumentException e) {
            System.out.println(e.getMessage().split(", ")[0]);
          }
        }
      }
    }
  }

  @Test
  void kernelsCompileForAGpu() throws Exception {
    var nvrtc = folderOfNvrtc();
    new FakeCuda().driver(folder).toolkit(folder).cudnn(folder);
    try (var made = Files.list(folder)) {
      for (var file : made.toList()) {
        if (file.getFileName().toString().startsWith("libnvrtc")) {
          Files.delete(file);
        }
      }
    }
    var files = List.of("embedding", "fill", "linear", "loss", "optimizer", "sequence");
    var process =
        JavaProcess.run(
            Compile.class,
            List.of(
                "-Dcudnn4j.cuda.path=" + folder + ":" + nvrtc, "-Dcudnn4j.cudnn.path=" + folder),
            Map.of("LD_LIBRARY_PATH", folder.toString()),
            files.toArray(String[]::new));
    assertEquals(
        files.stream().map(file -> "there is no kernel 'none' in " + file + ".cu").toList(),
        process.output(),
        process::toString);
  }

  private static Path folderOfNvrtc() throws IOException {
    for (var place : new SearchPath(Environment.ofProcess()).cuda()) {
      var file = place.isLoader() ? null : place.find("libnvrtc.so.13");
      if (file != null) {
        return file.toRealPath().getParent();
      }
    }
    return abort(
        "there is no NVRTC 13 here; VIRTUAL_ENV may name an environment with NVIDIA's wheels");
  }
}
