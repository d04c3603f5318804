package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Libraries with the names and functions of NVIDIA's that answer what a test tells them to and do
 * nothing. Without a C compiler the test is skipped.
 */
final class FakeCuda {
  static final List<String> SUB_LIBRARIES =
      List.of(
          "libcudnn_graph.so.9",
          "libcudnn_ops.so.9",
          "libcudnn_cnn.so.9",
          "libcudnn_adv.so.9",
          "libcudnn_engines_precompiled.so.9",
          "libcudnn_engines_runtime_compiled.so.9",
          "libcudnn_heuristic.so.9");

  /** The functions that do not simply return 0. */
  private static final Map<String, String> SPECIAL =
      Stream.of(
              "int cudaRuntimeGetVersion(int *v) { *v = RUNTIME; return 0; }",
              "int cudaDriverGetVersion(int *v) { *v = DRIVER; return 0; }",
              "int cuDriverGetVersion(int *v) { *v = DRIVER; return DRIVER_STATUS; }",
              "int cudaGetDeviceCount(int *v) { *v = DEVICES; return COUNT_STATUS; }",
              "int cudaDeviceGetAttribute(int *v, int a, int d) { *v = a == 75 ? 9 : a != 76;"
                  + " return 0; }",
              "int cudaFree(void *p) { return FREE_STATUS; }",
              "int cudaMalloc(void **p, unsigned long n) { return 12345; }",
              "int nvrtcVersion(int *x, int *y) { *x = RUNTIME / 1000; *y = 0; return 0; }",
              "int cublasGetProperty(int w, int *v) { *v = w ? 0 : RUNTIME / 1000; return 0; }",
              "int ncclGetVersion(int *v) { *v = 23007; return 0; }",
              "unsigned long cudnnGetVersion(void) { return CUDNN; }",
              "unsigned long cudnnGetCudartVersion(void) { return RUNTIME; }",
              "int cudnnAdvVersionCheck(void) { return ADV_STATUS; }",
              "const char *cudaGetErrorName(int e) { return \"cudaErrorFake\"; }",
              "const char *cudaGetErrorString(int e) { return \"fake text\"; }",
              "const char *cudnnGetErrorString(int e) { return \"CUDNN_FAKE\"; }",
              // NVRTC calls it if there is a driver, and takes an error for an answer.
              "int cuGetExportTable(const void **t, const void *i) { return 500; }",
              "int cuDeviceGetName(char *s, int n, int d) { s[0] = 'F'; s[1] = 0; return 0; }")
          .collect(Collectors.toMap(FakeCuda::nameOf, definition -> definition));

  /** Libraries by their source, because most tests want the same ones. */
  private static final Map<String, byte[]> COMPILED = new HashMap<>();

  private final Map<String, Integer> answers =
      new HashMap<>(
          Map.of(
              "RUNTIME", 13000,
              "DRIVER", 13010,
              "DRIVER_STATUS", 0,
              "DEVICES", 1,
              "COUNT_STATUS", 0,
              "FREE_STATUS", 0,
              "CUDNN", 92400,
              "ADV_STATUS", 0));
  private final List<String> without = new ArrayList<>();

  /** Sets what a function answers; the names are the upper-case words in the source above. */
  FakeCuda with(String name, int answer) {
    assertEquals(true, answers.containsKey(name), name);
    answers.put(name, answer);
    return this;
  }

  /** Leaves a function out. */
  FakeCuda without(String function) {
    without.add(function);
    return this;
  }

  private static String nameOf(String definition) {
    var start = definition.substring(0, definition.indexOf('('));
    return start.substring(Math.max(start.lastIndexOf(' '), start.lastIndexOf('*')) + 1);
  }

  private int major() {
    return answers.getOrDefault("RUNTIME", 0) / 1000;
  }

  /** Writes the driver's library. */
  FakeCuda driver(Path folder) {
    return write(folder, plus(NeededFunctions.CUDA, "cuGetExportTable"), "libcuda.so.1");
  }

  /** Writes the toolkit's libraries. */
  FakeCuda toolkit(Path folder) {
    write(folder, NeededFunctions.CUDART.required(), "libcudart.so." + major());
    write(folder, plus(NeededFunctions.CUBLAS, "cublasGetProperty"), "libcublas.so." + major());
    write(folder, NeededFunctions.NVRTC.required(), "libnvrtc.so." + major());
    write(folder, List.of(), "libcublasLt.so." + major());
    return write(folder, List.of(), "libnvrtc-builtins.so." + major() + ".0");
  }

  /** Writes cuDNN's libraries. */
  FakeCuda cudnn(Path folder) {
    write(folder, List.of(), SUB_LIBRARIES.toArray(String[]::new));
    return write(folder, plus(NeededFunctions.CUDNN, "cudnnGetCudartVersion"), "libcudnn.so.9");
  }

  /** Writes NCCL's library. */
  FakeCuda nccl(Path folder) {
    return write(folder, NeededFunctions.NCCL.required(), "libnccl.so.2");
  }

  private static List<String> plus(NeededFunctions needed, String function) {
    var functions = new TreeSet<>(needed.required());
    functions.add(function);
    return List.copyOf(functions);
  }

  private FakeCuda write(Path folder, List<String> functions, String... names) {
    try {
      Files.createDirectories(folder);
      for (var name : names) {
        Files.write(
            folder.resolve(name), COMPILED.computeIfAbsent(source(functions), FakeCuda::compile));
      }
      return this;
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private String source(List<String> functions) {
    var source = new StringBuilder();
    for (var function : functions) {
      if (!without.contains(function)) {
        source.append(
            SPECIAL.getOrDefault(function, "int %s(void) { return 0; }".formatted(function)));
        source.append('\n');
      }
    }
    var text = source.toString();
    for (var answer : answers.entrySet()) {
      text = text.replaceAll("\\b" + answer.getKey() + "\\b", answer.getValue().toString());
    }
    return text;
  }

  /** Returns the shared library of a C source; without a compiler the test is skipped. */
  static byte[] compile(String source) {
    try {
      var folder = Files.createTempDirectory("fake-cuda");
      var file = Files.writeString(folder.resolve("fake.c"), source);
      var library = folder.resolve("fake.so");
      var compiler =
          new ProcessBuilder(
                  "cc", "-shared", "-fPIC", "-w", "-o", library.toString(), file.toString())
              .inheritIO()
              .start();
      assertEquals(0, compiler.waitFor(), "the C compiler fails");
      var bytes = Files.readAllBytes(library);
      Files.delete(library);
      Files.delete(file);
      Files.delete(folder);
      return bytes;
    } catch (IOException e) {
      return abort("there is no C compiler: " + e.getMessage());
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
