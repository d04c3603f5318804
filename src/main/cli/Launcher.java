package io.github.cudnn4j.cli;

import java.lang.reflect.InvocationTargetException;

/**
 * Starts the command line, if this Java is new enough. Compiled for Java 8, so that an older one
 * says what it is to be, not that a class has a wrong version.
 */
public final class Launcher {

  private static final int NEEDED = 25;

  private Launcher() {}

  /** Runs one command and exits, with status 1 if this Java is too old. */
  public static void main(String[] arguments) throws Throwable {
    String refusal = refusal(System.getProperty("java.specification.version"));
    if (refusal != null) {
      System.err.println("cudnn4j: " + refusal + " (" + System.getProperty("java.home") + ")");
      System.exit(1);
    }
    try {
      Class.forName("io.github.cudnn4j.cli.Main")
          .getMethod("main", String[].class)
          .invoke(null, (Object) arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  /** Returns why a Java is not new enough; null if it is. */
  static String refusal(String version) {
    return Double.parseDouble(version) < NEEDED
        ? "Java " + NEEDED + " or newer is needed, this is Java " + version
        : null;
  }
}
