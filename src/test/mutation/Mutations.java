import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Makes wrong changes to the code, one at a time, and runs the tests nearest to each: a change that
 * they do not notice shows a promise without a test.
 *
 * <p>The changes are in mutations.txt beside this: for each file the test classes nearest to it,
 * and pairs of a line as it is, which must be there once, and as it is changed. A third line tells
 * why no test can notice. A change that passes the nearest tests meets those of the whole package.
 *
 * <p>Java is compiled into a folder that comes first on the class path, a native file into a host
 * device of its own, so that neither the sources nor what was built change. Before its changes a
 * file is made in the same way as it is: tests that fail then notice nothing, and are an error. A
 * process for each processor runs the tests of many changes of Java, with -XX:ActiveProcessorCount
 * fewer of them; each native change has a process of its own, in which none has left anything.
 */
final class Mutations {
  private static final Path LIST = Path.of("src/test/mutation/mutations.txt");
  private static final Path TESTS = Path.of("src/test/java");
  private static final long MIN_SECONDS = 10;
  private static final long MOST_SECONDS = 600;

  /** One change; {@code reason} is empty unless nothing can notice it. */
  record Change(String file, List<String> tests, String before, String after, String reason) {
    boolean isJava() {
      return file.endsWith(".java");
    }
  }

  /** How a change ended, with the tests that ran. */
  enum Outcome {
    NOTICED,
    NOT_NOTICED_BY_NEAREST,
    NOTICED_BY_PACKAGE,
    NOT_NOTICED,
    FAILS_WITHOUT_A_CHANGE,
    DOES_NOT_COMPILE,
    DOES_NOT_MATCH
  }

  /** How long tests took without a change, and which of them failed. */
  private record Baseline(long seconds, String failed) {}

  private final Map<String, Baseline> baselines = new ConcurrentHashMap<>();

  private final Queue<Change> survivors = new ConcurrentLinkedQueue<>();
  private final int[] counts = new int[Outcome.values().length];
  private Path work;
  private int unexpected;

  /**
   * Runs the changes of the files in whose path the first argument, a regular expression, is found,
   * all without one. With {@code propose FILE...} prints changes to put into the list, and the
   * tests that the list has for the file: NONE where it has none, which is to be filled in.
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
    // A name of its own for each argument, as several may run at once, however long it is.
    String name = Integer.toHexString(part.hashCode());
    work = Path.of("target/mutation", name).toAbsolutePath();
    delete(work);
    List<Change> changes =
        read(LIST).stream()
            .filter(change -> Pattern.compile(part).matcher(change.file).find())
            .toList();
    inParallel(changes, false);
    inParallel(List.copyOf(survivors), true);
    for (Outcome outcome : Outcome.values()) {
      if (outcome != Outcome.NOT_NOTICED_BY_NEAREST) {
        System.out.printf("%5d %s%n", counts[outcome.ordinal()], outcome);
      }
    }
    System.out.printf("%5d not as the list says%n", unexpected);
    return unexpected;
  }

  /** A process for each processor takes the changes of a file until there are none. */
  private void inParallel(List<Change> changes, boolean wholePackage) throws Exception {
    var byFile = new LinkedHashMap<String, List<Change>>();
    for (Change change : changes) {
      byFile.computeIfAbsent(change.file, _ -> new ArrayList<>()).add(change);
    }
    var queue = new ConcurrentLinkedQueue<>(byFile.values());
    int workers = Runtime.getRuntime().availableProcessors();
    try (var threads = Executors.newFixedThreadPool(workers)) {
      var running = new ArrayList<Future<?>>();
      for (int i = 0; i < workers; i++) {
        Path folder = work.resolve((wholePackage ? "package" : "nearest") + i);
        running.add(
            threads.submit(
                () -> {
                  try (var worker = new Worker(folder)) {
                    for (var next = queue.poll(); next != null; next = queue.poll()) {
                      for (Change change : next) {
                        tell(change, run(worker, change, wholePackage), worker.failed);
                      }
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> one : running) {
        one.get();
      }
    }
  }

  private synchronized void tell(Change change, Outcome outcome, String failed) {
    if (outcome == Outcome.NOT_NOTICED_BY_NEAREST) {
      survivors.add(change);
    } else {
      counts[outcome.ordinal()]++;
      boolean noticed = outcome == Outcome.NOTICED || outcome == Outcome.NOTICED_BY_PACKAGE;
      unexpected += noticed == change.reason.isEmpty() ? 0 : 1;
    }
    System.out.printf("%-18s %s%n", outcome, change.file);
    System.out.printf("  - %s%n  + %s%n", change.before, change.after);
    if (!failed.isEmpty()) {
      System.out.printf("  ! %s%n", failed);
    }
    if (!change.reason.isEmpty()) {
      System.out.printf("  ? %s%n", change.reason);
    }
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

  private Outcome run(Worker worker, Change change, boolean wholePackage) throws Exception {
    String original = Files.readString(Path.of(change.file));
    String changed = changed(original, change);
    worker.failed = "";
    if (changed == null) {
      return Outcome.DOES_NOT_MATCH;
    }
    List<String> tests = wholePackage ? packageTests(change) : change.tests;
    String key = tests + (change.isJava() ? "" : change.file);
    if (!baselines.containsKey(key)) {
      // How long they take without a change is the measure of a hang.
      long start = System.nanoTime();
      boolean made = worker.make(change.file, original);
      String failed = made && worker.passes(tests, true, MOST_SECONDS) ? "" : worker.failed;
      long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start);
      baselines.put(key, new Baseline(seconds, made ? failed : "it does not compile"));
    }
    Baseline baseline = baselines.get(key);
    if (!baseline.failed.isEmpty()) {
      worker.failed = baseline.failed;
      return Outcome.FAILS_WITHOUT_A_CHANGE;
    }
    if (!worker.make(change.file, changed)) {
      return Outcome.DOES_NOT_COMPILE;
    }
    if (!worker.passes(tests, false, MIN_SECONDS + 3 * baseline.seconds)) {
      return wholePackage ? Outcome.NOTICED_BY_PACKAGE : Outcome.NOTICED;
    }
    return wholePackage ? Outcome.NOT_NOTICED : Outcome.NOT_NOTICED_BY_NEAREST;
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

  static void delete(Path folder) throws IOException {
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
