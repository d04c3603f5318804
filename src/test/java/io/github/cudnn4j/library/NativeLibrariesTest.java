package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cli.Main;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which device a process gets, and that its bindings call that device and no other. */
@InOneMode
class NativeLibrariesTest {
  @TempDir private Path folder;

  private final List<String> options = new ArrayList<>();

  private final Map<String, String> variables = new HashMap<>();

  private String errors = "";

  /** Runs {@link ChosenDevice} in a process of its own; returns the lines that it prints. */
  private List<String> choose(DeviceChoice choice) throws IOException, InterruptedException {
    options.addFirst("-Dcudnn4j.host.path=" + System.getProperty("cudnn4j.host.path"));
    var process = run(ChosenDevice.class, choice.toString());
    errors = process.errors();
    return process.output().stream().map(line -> line.replace(folder.toString(), "")).toList();
  }

  private JavaProcess run(Class<?> program, String... arguments)
      throws IOException, InterruptedException {
    variables.put("LD_LIBRARY_PATH", folder.toString());
    var process = JavaProcess.run(program, options, variables, arguments);
    assertEquals(0, process.status(), process::toString);
    return process;
  }

  private void useOnly(Path libraries) {
    options.add("-Dcudnn4j.cuda.path=" + libraries);
    options.add("-Dcudnn4j.cudnn.path=" + libraries);
  }

  private static void needsTheHostDevice() {
    assumeTrue(
        System.getProperty("cudnn4j.host.path") != null, "the host device is not built here");
  }

  private static final String STAYS_HOST =
      "device cuda is asked for, but this process uses host (CPU): a process uses one kind from"
          + " the first call to its end";

  @Test
  void workingCudaIsTakenAndCalled() throws Exception {
    new FakeCuda().driver(folder).toolkit(folder).cudnn(folder);
    useOnly(folder);
    assertEquals(
        List.of(
            "CUDA",
            "cudaMalloc returns 12345",
            "device host is asked for, but this process uses CUDA: a process uses one kind from"
                + " the first call to its end"),
        choose(DeviceChoice.AUTO));
  }

  /**
   * The host device under the names of NVIDIA's libraries: all that happens on a GPU machine, from
   * the search to a trained model, but the GPU.
   */
  @Test
  void aModelIsTrainedByLibrariesWithCudasNames() throws Exception {
    needsTheHostDevice();
    var host = Path.of(System.getProperty("cudnn4j.host.path"), "libcudnn4j_host.so");
    new FakeCuda().cudnn(folder);
    var cudnn = folder.resolve("libcudnn.so.9");
    Files.copy(host, cudnn, StandardCopyOption.REPLACE_EXISTING);
    for (var name :
        List.of(
            "libcuda.so.1",
            "libcudart.so.13",
            "libcublas.so.13",
            "libcublasLt.so.13",
            "libnvrtc.so.13",
            "libnvrtc-builtins.so.13.0")) {
      // Links, which the loader takes for one library: they share what they know of the device.
      Files.createSymbolicLink(folder.resolve(name), cudnn);
    }
    var text = folder.resolve("text.txt");
    Files.writeString(text, "what is learned by heart is kept longest; ".repeat(60));
    useOnly(folder);
    options.add("-Dcudnn4j.host.path=" + folder.resolve("nothing"));
    var arguments =
        "train --device cuda --epochs 8 --hidden 32 --batch 4 --steps 16 --text " + text;
    var process = run(Main.class, arguments.split(" "));
    var result = Json.parseObject(process.output().getLast());
    var perplexity = assertInstanceOf(Number.class, result.get("perplexity")).doubleValue();
    assertTrue(perplexity < 5, () -> "perplexity " + perplexity + ", a guess has 19");
  }

  @Test
  void brokenCudaLeavesNothingBehind() throws Exception {
    needsTheHostDevice();
    new FakeCuda().with("COUNT_STATUS", 100).driver(folder).toolkit(folder).cudnn(folder);
    useOnly(folder);
    assertEquals(
        List.of(
            "host (CPU)",
            "CUDA is not used, because cudaGetDeviceCount returns 100 (cudaErrorFake: fake text).",
            "cudaMalloc returns 0",
            "the host device counts 1",
            STAYS_HOST),
        choose(DeviceChoice.AUTO));
    assertTrue(
        errors.contains("Using the host device (CPU), because cudaGetDeviceCount returns 100"),
        errors);
  }

  @Test
  void brokenCudaIsAnErrorWhenItIsAskedFor() throws Exception {
    new FakeCuda().with("DEVICES", 0).driver(folder).toolkit(folder).cudnn(folder);
    useOnly(folder);
    assertEquals(
        List.of(
            "CUDA is not available, because there is no GPU (cudaGetDeviceCount finds 0); the"
                + " doctor command tells what was tried"),
        choose(DeviceChoice.CUDA));
  }

  @Test
  void theHostDeviceIsTakenWithoutLookingForCuda() throws Exception {
    needsTheHostDevice();
    assertEquals(
        List.of("host (CPU)", "cudaMalloc returns 0", "the host device counts 1", STAYS_HOST),
        choose(DeviceChoice.HOST));
  }

  /** NVIDIA's own runtime loads without a driver, and must not stay behind either. */
  @Test
  void realLibrariesWithoutADriverLeaveNothingBehind() throws Exception {
    needsTheHostDevice();
    assumeTrue(
        InstalledCudnn.folder().isPresent(),
        "there is no cuDNN here; VIRTUAL_ENV may name an environment with NVIDIA's wheels");
    var lines = choose(DeviceChoice.AUTO);
    assumeTrue(!lines.getFirst().equals("CUDA"), "there is a GPU here");
    assertEquals(
        List.of("host (CPU)", "cudaMalloc returns 0", "the host device counts 1", STAYS_HOST),
        lines.stream().filter(line -> !line.startsWith("CUDA is not used")).toList());
  }

  @Test
  void aFolderWithoutTheHostDeviceIsRefused() throws Exception {
    options.add("-Dcudnn4j.host.path=" + folder);
    assertEquals(
        List.of(
            "the host device is not available, because libcudnn4j_host.so of : no such file; the"
                + " doctor command tells what was tried"),
        choose(DeviceChoice.HOST));
  }

  @Test
  void emptyAndRelativeVariablesAreNoObstacle() throws Exception {
    needsTheHostDevice();
    new FakeCuda().driver(folder);
    variables.putAll(Map.of("CONDA_PREFIX", "", "CUDA_HOME", ":", "VIRTUAL_ENV", "venv"));
    assertEquals("host (CPU)", choose(DeviceChoice.AUTO).getFirst());
  }

  @Test
  void refusedNativeAccessIsOneSentence() throws Exception {
    options.add("--illegal-native-access=deny");
    var command = JavaProcess.command(ChosenDevice.class, options, List.of("host"));
    command.remove("--enable-native-access=ALL-UNNAMED");
    var process = new ProcessBuilder(command).redirectErrorStream(true).start();
    assertEquals(
        "Java refuses native calls in this process; start it with"
            + " --enable-native-access=ALL-UNNAMED\n",
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    assertEquals(0, process.waitFor());
  }

  @Test
  void anotherClassLoaderIsToldThatThisOneHasTheLibraries() throws Exception {
    Device.open().close();
    var path = new ArrayList<URL>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      path.add(Path.of(entry).toUri().toURL());
    }
    try (var other = new URLClassLoader(path.toArray(URL[]::new), null)) {
      var open = other.loadClass(Device.class.getName()).getMethod("open");
      var failure =
          assertThrows(InvocationTargetException.class, () -> open.invoke(null)).getCause();
      assertEquals(LibraryException.class.getName(), failure.getClass().getName());
      String message = failure.getMessage();
      assertTrue(
          message.startsWith(
              "Java refuses to load a native library, which only one class loader can have at a"
                  + " time: "),
          message);
    }
  }
}
