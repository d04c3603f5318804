package io.github.cudnn4j.testing;

import io.github.cudnn4j.library.Settings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A program that ran in a process of its own, with this process's classes: a process loads one
 * device only, once.
 *
 * @param status the exit status
 * @param output the lines on standard output
 * @param errors what is on standard error
 */
public record JavaProcess(int status, List<String> output, String errors) {
  /**
   * Runs a program to its end.
   *
   * @param options of the virtual machine, such as {@code -Dname=value}
   * @param variables added to the environment
   */
  public static JavaProcess run(
      Class<?> program, List<String> options, Map<String, String> variables, String... arguments)
      throws IOException, InterruptedException {
    return run(command(program, options, List.of(arguments)), variables);
  }

  /**
   * Runs a program that is one source file to its end.
   *
   * @param classPath what it is compiled and run with
   * @param options of the virtual machine
   * @param variables added to the environment
   */
  public static JavaProcess runSource(
      Path source, Path classPath, List<String> options, Map<String, String> variables)
      throws IOException, InterruptedException {
    return run(command(classPath.toString(), options, source.toString()), variables);
  }

  /**
   * Runs a jar's main class to its end.
   *
   * @param folder where it runs
   * @param options of the virtual machine
   */
  public static JavaProcess runJar(Path jar, Path folder, List<String> options, String... arguments)
      throws IOException, InterruptedException {
    var command = new ArrayList<>(List.of(java()));
    command.addAll(options);
    command.addAll(List.of("-jar", jar.toString()));
    command.addAll(List.of(arguments));
    return run(new ProcessBuilder(command).directory(folder.toFile()));
  }

  /**
   * Runs a program to its end that writes no file beyond a size, as on a full disk; what it says on
   * standard error is in the output.
   */
  public static JavaProcess runWithFilesUpTo(int kibibytes, Class<?> program, String... arguments)
      throws IOException, InterruptedException {
    String limit = "ulimit -f " + kibibytes + " && exec \"$@\"";
    var command = new ArrayList<>(List.of("bash", "-c", limit, "limited"));
    command.addAll(command(program, List.of("-XX:-UsePerfData"), List.of(arguments)));
    return run(new ProcessBuilder(command).redirectErrorStream(true));
  }

  private static JavaProcess run(List<String> command, Map<String, String> variables)
      throws IOException, InterruptedException {
    var builder = new ProcessBuilder(command);
    builder.environment().putAll(variables);
    return run(builder);
  }

  private static JavaProcess run(ProcessBuilder builder) throws IOException, InterruptedException {
    var errors = Files.createTempFile("java-process", ".txt");
    try {
      var process = builder.redirectError(errors.toFile()).start();
      var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      return new JavaProcess(process.waitFor(), output.lines().toList(), Files.readString(errors));
    } finally {
      Files.delete(errors);
    }
  }

  /** Returns the command that {@link #run} runs. */
  public static List<String> command(
      Class<?> program, List<String> options, List<String> arguments) {
    var command = command(System.getProperty("java.class.path"), options, program.getName());
    command.addAll(arguments);
    return command;
  }

  private static List<String> command(String classPath, List<String> options, String program) {
    var command = new ArrayList<String>();
    command.add(java());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(options);
    command.addAll(List.of("-cp", classPath, program));
    return command;
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  /**
   * Returns this library's own properties as options, so that the program gets the same device;
   * reports of leaks are for the tests' own process.
   */
  public static List<String> sameProperties() {
    return System.getProperties().stringPropertyNames().stream()
        .filter(name -> name.startsWith("cudnn4j.") && !name.equals(Settings.LEAKS))
        .map(name -> "-D" + name + "=" + System.getProperty(name))
        .toList();
  }

  /** As {@link #sameProperties}, with compilation by C2 alone, always at the same calls. */
  public static List<String> compiledByC2() {
    var options = new ArrayList<>(List.of("-Xbatch", "-XX:-TieredCompilation"));
    options.addAll(sameProperties());
    return options;
  }
}
