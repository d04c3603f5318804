package io.github.cudnn4j.cli;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.jar.Manifest;

/**
 * Starts the class that the jar's manifest names as {@code Launched-Class}, if this Java is new
 * enough. Compiled for Java 8, so that an older one says what it is to be, not that a class has a
 * wrong version.
 */
public final class Launcher {

  private static final int NEEDED = 25;

  private Launcher() {}

  /** Runs the class's {@code main}; exits with status 1 if this Java is too old. */
  public static void main(String[] arguments) throws Throwable {
    String refusal = refusal(System.getProperty("java.specification.version"));
    if (refusal != null) {
      System.err.println("cudnn4j: " + refusal + " (" + System.getProperty("java.home") + ")");
      System.exit(1);
    }
    try {
      Method main = Class.forName(launched()).getMethod("main", String[].class);
      main.setAccessible(true);
      main.invoke(null, (Object) arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private static String launched() throws IOException {
    try (InputStream manifest = Launcher.class.getResourceAsStream("/META-INF/MANIFEST.MF")) {
      return new Manifest(manifest).getMainAttributes().getValue("Launched-Class");
    }
  }

  /** Returns why a Java is not new enough; null if it is. */
  static String refusal(String version) {
    return Double.parseDouble(version) < NEEDED
        ? "Java " + NEEDED + " or newer is needed, this is Java " + version
        : null;
  }
}
