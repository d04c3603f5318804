import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.tools.ToolProvider;

/** Compiles changes and has a {@link TestWorker} run tests, one after the other, in a folder. */
final class Worker implements AutoCloseable {
  private static final String PATH = System.getProperty("java.class.path");
  private static final int MOST_RUNS = 25;

  /** Which tests failed last, or how else they ended; empty if all passed. */
  String failed = "";

  private final Path folder;
  private final Path program;
  private boolean isJava;
  private Path made;
  private Path library;
  private int makes;
  private Process process;
  private volatile String begun = "";
  private int runs;

  Worker(Path folder) throws IOException {
    this.folder = folder;
    program = folder.resolve("program");
    Files.createDirectories(program);
    Path source = Path.of("src/test/mutation/TestWorker.java");
    compile(folder.resolve(source.getFileName()), Files.readString(source), program);
  }

  /** Compiles a file with this text; false if that fails. */
  boolean make(String file, String text) throws Exception {
    if (made != null) {
      Mutations.delete(made);
    }
    failed = "";
    isJava = file.endsWith(".java");
    made = folder.resolve("" + makes++);
    library = made.resolve("library");
    Path classes = made.resolve("classes");
    Files.createDirectories(library);
    Files.createDirectories(classes);
    if (!isJava) {
      if (file.contains("/kernels/")) {
        Path kernels = classes.resolve("io/github/cudnn4j/kernels");
        Files.createDirectories(kernels);
        Files.writeString(kernels.resolve(Path.of(file).getFileName()), text);
      }
      return NativeBuild.build(file, text, library);
    }
    String name = "libcudnn4j_host.so";
    Files.copy(Path.of("target/native", name), library.resolve(name));
    return compile(made.resolve(Path.of(file).getFileName()), text, classes);
  }

  private static boolean compile(Path source, String text, Path classes) throws IOException {
    Files.writeString(source, text);
    var compiler = ToolProvider.getSystemJavaCompiler();
    try (var files = compiler.getStandardFileManager(null, null, null)) {
      var options = List.of("-proc:none", "-d", classes.toString(), "-cp", PATH);
      var units = files.getJavaFileObjects(source);
      return compiler.getTask(new StringWriter(), files, null, options, null, units).call();
    }
  }

  /**
   * Whether these tests pass with what was made last; a hang and a crash are failures. Ends with
   * the first failure unless {@code all} are to be named.
   */
  boolean passes(List<String> tests, boolean all, long seconds) throws Exception {
    if (process == null || !process.isAlive() || !isJava || runs++ == MOST_RUNS) {
      close();
      process = start();
      runs = 0;
    }
    String folders =
        made.resolve("classes")
            + File.pathSeparator
            + Path.of("target/test-classes").toAbsolutePath()
            + File.pathSeparator
            + Path.of("target/classes").toAbsolutePath();
    var writer = process.outputWriter(StandardCharsets.UTF_8);
    writer.write(folders + " " + library + " " + all + " " + String.join(" ", tests) + "\n");
    writer.flush();
    begun = "";
    var answer =
        CompletableFuture.supplyAsync(this::answer)
            .completeOnTimeout("hang", seconds, TimeUnit.SECONDS);
    failed = answer.get();
    if (failed.equals("hang") || failed.equals("crash")) {
      failed += " in " + begun;
      close();
    }
    return failed.isEmpty();
  }

  private String answer() {
    try {
      var reader = process.inputReader(StandardCharsets.UTF_8);
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.startsWith(TestWorker.BEGINS)) {
          begun = line.substring(TestWorker.BEGINS.length());
        } else if (line.startsWith(TestWorker.ANSWER)) {
          return line.substring(TestWorker.ANSWER.length());
        }
      }
      return "crash";
    } catch (IOException e) {
      return "crash";
    }
  }

  private Process start() throws IOException {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-XX:ErrorFile=" + folder.resolve("crash.log"),
            "-Dbasedir=" + Path.of("").toAbsolutePath(),
            "-Dcudnn4j.device=host",
            // NVTX can be loaded by one class loader only.
            "-Dcudnn4j.cuda.path=" + folder,
            "-Dcudnn4j.algorithms.path=" + folder.resolve("algorithms.json"),
            "-cp",
            program + File.pathSeparator + PATH,
            TestWorker.class.getName()));
    var builder = new ProcessBuilder(command).redirectError(folder.resolve("tests.log").toFile());
    builder.environment().put("CUDNN4J_ISA", NativeBuild.ISA);
    return builder.start();
  }

  @Override
  public void close() throws InterruptedException {
    if (process != null) {
      process.destroyForcibly().waitFor();
    }
  }
}
