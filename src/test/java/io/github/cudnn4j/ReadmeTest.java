package io.github.cudnn4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example in the README compiles without a warning, runs, and does what its text says. */
class ReadmeTest {
  private static final Path README = Path.of(System.getProperty("basedir", ""), "README.md");
  private static final Pattern EXAMPLE = Pattern.compile("(?s)```java\n(.*?)```");
  private static final Pattern LINE = Pattern.compile("step (\\d): mean of y (-?\\d\\.\\d{4})");

  @TempDir private Path folder;

  @Test
  void exampleTrains() throws Exception {
    assumeTrue(Files.isRegularFile(README), "no README here, only the built classes");
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assumeTrue(compiler != null, "no Java compiler in this runtime");
    compile(compiler, example());

    List<String> lines = run().lines().toList();
    double previous = 1;
    for (int step = 0; step < lines.size(); step++) {
      var line = LINE.matcher(lines.get(step));
      assertTrue(line.matches(), lines.get(step));
      assertEquals(step, Integer.parseInt(line.group(1)));
      double mean = Double.parseDouble(line.group(2));
      assertTrue(mean < previous, () -> "the mean of y does not fall: " + lines);
      previous = mean;
    }
    assertEquals(5, lines.size());
  }

  private static String example() throws IOException {
    var blocks = EXAMPLE.matcher(Files.readString(README)).results().toList();
    assertEquals(1, blocks.size(), "Java examples in the README");
    return blocks.getFirst().group(1);
  }

  private void compile(JavaCompiler compiler, String source) throws IOException {
    Path file = Files.writeString(folder.resolve("Example.java"), source);
    var messages = new StringWriter();
    var options =
        List.of(
            "-d", folder.toString(), "-cp", System.getProperty("java.class.path"), "-Xlint:all");
    try (var files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
      var units = files.getJavaFileObjects(file);
      assertTrue(
          compiler.getTask(messages, files, null, options, null, units).call(),
          () -> messages.toString());
    }
    assertEquals("", messages.toString());
  }

  private String run() throws Exception {
    PrintStream console = System.out;
    var printed = new ByteArrayOutputStream();
    try (var loader = new URLClassLoader(new URL[] {folder.toUri().toURL()});
        var capture = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(capture);
      var constructor = loader.loadClass("Example").getDeclaredConstructor();
      constructor.setAccessible(true);
      var main = constructor.getDeclaringClass().getDeclaredMethod("main");
      main.setAccessible(true);
      main.invoke(constructor.newInstance());
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }
}
