package io.github.cudnn4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.lang.reflect.Method;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The class that the jar begins with, which is compiled for Java 8 when it is packed. */
class LauncherTest {

  private static final int JAVA_8 = 52;

  @TempDir private Path classes;

  @Test
  void anOlderJavaIsToldWhichOneIsNeeded() throws Exception {
    int status =
        ToolProvider.getSystemJavaCompiler()
            .run(
                null,
                null,
                null,
                "--release",
                "8",
                "-Xlint:-options",
                "-d",
                classes + "",
                "src/main/cli/Launcher.java");
    assertEquals(0, status);
    byte[] launcher = Files.readAllBytes(classes.resolve("io/github/cudnn4j/cli/Launcher.class"));
    assertEquals(JAVA_8, ByteBuffer.wrap(launcher).getShort(6));
    try (URLClassLoader loader = new URLClassLoader(new URL[] {classes.toUri().toURL()}, null)) {
      Method refusal =
          loader
              .loadClass("io.github.cudnn4j.cli.Launcher")
              .getDeclaredMethod("refusal", String.class);
      refusal.setAccessible(true);
      assertEquals("Java 25 or newer is needed, this is Java 17", refusal.invoke(null, "17"));
      assertEquals("Java 25 or newer is needed, this is Java 1.8", refusal.invoke(null, "1.8"));
      assertNull(refusal.invoke(null, System.getProperty("java.specification.version")));
    }
  }
}
