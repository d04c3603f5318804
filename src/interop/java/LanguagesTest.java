import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.testing.JavaProcess;
import java.io.File;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guide's program in other languages than Java, by their own compilers. */
class LanguagesTest {
  private static final Path GUIDE =
      Path.of(System.getProperty("basedir", "")).resolve("src/examples/guide");
  private static final String CLASS_PATH = System.getProperty("java.class.path");

  @TempDir private Path classes;

  @Test
  void kotlin() throws Exception {
    Class<?> compiler = Class.forName("org.jetbrains.kotlin.cli.jvm.K2JVMCompiler");
    compile(compiler, "-no-stdlib", "-no-reflect", "-jvm-target", "25", source("classify.kt"));
    learns(new ProcessBuilder(java(classes + File.pathSeparator + CLASS_PATH, "ClassifyKt")));
  }

  @Test
  void scala() throws Exception {
    compile(Class.forName("scala.tools.nsc.Main"), "-Werror", source("Classify.scala"));
    learns(new ProcessBuilder(java(classes + File.pathSeparator + CLASS_PATH, "Classify")));
  }

  @Test
  void clojure() throws Exception {
    learns(new ProcessBuilder(java(CLASS_PATH, "clojure.main", source("classify.clj"))));
  }

  @Test
  void jshell() throws Exception {
    for (String execution : List.of("jdi", "local")) {
      var command = new ArrayList<String>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "jshell").toString());
      command.addAll(List.of("-s", "--execution", execution, "--class-path", CLASS_PATH));
      // The second is for snippets that run in jshell's own process.
      for (String prefix : List.of("-R", "-J")) {
        command.add(prefix + "--enable-native-access=ALL-UNNAMED");
        JavaProcess.sameProperties().forEach(option -> command.add(prefix + option));
      }
      command.add(source("classify.jsh"));
      learns(new ProcessBuilder(command));
    }
  }

  private static String source(String name) {
    return GUIDE.resolve(name).toString();
  }

  private void compile(Class<?> compiler, String... arguments) throws Exception {
    var all = new ArrayList<>(List.of("-classpath", CLASS_PATH, "-d", classes.toString()));
    all.addAll(List.of(arguments));
    var done =
        JavaProcess.run(
            compiler,
            List.of("--sun-misc-unsafe-memory-access=allow"),
            Map.of(),
            all.toArray(String[]::new));
    assertEquals(0, done.status(), done.errors() + done.output());
  }

  private static List<String> java(String classPath, String... program) {
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
    command.addAll(JavaProcess.sameProperties());
    command.addAll(List.of("-cp", classPath));
    command.addAll(List.of(program));
    return command;
  }

  private static void learns(ProcessBuilder program) throws Exception {
    Process process = program.redirectErrorStream(true).start();
    process.getOutputStream().close();
    String printed = new String(process.getInputStream().readAllBytes());
    assertTrue(process.waitFor(1, TimeUnit.MINUTES), printed);
    assertEquals("rising", printed.strip());
    assertEquals(0, process.exitValue());
  }
}
