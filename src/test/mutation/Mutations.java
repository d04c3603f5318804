import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.tools.ToolProvider;

/**
 * Makes wrong changes to the code, one at a time, and runs the tests nearest to each: a change that
 * they do not notice shows a promise without a test.
 *
 * <p>The changes are in mutations.txt beside this: for each file the test classes nearest to it,
 * and pairs of a line as it is, which must be there once, and as it is changed. A third line tells
 * why no test can notice. A change that passes the nearest tests meets those of the whole package.
 *
 * <p>Java is compiled into a folder that comes first on the class path, the host device from a copy
 * of its own, without optimization, so that neither the sources nor what was built change.
 */
final class Mutations {
  private static final Path LIST = Path.of("src/test/mutation/mutations.txt");
  private static final Path WORK = Path.of("target/mutation");
  private static final Path CLASSES = WORK.resolve("classes");
  private static final Path NATIVE = WORK.resolve("native");
  private static final Path TESTS = Path.of("src/test/java");
  private static final long MIN_SECONDS = 60;

  /** One change; {@code reason} is empty unless nothing can notice it. */
  record Change(String file, List<String> tests, String before, String after, String reason) {
    boolean isJava() {
      return file.endsWith(".java");
    }
  }

  /** How a change ended, with the tests that ran. */
  enum Outcome {
    NOTICED,
    NOTICED_BY_PACKAGE,
    NOT_NOTICED,
    DOES_NOT_COMPILE,
    DOES_NOT_MATCH
  }

  private final Map<List<String>, Long> baselines = new LinkedHashMap<>();
  private boolean nativeReady;

  /**
   * Runs the changes of the files whose path contains the first argument, all without one. With
   * {@code propose FILE...} prints changes to put into the list, and the tests that the list has
   * for the file: NONE where it has none, which is to be filled in.
   */
  public static void main(String[] arguments) throws Exception {
    if (arguments.length > 0 && arguments[0].equals("propose")) {
      for (String file : List.of(arguments).subList(1, arguments.length)) {
        propose(file);
      }
      return;
    }
    String part = arguments.length > 0 ? arguments[0] : "";
    int unexpected = new Mutations().runAll(part);
    System.exit(unexpected == 0 ? 0 : 1);
  }

  private int runAll(String part) throws Exception {
    List<Change> changes = read(LIST);
    var counts = new int[Outcome.values().length];
    int unexpected = 0;
    for (Change change : changes) {
      if (!change.file.contains(part)) {
        continue;
      }
      Outcome outcome = run(change);
      counts[outcome.ordinal()]++;
      boolean noticed = outcome == Outcome.NOTICED || outcome == Outcome.NOTICED_BY_PACKAGE;
      unexpected += noticed == change.reason.isEmpty() ? 0 : 1;
      System.out.printf("%-18s %s%n", outcome, change.file);
      if (outcome != Outcome.NOTICED) {
        System.out.printf("  - %s%n  + %s%n", change.before, change.after);
      }
      if (!change.reason.isEmpty()) {
        System.out.printf("  ? %s%n", change.reason);
      }
    }
    for (Outcome outcome : Outcome.values()) {
      System.out.printf("%5d %s%n", counts[outcome.ordinal()], outcome);
    }
    System.out.printf("%5d not as the list says%n", unexpected);
    return unexpected;
  }

  private static List<Change> read(Path list) throws IOException {
    var changes = new ArrayList<Change>();
    String file = "";
    List<String> tests = List.of();
    String before = "";
    for (String line : Files.readAllLines(list)) {
      String text = line.length() > 2 ? line.substring(2) : "";
      switch (line.isEmpty() ? ' ' : line.charAt(0)) {
        case '@' -> file = text;
        case '!' -> {
          tests = new ArrayList<>();
          for (String test : text.split(" ")) {
            tests.add(className(test));
          }
        }
        case '-' -> before = text;
        case '+' -> changes.add(new Change(file, tests, before, text, ""));
        case '?' -> {
          Change last = changes.removeLast();
          changes.add(new Change(last.file, last.tests, last.before, last.after, text));
        }
        default -> {
          // A comment, or nothing.
        }
      }
    }
    return changes;
  }

  private Outcome run(Change change) throws Exception {
    String original = Files.readString(Path.of(change.file));
    String changed = changed(original, change);
    if (changed == null) {
      return Outcome.DOES_NOT_MATCH;
    }
    delete(CLASSES);
    Files.createDirectories(CLASSES);
    if (!change.isJava()) {
      prepareNative();
    }
    List<String> all = packageTests(change);
    baseline(change.tests, change.isJava());
    if (!(change.isJava() ? compile(change.file, changed) : build(change.file, changed))) {
      return Outcome.DOES_NOT_COMPILE;
    }
    try {
      if (!passes(change.tests, change.isJava(), limit(change.tests))) {
        return Outcome.NOTICED;
      }
      return passes(all, change.isJava(), 10 * MIN_SECONDS)
          ? Outcome.NOT_NOTICED
          : Outcome.NOTICED_BY_PACKAGE;
    } finally {
      if (!change.isJava()) {
        Files.writeString(
            NATIVE.resolve(Path.of("native").relativize(Path.of(change.file))), original);
      }
    }
  }

  /** The text with the change; null if the line is not there exactly once. */
  private static String changed(String text, Change change) {
    var matcher =
        Pattern.compile("(?m)^([ \t]*)" + Pattern.quote(change.before) + "$").matcher(text);
    if (!matcher.find()) {
      return null;
    }
    String changed =
        text.substring(0, matcher.start())
            + matcher.group(1)
            + change.after
            + text.substring(matcher.end());
    return matcher.find() ? null : changed;
  }

  /** Without a change the tests must pass; how long they take is the measure of a hang. */
  private void baseline(List<String> tests, boolean java) throws Exception {
    if (!baselines.containsKey(tests)) {
      long start = System.nanoTime();
      if (!passes(tests, java, 10 * MIN_SECONDS)) {
        throw new IllegalStateException("without any change these fail: " + tests);
      }
      baselines.put(tests, TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start));
    }
  }

  private long limit(List<String> tests) {
    return MIN_SECONDS + 5 * baselines.get(tests);
  }

  private static boolean passes(List<String> tests, boolean java, long seconds) throws Exception {
    String path = CLASSES + File.pathSeparator + System.getProperty("java.class.path");
    var command = new ArrayList<String>();
    command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Dbasedir=" + Path.of("").toAbsolutePath(),
            "-Dcudnn4j.device=host",
            "-Dcudnn4j.algorithms.path=" + WORK.resolve("algorithms.json"),
            "-Dcudnn4j.host.path=" + (java ? Path.of("target/native") : WORK.resolve("library")),
            "-cp",
            path,
            "org.junit.platform.console.ConsoleLauncher",
            "execute",
            "--fail-fast",
            "--disable-banner",
            "--details=none"));
    for (String test : tests) {
      command.add("--select-class=" + test);
    }
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(WORK.resolve("tests.log").toFile())
            .start();
    if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
      process.destroyForcibly().waitFor();
      return false;
    }
    return process.exitValue() == 0;
  }

  /** The full name of a test class, of which the last packages may be given, too. */
  private static String className(String test) throws IOException {
    try (Stream<Path> files = Files.walk(TESTS)) {
      Path file =
          files
              .filter(path -> path.endsWith(test.replace('.', '/') + ".java"))
              .findFirst()
              .orElseThrow(() -> new IllegalArgumentException("there is no test class " + test));
      return className(file);
    }
  }

  private static String className(Path file) {
    String name = TESTS.relativize(file).toString();
    return name.substring(0, name.length() - ".java".length()).replace('/', '.');
  }

  /** The test classes of the nearest tests' folders. */
  private static List<String> packageTests(Change change) throws IOException {
    var all = new ArrayList<String>();
    for (String test : change.tests) {
      Path folder = TESTS.resolve(test.replace('.', '/')).getParent();
      try (Stream<Path> files = Files.list(folder)) {
        files
            .filter(path -> path.toString().endsWith("Test.java"))
            .map(Mutations::className)
            .filter(name -> !all.contains(name))
            .sorted()
            .forEach(all::add);
      }
    }
    return all;
  }

  private static boolean compile(String file, String text) throws IOException {
    Path source = WORK.resolve("source").resolve(Path.of(file).getFileName());
    Files.createDirectories(source.getParent());
    Files.writeString(source, text);
    var compiler = ToolProvider.getSystemJavaCompiler();
    try (var files = compiler.getStandardFileManager(null, null, null)) {
      var options =
          List.of(
              "-proc:none", "-d", CLASSES.toString(), "-cp", System.getProperty("java.class.path"));
      var units = files.getJavaFileObjects(source);
      return compiler.getTask(new StringWriter(), files, null, options, null, units).call();
    }
  }

  private void prepareNative() throws Exception {
    if (nativeReady) {
      return;
    }
    delete(NATIVE);
    require(command("cmake", "-E", "copy_directory", "native", NATIVE.toString()));
    Path lists = NATIVE.resolve("CMakeLists.txt");
    // Each change is compiled once and runs for seconds; other warnings come with less
    // optimization.
    Files.writeString(
        lists, Files.readString(lists).replace("-O3 -g1", "-O1 -g0").replace("-Werror", "-w"));
    require(
        command(
            "cmake",
            "-S",
            NATIVE.toString(),
            "-B",
            WORK.resolve("build").toString(),
            "-DOUTPUT_DIRECTORY=" + WORK.resolve("library").toAbsolutePath()));
    require(cmakeBuild());
    nativeReady = true;
  }

  private static boolean build(String file, String text) throws Exception {
    Files.writeString(NATIVE.resolve(Path.of("native").relativize(Path.of(file))), text);
    if (file.endsWith(".cu") || file.endsWith(".cuh")) {
      // The host device knows a kernel by its text.
      Path kernels = CLASSES.resolve("io/github/cudnn4j/kernels");
      Files.createDirectories(kernels);
      Files.writeString(kernels.resolve(Path.of(file).getFileName()), text);
    }
    return cmakeBuild();
  }

  private static boolean cmakeBuild() throws Exception {
    return command(
        "cmake",
        "--build",
        WORK.resolve("build").toString(),
        "--target",
        "cudnn4j_host",
        "--parallel",
        "2");
  }

  private static boolean command(String... command) throws Exception {
    return new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(WORK.resolve("build.log").toFile())
            .start()
            .waitFor()
        == 0;
  }

  private static void require(boolean succeeded) {
    if (!succeeded) {
      throw new IllegalStateException("see " + WORK.resolve("build.log"));
    }
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  /** What is replaced by what, the first that a line has. */
  private static final String[][] RULES = {
    {" < ", " <= "}, {" <= ", " < "}, {" > ", " >= "}, {" >= ", " > "}, {" == ", " != "},
    {" != ", " == "}, {" && ", " || "}, {" || ", " && "}, {".min(", ".max("}, {".max(", ".min("},
    {" += ", " -= "}, {" -= ", " += "}, {" - ", " + "}, {" + ", " - "}, {" * ", " / "},
    {" / ", " * "}, {" % ", " * "}, {" = 0;", " = 1;"}, {" = 1;", " = 2;"}, {"true", "false"},
    {"false", "true"}, {"(0,", "(1,"}, {", 0)", ", 1)"}, {", 1)", ", 2)"}
  };

  /** Prints one change for every so many lines, spread over the file. */
  private static void propose(String file) throws IOException {
    List<String> lines = Files.readAllLines(Path.of(file)).stream().map(String::strip).toList();
    var candidates = new ArrayList<String[]>();
    String before = ";";
    for (String line : lines) {
      boolean begins = before.isEmpty() || ";{}/".indexOf(before.charAt(before.length() - 1)) >= 0;
      before = line;
      boolean code =
          !line.matches("(//|\\*|/\\*|#|@|import|static_assert|throw |template|case ).*")
              && !line.contains("\"")
              && !line.contains("FOR_EACH")
              && lines.indexOf(line) == lines.lastIndexOf(line);
      if (!code) {
        continue;
      }
      for (String[] rule : RULES) {
        if (line.contains(rule[0])) {
          candidates.add(new String[] {line, line.replaceFirst(Pattern.quote(rule[0]), rule[1])});
          break;
        }
      }
      if (begins && line.matches("[a-z]\\w*(\\.\\w+)*\\([^;{}]*\\);")) {
        candidates.add(new String[] {line, ";"});
      }
    }
    int count = Math.min(candidates.size(), Math.max(2, lines.size() / 35));
    if (count > 0) {
      List<String> tests =
          read(LIST).stream()
              .filter(change -> change.file.equals(file))
              .findFirst()
              .map(Change::tests)
              .orElse(List.of("NONE"));
      System.out.printf("%n@ %s%n! %s%n", file, String.join(" ", tests));
    }
    for (int i = 0; i < count; i++) {
      String[] change = candidates.get(i * candidates.size() / count);
      System.out.println("- " + change[0] + "\n+ " + change[1]);
    }
  }
}
