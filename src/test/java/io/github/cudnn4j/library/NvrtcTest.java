package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The kernels are CUDA C++: NVIDIA's compiler, which needs no GPU, compiles them where it is found.
 * All other libraries are fakes.
 */
class NvrtcTest {
  private static final Path SOURCES = Path.of(System.getProperty("basedir", ""), "native/kernels");

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
    var files = kernelFiles();
    var expected = files.stream().map(file -> "there is no kernel 'none' in " + file + ".cu");
    var process = compile(nvrtc, files);
    assertEquals(expected.toList(), process.output(), process::toString);
    var kept = kept();
    assertEquals(files.size(), kept.size(), kept::toString);

    // The next process takes what this one has kept, and makes again what is damaged.
    var damaged = kept.keySet().iterator().next();
    Files.write(damaged, new byte[100]);
    process = compile(nvrtc, files);
    assertEquals(files.size(), process.output().size(), process::toString);
    var again = kept();
    assertNotEquals(kept.get(damaged), again.get(damaged));
    kept.remove(damaged);
    again.remove(damaged);
    assertEquals(kept, again);
  }

  private static List<String> kernelFiles() throws IOException {
    assumeTrue(Files.isDirectory(SOURCES), "no kernels here, only the built classes");
    try (var files = Files.list(SOURCES)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".cu"))
          .map(name -> name.replace(".cu", ""))
          .sorted()
          .toList();
    }
  }

  private JavaProcess compile(Path nvrtc, List<String> files) throws Exception {
    var process =
        JavaProcess.run(
            Compile.class,
            List.of(
                "-Dcudnn4j.cuda.path=" + folder + ":" + nvrtc, "-Dcudnn4j.cudnn.path=" + folder),
            Map.of("LD_LIBRARY_PATH", folder.toString(), "XDG_CACHE_HOME", folder + "/cache"),
            files.toArray(String[]::new));
    assertEquals(0, process.status(), process::toString);
    return process;
  }

  /** The files of compiled kernels, each with what tells it from one that was made again. */
  private Map<Path, Object> kept() throws IOException {
    var kept = new TreeMap<Path, Object>();
    try (var files = Files.newDirectoryStream(folder.resolve("cache/cudnn4j"), "kernels-*")) {
      for (var file : files) {
        kept.put(file, Files.getAttribute(file, "unix:ino"));
      }
    }
    return kept;
  }

  private static Path folderOfNvrtc() throws IOException {
    for (var location : new SearchPath(Environment.ofProcess()).cuda()) {
      var file = location.isLoader() ? null : location.find("libnvrtc.so.13");
      if (file != null) {
        return file.toRealPath().getParent();
      }
    }
    return abort(
        "there is no NVRTC 13 here; VIRTUAL_ENV may name an environment with NVIDIA's wheels");
  }
}
