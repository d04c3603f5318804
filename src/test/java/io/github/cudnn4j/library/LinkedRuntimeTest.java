package io.github.cudnn4j.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.spi.ToolProvider;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** A Java runtime that jlink makes of a program, this library and the host device. */
@DisabledIfSystemProperty(
    named = "cudnn4j.host.mode",
    matches = "lazy",
    disabledReason = "it takes seconds, and the program has a process of its own")
class LinkedRuntimeTest {
  private static final Path HOST_MODULE = Path.of("src/main/host/module-info.java");

  private static final String MODULE =
      """
      module program {
        requires io.github.cudnn4j;
        requires io.github.cudnn4j.linux_x86_64;
      }
      """;

  private static final String PROGRAM =
      """
      package program;

      import io.github.cudnn4j.cuda.*;
      import io.github.cudnn4j.optim.*;
      import io.github.cudnn4j.rnn.*;
      import io.github.cudnn4j.tape.*;

      class Program {
        public static void main(String[] arguments) {
          try (var device = Device.open();
              var p = Parameters.on(device, Precision.FP32)) {
            var lstm = p.rnn("rnn", RnnConfig.lstm(2, 8));
            var head = p.linear("head", lstm.outputSize(), 1);
            p.initialize(1);
            try (var updater = Updater.create(p, Optimizer.adam(3e-2), Clip.NONE, LossScale.NONE);
                var tape = Tape.training(device, Precision.FP32)) {
              var x = tape.input(3, 4, 2);
              var target = tape.input(3, 4, 1);
              var loss = tape.meanSquaredError(head.on(tape, lstm.on(tape, x).y()), target);
              var ones = new float[12];
              java.util.Arrays.fill(ones, 1);
              target.value().copyFrom(ones);
              x.value().clear();
              for (int step = 0; step < 100; step++) {
                p.gradients().clear();
                tape.forward();
                tape.backward();
                updater.run(loss.value());
              }
              System.out.println(loss.read() < 0.05 ? "learnt" : "loss " + loss.read());
            }
          }
        }
      }
      """;

  @TempDir private Path folder;

  @Test
  void aLinkedRuntimeTrains() throws Exception {
    Path classes = place(Device.class);
    assumeTrue(Files.exists(classes.resolve("module-info.class")), "the module is not here");
    assumeTrue(Files.exists(HOST_MODULE), "the sources are not here");
    assumeTrue(ToolProvider.findFirst("jlink").isPresent(), "no jlink in this runtime");
    Path host = folder.resolve("host");
    Path library = host.resolve("io/github/cudnn4j/native/linux-x86_64", HostLibrary.NAME);
    Files.createDirectories(library.getParent());
    Files.copy(Path.of(System.getProperty(Settings.HOST_PATH), HostLibrary.NAME), library);
    run("javac", "-d", host.toString(), HOST_MODULE.toString());
    String modules = classes + ":" + host;
    Path program = Files.createDirectories(folder.resolve("source/program"));
    run(
        "javac",
        "-d",
        folder.resolve("program").toString(),
        "-p",
        modules + ":" + place(NullMarked.class),
        Files.writeString(program.resolveSibling("module-info.java"), MODULE).toString(),
        Files.writeString(program.resolve("Program.java"), PROGRAM).toString());
    Path runtime = folder.resolve("runtime");
    run(
        "jlink",
        "--module-path",
        modules + ":" + folder.resolve("program"),
        "--add-modules",
        "program",
        "--output",
        runtime.toString());
    var command =
        List.of(
            runtime.resolve("bin/java").toString(),
            "--enable-native-access=io.github.cudnn4j",
            "-Dcudnn4j.device=host",
            "-m",
            "program/program.Program");
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().put("XDG_CACHE_HOME", folder.resolve("cache").toString());
    var process = builder.start();
    var said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor());
    assertEquals("learnt", said.strip());
  }

  private static Path place(Class<?> type) throws URISyntaxException {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }

  private static void run(String tool, String... arguments) {
    var said = new StringWriter();
    var writer = new PrintWriter(said);
    int status = ToolProvider.findFirst(tool).orElseThrow().run(writer, writer, arguments);
    assertEquals(0, status, said::toString);
  }
}
