package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program of others that knows nothing of this one and calls the host device as CUDA: ONNX
 * Runtime's package for GPUs from Maven Central, com.microsoft.onnxruntime:onnxruntime_gpu of CUDA
 * 12. It is looked for in the folder that the environment variable CUDNN4J_ONNX_RUNTIME names, and
 * in the local Maven repository.
 */
class PublicClientTest {
  private static final String VARIABLE = "CUDNN4J_ONNX_RUNTIME";
  private static final Path REPOSITORY =
      Path.of(
          System.getProperty("user.home"),
          ".m2/repository/com/microsoft/onnxruntime/onnxruntime_gpu");
  private static final String NATIVE = "ai/onnxruntime/native/linux-x64/";
  private static final String PROVIDER = "libonnxruntime_providers_cuda.so";
  private static final List<String> LIBRARIES =
      List.of(
          PROVIDER,
          "libonnxruntime_providers_shared.so",
          "libonnxruntime.so",
          "libonnxruntime4j_jni.so");

  /** The libraries that the provider is linked with. */
  private static final List<String> NEEDED =
      List.of(
          "libcudart.so.12",
          "libcublas.so.12",
          "libcublasLt.so.12",
          "libcurand.so.10",
          "libcufft.so.11",
          "libcudnn.so.9");

  @TempDir private Path folder;

  @Test
  void networksOfOnnxRuntimeAreThoseOfItsCpuProvider() throws Exception {
    String built = System.getProperty("cudnn4j.host.path");
    assumeTrue(built != null, "the host device is not built here");
    var host = Path.of(built, "libcudnn4j_host.so");
    var client =
        jar()
            .orElseGet(
                () ->
                    abort(
                        "onnxruntime_gpu is neither in the folder of "
                            + VARIABLE
                            + " nor in the local Maven repository"));
    unpack(client);
    // The host device comes first. A library of another name is not compared with the versions
    // that the provider's symbols have.
    var stubs = Files.write(folder.resolve("libstubs.so"), FakeCuda.compile(stubs(host)));
    byte[] empty = FakeCuda.compile("");
    for (String name : NEEDED) {
      Files.write(folder.resolve(name), empty);
    }
    var program =
        Path.of(
            Objects.requireNonNull(PublicClientTest.class.getResource("OnnxNetworks.java"))
                .toURI());

    var process =
        JavaProcess.runSource(
            program,
            client,
            List.of("-Donnxruntime.native.path=" + folder),
            Map.of(
                "ORT_DISABLE_TELEMETRY",
                "1",
                "LD_PRELOAD",
                host.toAbsolutePath() + ":" + stubs,
                "LD_LIBRARY_PATH",
                folder.toString()));

    assertEquals(0, process.status(), process::errors);
    assertEquals(18, process.output().size());
    for (String line : process.output()) {
      String[] words = line.split(" of |: ");
      assertTrue(Double.parseDouble(words[0]) <= 1e-6, line);
      assertTrue(Double.parseDouble(words[1]) > 0.1, line);
    }
  }

  private static Optional<Path> jar() throws IOException {
    var places = Stream.of(Optional.ofNullable(System.getenv(VARIABLE)).map(Path::of));
    for (Path place :
        Stream.concat(places.flatMap(Optional::stream), Stream.of(REPOSITORY)).toList()) {
      if (Files.isDirectory(place)) {
        try (var files = Files.walk(place)) {
          var jar = files.filter(PublicClientTest::isForGpus).findFirst();
          if (jar.isPresent()) {
            return jar;
          }
        }
      }
    }
    return Optional.empty();
  }

  private static boolean isForGpus(Path file) {
    String name = file.getFileName().toString();
    return name.matches("onnxruntime_gpu-[0-9.]+\\.jar");
  }

  private void unpack(Path jar) throws IOException {
    try (var zip = new ZipFile(jar.toFile())) {
      for (String library : LIBRARIES) {
        try (var in = zip.getInputStream(zip.getEntry(NATIVE + library))) {
          Files.copy(in, folder.resolve(library));
        }
      }
    }
  }

  /** Functions for what the provider needs when it is loaded and the host device does not have. */
  private String stubs(Path host) throws IOException, InterruptedException {
    List<String> needed;
    try {
      var nm =
          new ProcessBuilder("nm", "-D", "--undefined-only", folder.resolve(PROVIDER).toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      needed = nm.inputReader().lines().map(line -> line.strip().split("[ @]")[1]).toList();
      assertEquals(0, nm.waitFor(), "nm fails");
    } catch (IOException | UncheckedIOException e) {
      return abort("there is no nm: " + e.getMessage());
    }
    try (var arena = Arena.ofConfined()) {
      var library = SymbolLookup.libraryLookup(host, arena);
      return needed.stream()
          .filter(name -> name.matches("(__)?cu.*") && library.find(name).isEmpty())
          .distinct()
          .map("int %s(void) { return 0; }%n"::formatted)
          .collect(Collectors.joining());
    }
  }
}
