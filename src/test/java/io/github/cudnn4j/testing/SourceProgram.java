package io.github.cudnn4j.testing;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.StringWriter;
import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** A program that is one compact source file, as users write and run it. */
public final class SourceProgram {

  private SourceProgram() {}

  /**
   * Compiles a program, which must give no warning, and runs it here.
   *
   * @param classes the folder that the classes go to
   * @return the lines that it prints
   */
  public static List<String> run(Path source, Path classes, String... arguments) throws Exception {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    assumeTrue(compiler != null, "no Java compiler in this runtime");
    var messages = new StringWriter();
    var options =
        List.of(
            "-d", classes.toString(), "-cp", System.getProperty("java.class.path"), "-Xlint:all");
    try (var files = compiler.getStandardFileManager(null, null, StandardCharsets.UTF_8)) {
      var units = files.getJavaFileObjects(source);
      assertTrue(
          compiler.getTask(messages, files, null, options, null, units).call(),
          () -> messages.toString());
    }
    assertEquals("", messages.toString());

    PrintStream console = System.out;
    var printed = new ByteArrayOutputStream();
    try (var loader = new URLClassLoader(new URL[] {classes.toUri().toURL()});
        var capture = new PrintStream(printed, true, StandardCharsets.UTF_8)) {
      System.setOut(capture);
      String name = source.getFileName().toString().replace(".java", "");
      var constructor = loader.loadClass(name).getDeclaredConstructor();
      constructor.setAccessible(true);
      Method main =
          Stream.of(constructor.getDeclaringClass().getDeclaredMethods())
              .filter(method -> method.getName().equals("main"))
              .findFirst()
              .orElseThrow();
      main.setAccessible(true);
      Object[] taken = main.getParameterCount() == 0 ? new Object[0] : new Object[] {arguments};
      main.invoke(constructor.newInstance(), taken);
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8).lines().toList();
  }
}
