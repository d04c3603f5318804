package io.github.cudnn4j.cli;

import static io.github.cudnn4j.cli.CommandLineTest.assertFailed;
import static io.github.cudnn4j.cli.CommandLineTest.run;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cli.CommandLineTest.Ran;
import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import io.github.cudnn4j.train.Checkpoints;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands in a process of their own: what ends it, what it shares and what it may not do. */
@InOneMode
class TrainingProcessTest {

  private static final int TERMINATED = 128 + 15;

  @TempDir private Path folder;
  private Path text;
  private Path checkpoint;

  @BeforeEach
  void writeText() throws IOException {
    text = Files.writeString(folder.resolve("text.txt"), "abcdef ".repeat(300));
    checkpoint = folder.resolve("model");
  }

  private String[] training(String... more) {
    String[] begin = {"train", "--text", text + "", "--checkpoint", checkpoint + ""};
    String[] shape = {"--hidden", "16", "--one-hot", "--batch", "4", "--steps", "7"};
    return CommandLineTest.with(CommandLineTest.with(begin, shape), more);
  }

  /** Begins a command, its errors in its output, behind the words of another one. */
  private static Process start(List<String> before, Class<?> program, String... arguments)
      throws IOException {
    return start(before, Map.of(), program, arguments);
  }

  private static Process start(
      List<String> before, Map<String, String> variables, Class<?> program, String... arguments)
      throws IOException {
    List<String> options = new ArrayList<>(JavaProcess.sameProperties());
    options.add("-XX:-UsePerfData"); // a file that may be larger than a limit allows
    List<String> command = new ArrayList<>(before);
    command.addAll(JavaProcess.command(program, options, List.of(arguments)));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(variables);
    return builder.start();
  }

  /** What tells a process that it is one of two ranks. */
  private static Map<String, String> rank(int rank, int port) {
    return Map.of(
        "RANK",
        rank + "",
        "WORLD_SIZE",
        "2",
        "MASTER_PORT",
        port + "",
        "CUDNN4J_TOKEN",
        "a token for this test");
  }

  private static int freePort() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  private static Ran finish(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Ran(process.waitFor(), output, output);
  }

  private static void await(BufferedReader output, String begin) throws IOException {
    List<String> lines = new ArrayList<>();
    do {
      String line = output.readLine();
      assertTrue(line != null, () -> "no line begins with " + begin + ": " + lines);
      lines.add(line);
    } while (!lines.getLast().startsWith(begin));
  }

  /** Rank 0 locks the folder at any time while the others begin. */
  @Test
  void onlyTheRankThatWritesNeedsTheFolderForItself() throws Exception {
    Files.createDirectories(checkpoint);
    Set<StandardOpenOption> make = Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try (ServerSocket first = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        FileChannel lock = FileChannel.open(checkpoint.resolve(".lock"), make)) {
      lock.lock();
      Map<String, String> variables = rank(1, first.getLocalPort());
      CompletableFuture<JavaProcess> second = new CompletableFuture<>();
      Thread.ofVirtual()
          .start(
              () -> {
                try (first) {
                  second.complete(
                      JavaProcess.run(
                          Main.class, JavaProcess.sameProperties(), variables, training()));
                } catch (IOException | InterruptedException e) {
                  second.completeExceptionally(e);
                }
              });
      try (Socket met = first.accept()) {
        met.getOutputStream().write(new byte[32]);
      } catch (SocketException e) {
        // It has ended without coming.
      }
      String errors = second.get().errors();
      assertTrue(errors.contains(" has ended, or has another token (CUDNN4J_TOKEN)"), errors);
    }
  }

  @Test
  void aSignalStopsAfterTheStepAndResumeGoesOn() throws IOException, InterruptedException {
    Path metrics = folder.resolve("metrics.jsonl");
    String[] endless = {"--epochs", "2147483647", "--log-every", "1", "--metrics", metrics + ""};
    Process process = start(List.of(), Main.class, training(endless));
    List<String> rest = new ArrayList<>();
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      await(output, "epoch ");
      assertFailed(
          "another training (process " + process.pid() + ") uses " + checkpoint,
          run("train", "--text", text + "", "--checkpoint", checkpoint + "", "--resume"));
      process.toHandle().destroy();
      output.lines().forEach(rest::add);
    } finally {
      process.destroyForcibly();
    }
    assertEquals(TERMINATED, process.waitFor(), rest::toString);
    assertTrue(
        rest.contains("SIGTERM: stopping after this step; a second one stops at once"),
        rest::toString);
    assertTrue(rest.contains("stopped   the same command with --resume goes on"), rest::toString);
    Map<?, ?> result = assertInstanceOf(Map.class, Json.parse(rest.getLast()));
    long step = Checkpoints.in(checkpoint, 1).latest().orElseThrow().step();
    assertEquals(step, result.get("steps"));

    String[] again = {"--epochs", step / 71 + 1 + "", "--metrics", metrics + "", "--resume"};
    Ran resumed = run(training(again));

    assertEquals(0, resumed.status(), resumed.err());
    Set<Object> steps = new HashSet<>();
    for (String line : Files.readAllLines(metrics)) {
      Map<String, Object> object = Json.parseObject(line);
      if ("train".equals(object.get("kind"))) {
        assertTrue(steps.add(object.get("step")), () -> "twice: " + line);
      }
    }
    assertEquals((step / 71 + 1) * 71, steps.size());
  }

  /** It waits for a text that another program is to write. */
  @Test
  void aSignalBeforeTheTrainingLeavesNothing() throws IOException, InterruptedException {
    Files.delete(text);
    assertEquals(0, new ProcessBuilder("mkfifo", text + "").start().waitFor());
    Process process = start(List.of(), Main.class, training());
    try (var _ = Files.newOutputStream(text)) { // returns when it is opened to be read
      process.destroy();
      assertEquals(TERMINATED, process.waitFor());
    } finally {
      process.destroyForcibly();
    }
    assertFalse(Files.exists(checkpoint));
  }

  /** A library that draws bars may take the keyboard's signals for itself. */
  @Test
  void controlCOnATerminalStopsAfterTheStep() throws IOException, InterruptedException {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/script")), "there is no script(1) here");
    assumeTrue(!ignoresInterrupts(), "SIGINT is ignored here, as in a shell's background");
    String[] endless = {"--epochs", "2147483647", "--log-every", "1"};
    List<String> options = JavaProcess.sameProperties();
    String command =
        JavaProcess.command(Main.class, options, List.of(training(endless))).stream()
            .map(word -> "'" + word + "'")
            .collect(Collectors.joining(" "));
    Process process =
        new ProcessBuilder("/usr/bin/script", "-qefc", command, "/dev/null")
            .redirectErrorStream(true)
            .start();
    CompletableFuture.delayedExecutor(2, TimeUnit.MINUTES).execute(() -> end(process));
    StringBuilder shown = new StringBuilder();
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      boolean stopped = false;
      for (int c = output.read(); c >= 0; c = output.read()) {
        shown.append((char) c);
        if (!stopped && c == '\r' && shown.indexOf(" steps") > 0) {
          process.getOutputStream().write(3);
          process.getOutputStream().flush();
          stopped = true;
        }
      }
      assertEquals(128 + 2, process.waitFor(), shown::toString);
    } finally {
      end(process);
    }
    assertTrue(shown.indexOf("SIGINT: stopping after this step") > 0, shown::toString);
    assertTrue(Checkpoints.in(checkpoint, 1).latest().isPresent(), shown::toString);
  }

  private static void end(Process process) {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  /** What a process ignores, those that it starts ignore too. */
  private static boolean ignoresInterrupts() throws IOException {
    String ignored =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("SigIgn:"))
            .findFirst()
            .orElseThrow();
    return (Long.parseUnsignedLong(ignored.substring("SigIgn:".length()).strip(), 16) & 2) != 0;
  }

  /** Stops nothing, and tells when it was asked to. */
  static final class Deaf {
    private Deaf() {}

    public static void main(String[] arguments) throws InterruptedException {
      PrintWriter out = new PrintWriter(System.out, true);
      try (StopSignals _ = StopSignals.handle(() -> out.println("asked"), "soon", out)) {
        out.println("ready");
        new CountDownLatch(1).await();
      }
    }
  }

  @Test
  void aSecondSignalStopsAtOnce() throws IOException, InterruptedException {
    Process process = start(List.of(), Deaf.class);
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      await(output, "ready");
      process.toHandle().destroy();
      await(output, "SIGTERM: ");
      process.toHandle().destroy();
      assertEquals(TERMINATED, process.waitFor());
    } finally {
      process.destroyForcibly();
    }
  }

  /** A limit of a file's size, in KiB, is as good as a full disk. */
  @Test
  void aCheckpointThatDoesNotFitIsNamedAndLeavesNothing() throws IOException, InterruptedException {
    assertEquals(0, run(training("--epochs", "1")).status());
    long weights = Files.size(checkpoint.resolve("step-000000071/weights.safetensors"));
    long state = Files.size(checkpoint.resolve("step-000000071/state.safetensors"));
    assertTrue(weights >> 10 < state >> 10, weights + " and " + state + " bytes");
    List<String> limited =
        List.of("bash", "-c", "ulimit -f " + ((weights >> 10) + 1) + " && exec \"$@\"", "limited");

    Ran ran = finish(start(limited, Main.class, training("--epochs", "2", "--resume")));

    assertFailed(
        "cudnn4j train: " + checkpoint.resolve(".unfinished/state.safetensors") + ": ", ran);
    assertFalse(Files.exists(checkpoint.resolve(".unfinished")));
    assertEquals(71, Checkpoints.in(checkpoint, 1).latest().orElseThrow().step());
  }

  /** An administrator may read everything, unless without that capability. */
  @Test
  void whatMayNotBeReadIsNotCalledDamaged() throws IOException, InterruptedException {
    assertEquals(
        0, run(training("--epochs", "1", "--held-out", "0", "--checkpoint-every", "99")).status());
    Path hidden =
        Checkpoints.in(checkpoint, 1).latest().orElseThrow().folder().resolve("checkpoint.json");
    Files.setPosixFilePermissions(hidden, PosixFilePermissions.fromString("---------"));
    List<String> before = List.of();
    if (Files.isReadable(hidden)) {
      before =
          List.of("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all");
      assumeTrue(canRun(before), "a user who may read everything cannot give that up here");
    }

    Ran ran =
        finish(
            start(
                before, Main.class, "generate", "--checkpoint", checkpoint + "", "--prefix", "a"));

    assertFailed(
        checkpoint
            + " holds no checkpoint that can be read: no permission to read "
            + hidden
            + "\n",
        ran);
    assertFalse(ran.out().contains("damaged"), ran.out());
  }

  private static boolean canRun(List<String> before) throws InterruptedException {
    List<String> command = new ArrayList<>(before);
    command.add("true");
    try {
      return new ProcessBuilder(command).start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** Each as a shell or torchrun starts it; the second one is silent. */
  @Test
  void ranksOfTheEnvironmentComeToTheSameBitsAsOneProcess() throws Exception {
    assumeTrue(HostControl.ifHost().isPresent(), "one GPU cannot be two ranks");
    String[] training = {
      "train",
      "--text",
      text + "",
      "--hidden",
      "16",
      "--layers",
      "2",
      "--dropout",
      "0.1",
      "--batch",
      "8",
      "--steps",
      "7",
      "--epochs",
      "2",
      "--clip-norm",
      "1",
      "--deterministic"
    };
    Map<?, ?> alone = run(training).result();
    int port = freePort();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var ranks = new ArrayList<Future<JavaProcess>>();
      for (int rank = 0; rank < 2; rank++) {
        Map<String, String> variables = rank(rank, port);
        ranks.add(
            threads.submit(
                () ->
                    JavaProcess.run(
                        Main.class, JavaProcess.sameProperties(), variables, training)));
      }
      JavaProcess first = ranks.get(0).get();
      JavaProcess second = ranks.get(1).get();
      assertEquals(0, first.status(), first::toString);
      assertEquals(0, second.status(), second::toString);
      var result = assertInstanceOf(Map.class, Json.parse(first.output().getLast()));
      assertEquals(2L, ((Number) result.get("ranks")).longValue());
      assertEquals(1L, ((Number) alone.get("ranks")).longValue());
      assertEquals(alone.get("weightsSha256"), result.get("weightsSha256"));
      assertEquals(List.of(), second.output());
      assertEquals("", second.errors());
    }
  }

  /** A launcher that looks at one of them must not take the training for done. */
  @Test
  void aSignalToOneRankIsTheStatusOfAll() throws IOException, InterruptedException {
    assumeTrue(HostControl.ifHost().isPresent(), "one GPU cannot be two ranks");
    String[] endless = training("--epochs", "2147483647", "--log-every", "1");
    int port = freePort();
    Process first = start(List.of(), rank(0, port), Main.class, endless);
    Process second = start(List.of(), rank(1, port), Main.class, endless);
    try (BufferedReader output = first.inputReader(StandardCharsets.UTF_8)) {
      await(output, "epoch ");
      second.toHandle().destroy();
      List<String> rest = output.lines().toList();
      assertEquals(TERMINATED, first.waitFor(), rest::toString);
      assertEquals(
          new Ran(
              TERMINATED,
              "SIGTERM: stopping at the next log point; a second one stops at once\n",
              "SIGTERM: stopping at the next log point; a second one stops at once\n"),
          finish(second));
    } finally {
      first.destroyForcibly();
      second.destroyForcibly();
    }
  }

  /** It has not trained yet, and has not even read its text. */
  @Test
  void aRankThatIsKilledWhileItReadsEndsTheOthers() throws IOException, InterruptedException {
    assumeTrue(HostControl.ifHost().isPresent(), "one GPU cannot be two ranks");
    int port = freePort();
    Process first = start(List.of(), rank(0, port), Main.class, training());
    text = folder.resolve("never.txt");
    assertEquals(0, new ProcessBuilder("mkfifo", text + "").start().waitFor());
    Process second = start(List.of(), rank(1, port), Main.class, training());
    try (var _ = Files.newOutputStream(text)) { // returns when it is opened to be read
      second.destroyForcibly();
      assertFailed("cudnn4j train: rank 1 of 2 has ended: start all ranks again", finish(first));
    } finally {
      first.destroyForcibly();
      second.destroyForcibly();
    }
  }
}
