package io.github.cudnn4j.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The committed bindings are what jextract wrote from the committed lists: nothing was edited by
 * hand, nothing of the vendors' text came along.
 */
class BindingsChecksumTest {
  /** Set by Maven; elsewhere (the GPU kit) there are no sources to check. */
  private static final String BASE = System.getProperty("basedir", "");

  private static final Path BINDINGS = Path.of(BASE).resolve("bindings");
  private static final Path CHECKSUMS = BINDINGS.resolve("checksums.sha256");

  /** Written by hand or by this check itself, so not under it. */
  private static final Set<String> UNLISTED = Set.of("README.md", "checksums.sha256");

  /** All that jextract may write in a documentation comment outside a C declaration. */
  private static final Set<String> COMMENT_LINES =
      Set.of(
          "/**",
          "* {@snippet lang=c :",
          "* }",
          "*/",
          "* Function descriptor for:",
          "* Downcall method handle for:",
          "* Address for:",
          "* Variadic invoker class for:",
          "* Variadic invoker factory for:",
          "* {@return the address}",
          "* {@return the specialized method handle}",
          "* {@return the specialized descriptor}",
          "* struct {",
          "* The layout of this struct",
          "* The size (in bytes) of this struct",
          "* Layout for field:",
          "* Offset for field:",
          "* Getter for field:",
          "* Setter for field:",
          "* Dimensions for array field:",
          "* Indexed getter for field:",
          "* Indexed setter for field:",
          "* Obtains a slice of {@code arrayParam} which selects the array element at {@code"
              + " index}.",
          "* The returned segment has address {@code arrayParam.address() + index *"
              + " layout().byteSize()}",
          "* Allocate a segment of size {@code layout().byteSize()} using {@code allocator}",
          "* Allocate an array of size {@code elementCount} using {@code allocator}.",
          "* The returned segment has size {@code elementCount * layout().byteSize()}.",
          "* Reinterprets {@code addr} using target {@code arena} and {@code cleanupAction} (if"
              + " any).",
          "* The returned segment has size {@code layout().byteSize()}",
          "* The returned segment has size {@code elementCount * layout().byteSize()}");

  /** One C declaration: a function, a macro or an enumeration constant. */
  private static final Pattern DECLARATION =
      Pattern.compile(
          "\\* (#define \\w+ \\S+|enum [\\w<>]+\\.\\w+ = -?\\d+| *char \\w+\\[\\d+\\];?|[\\w"
              + " *]+\\([\\w *,\\[\\]]*\\))");

  @BeforeEach
  void sourcesAreHere() {
    assumeTrue(
        !BASE.isEmpty() || Files.isDirectory(BINDINGS), "no sources here, only the built classes");
  }

  @Test
  void everyFileHasItsRecordedChecksum() throws IOException {
    Map<String, String> recorded = recordedChecksums();
    List<String> drift = new ArrayList<>();
    recorded.forEach(
        (name, checksum) -> {
          // The vendors' headers are recorded by content and are not in the repository.
          if (name.startsWith("vendor/")) {
            return;
          }
          Path file = BINDINGS.resolve(name);
          if (!Files.isRegularFile(file)) {
            drift.add(name + " is missing");
          } else if (!sha256(file).equals(checksum)) {
            drift.add(name + " has changed");
          }
        });
    for (String name : filesUnder(BINDINGS)) {
      if (!recorded.containsKey(name) && !UNLISTED.contains(name)) {
        drift.add(name + " is not listed");
      }
    }
    assertEquals(
        List.of(), drift, "bindings/generate.sh writes java/ and checksums.sha256, nobody else");
  }

  @Test
  void everyVendorHeaderUsedIsRecorded() throws IOException {
    Set<String> headers =
        recordedChecksums().keySet().stream()
            .filter(name -> name.startsWith("vendor/"))
            .map(name -> name.substring("vendor/".length()))
            .collect(Collectors.toSet());
    assertTrue(
        headers.containsAll(
            Set.of(
                "cuda.h",
                "cuda_runtime_api.h",
                "cublas_api.h",
                "nvrtc.h",
                "cudnn_adv.h",
                "nccl.h")),
        () -> "recorded: " + headers);
  }

  @Test
  void theOutputHasDeclarationsAndNoOtherTextOfTheHeaders() throws IOException {
    List<String> foreign = new ArrayList<>();
    for (String name : filesUnder(BINDINGS.resolve("java"))) {
      int number = 0;
      for (String line : Files.readAllLines(BINDINGS.resolve("java").resolve(name))) {
        number++;
        String text = line.strip();
        boolean comment = text.startsWith("*") || text.startsWith("/*");
        boolean expected =
            !comment || COMMENT_LINES.contains(text) || DECLARATION.matcher(text).matches();
        if (!expected
            || Stream.of("Copyright", "NVIDIA", "/usr/", "/opt/").anyMatch(line::contains)) {
          foreign.add(name + ":" + number + ": " + text);
        }
      }
    }
    assertEquals(List.of(), foreign);
  }

  @ParameterizedTest
  @CsvSource({
    "cudart, io.github.cudnn4j.bindings.Cudart",
    "cuda, io.github.cudnn4j.bindings.CudaDriver",
    "cublas, io.github.cudnn4j.bindings.Cublas",
    "nvrtc, io.github.cudnn4j.bindings.Nvrtc",
    "cudnn, io.github.cudnn4j.bindings.Cudnn",
    "nccl, io.github.cudnn4j.bindings.Nccl",
    "host, io.github.cudnn4j.bindings.HostDevice"
  })
  void theClassHasExactlyWhatItsListNames(String list, Class<?> bindings) throws IOException {
    Set<String> listed = new TreeSet<>();
    for (String line : Files.readAllLines(BINDINGS.resolve("includes/" + list + ".txt"))) {
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      assertTrue(line.matches("--include-(function|constant|typedef) \\w+"), line);
      if (line.startsWith("--include-typedef")) {
        continue; // A class of its own.
      }
      assertTrue(listed.add(line.substring(line.indexOf(' ') + 1)), () -> "twice: " + line);
    }
    // A function that is declared without its parameters is bound as a class.
    Set<String> bound =
        Stream.concat(
                Arrays.stream(bindings.getDeclaredMethods())
                    .filter(method -> Modifier.isPublic(method.getModifiers()))
                    .map(Method::getName),
                Arrays.stream(bindings.getDeclaredClasses())
                    .filter(type -> Modifier.isPublic(type.getModifiers()))
                    .map(Class::getSimpleName))
            .filter(name -> !name.contains("$"))
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(listed, bound);
  }

  /** Runs where jextract and the vendors' headers are; the variables are those of generate.sh. */
  @Test
  void generatingAgainGivesTheSameBytes(@TempDir Path again) throws Exception {
    assumeTrue(
        System.getenv("CUDNN4J_JEXTRACT") != null,
        "needs CUDNN4J_JEXTRACT and CUDNN4J_CUDA_INCLUDE, CUDNN4J_CUDNN_INCLUDE,"
            + " CUDNN4J_NCCL_INCLUDE");
    Path log = again.resolve("log.txt");
    Process process =
        new ProcessBuilder(
                "bash", BINDINGS.resolve("generate.sh").toString(), again.resolve("out").toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    boolean ended = process.waitFor(5, TimeUnit.MINUTES);
    process.destroyForcibly();
    assertTrue(ended, "generate.sh took more than five minutes");
    assertEquals(0, process.exitValue(), Files.readString(log));

    Path java = again.resolve("out/java");
    assertEquals(filesUnder(BINDINGS.resolve("java")), filesUnder(java));
    for (String name : filesUnder(java)) {
      assertEquals(
          -1, Files.mismatch(BINDINGS.resolve("java").resolve(name), java.resolve(name)), name);
    }
    assertEquals(
        Files.readString(CHECKSUMS), Files.readString(again.resolve("out/checksums.sha256")));
  }

  /** Checksum by file name, relative to {@code bindings/}. */
  private static Map<String, String> recordedChecksums() throws IOException {
    Map<String, String> recorded = new TreeMap<>();
    for (String line : Files.readAllLines(CHECKSUMS)) {
      String[] fields = line.split(" {2}", 2);
      assertEquals(2, fields.length, line);
      recorded.put(fields[1], fields[0]);
    }
    return recorded;
  }

  private static List<String> filesUnder(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString())
          .sorted()
          .toList();
    }
  }

  private static String sha256(Path file) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
      return HexFormat.of().formatHex(digest);
    } catch (IOException | NoSuchAlgorithmException e) {
      throw new AssertionError("cannot read " + file, e);
    }
  }
}
