import java.io.IOException;
import java.io.PrintStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Scanner;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.platform.engine.CancellationToken;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.TestExecutionListener;
import org.junit.platform.launcher.TestIdentifier;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherExecutionRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;

/**
 * Runs tests for {@link Mutations}, many times in one process, which is what makes a change cheap:
 * JUnit and the JDK are loaded and compiled once. Each line of the input has a class path, the
 * folder of the host device, whether to go on after a failure, and test classes, separated by
 * spaces. Each test is told as it begins; the answer is a line with those that failed. Each run has
 * class loader and thread of its own, and a host device of its own if its folder is a new one.
 */
final class TestWorker {
  static final String ANSWER = "answer:";
  static final String BEGINS = "begins:";

  private TestWorker() {}

  public static void main(String[] arguments) throws Exception {
    PrintStream answers = System.out;
    String path = System.getProperty("java.class.path");
    var input = new Scanner(System.in);
    while (input.hasNextLine()) {
      String[] request = input.nextLine().split(" ");
      System.setProperty("java.class.path", request[0] + java.io.File.pathSeparator + path);
      System.setProperty("cudnn4j.host.path", request[1]);
      var failures = new Failures(answers, Boolean.parseBoolean(request[2]));
      var run =
          new Thread(
              () -> execute(request[0], List.of(request).subList(3, request.length), failures));
      run.start();
      run.join();
      answers.println("\n" + ANSWER + String.join(", ", failures.names));
    }
    System.exit(0);
  }

  private static void execute(String path, List<String> tests, Failures failures) {
    try (var classes = new Classes(path)) {
      Thread.currentThread().setContextClassLoader(classes);
      var selected = LauncherDiscoveryRequestBuilder.request();
      for (String test : tests) {
        selected.selectors(DiscoverySelectors.selectClass(classes.loadClass(test)));
      }
      LauncherFactory.create()
          .execute(
              LauncherExecutionRequestBuilder.request(selected.build())
                  .listeners(failures)
                  .cancellationToken(failures.token)
                  .build());
    } catch (ReflectiveOperationException | IOException | RuntimeException | Error e) {
      failures.names.add(e.toString());
    }
  }

  /** Gathers failures, and ends the run at the first unless it is to go on. */
  private static final class Failures implements TestExecutionListener {
    final CancellationToken token = CancellationToken.create();
    final Queue<String> names = new ConcurrentLinkedQueue<>();
    private final PrintStream answers;
    private final boolean goesOn;

    Failures(PrintStream answers, boolean goesOn) {
      this.answers = answers;
      this.goesOn = goesOn;
    }

    @Override
    public void executionStarted(TestIdentifier test) {
      answers.println("\n" + BEGINS + name(test));
    }

    @Override
    public void executionFinished(TestIdentifier test, TestExecutionResult result) {
      if (result.getStatus() == TestExecutionResult.Status.FAILED) {
        names.add(name(test));
        result.getThrowable().ifPresent(Throwable::printStackTrace);
        if (!goesOn) {
          token.cancel();
        }
      }
    }

    private static String name(TestIdentifier test) {
      return test.getUniqueId()
          .replaceAll(".*?/\\[class:([^]]*\\.)?", "")
          .replaceAll("\\]/\\[[\\w-]+:", " ")
          .replaceAll("\\]$", "");
    }
  }

  /** Classes and resources of its own path before those of the application's, JUnit's aside. */
  private static final class Classes extends URLClassLoader {
    Classes(String path) throws MalformedURLException {
      super(urls(path), TestWorker.class.getClassLoader());
    }

    private static URL[] urls(String path) throws MalformedURLException {
      var urls = new ArrayList<URL>();
      for (String folder : path.split(java.io.File.pathSeparator)) {
        urls.add(Path.of(folder).toUri().toURL());
      }
      return urls.toArray(URL[]::new);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      synchronized (getClassLoadingLock(name)) {
        Class<?> loaded = findLoadedClass(name);
        if (loaded == null && name.startsWith("io.github.cudnn4j.")) {
          loaded = findClass(name);
        }
        return loaded == null ? super.loadClass(name, resolve) : loaded;
      }
    }

    @Override
    public URL getResource(String name) {
      URL own = findResource(name);
      return own == null ? super.getResource(name) : own;
    }
  }
}
