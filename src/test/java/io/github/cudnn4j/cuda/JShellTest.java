package io.github.cudnn4j.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.LeakCheck;
import jdk.jshell.JShell;
import jdk.jshell.Snippet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A device in jshell with {@code --execution local}, and so in notebooks. */
@Tag(LeakCheck.LEAVES_TO_DEVICE)
@InOneMode
class JShellTest {
  @Test
  void everySnippetRunsOnAThreadOfItsOwn() {
    assumeTrue(ModuleLayer.boot().findModule("jdk.jshell").isPresent(), "this JDK has no jshell");
    Shell.use();
  }

  /** Apart, because a JDK without jshell can load the class above. */
  private record Shell(JShell shell) {
    static void use() {
      try (var jshell = JShell.builder().executionEngine("local").build()) {
        jshell.addToClasspath(System.getProperty("java.class.path"));
        var shell = new Shell(jshell);
        shell.eval("import io.github.cudnn4j.cuda.*;");
        var first = shell.eval("Thread.currentThread().threadId()");
        assertNotEquals(first, shell.eval("Thread.currentThread().threadId()"));
        shell.eval("var device = Device.open();");
        shell.eval("var x = DeviceBuffer.allocate(device, ElementType.INT32, 2);");
        shell.eval("x.copyFrom(new int[] {1, 2});");
        assertEquals("2", shell.eval("x.toInts()[1]"));
        shell.eval("device.close();");
        assertEquals("false", shell.eval("device.isOpen()"));
      }
    }

    private String eval(String source) {
      var event = shell.eval(source).getFirst();
      assertEquals(
          Snippet.Status.VALID,
          event.status(),
          () -> source + ": " + shell.diagnostics(event.snippet()).toList());
      assertNull(event.exception(), () -> source + ": " + event.exception().getMessage());
      return event.value();
    }
  }
}
