package io.github.cudnn4j.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.io.Json;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.JavaProcess;
import io.github.cudnn4j.train.Checkpoints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Any rank is killed at any moment, from the start of its process on: the others end and say why,
 * and what is resumed comes to the bits of a training that was never killed.
 *
 * <p>{@code -Dcudnn4j.proof.kills=N} kills more often, {@code -Dcudnn4j.proof.seed=N} at other
 * moments; each kill is told, and how long the others took. {@code -Dcudnn4j.proof.join=SECONDS} is
 * for a machine on which processes take longer to start.
 */
class RankKillsTest {

  private static final int KILLS = Integer.getInteger("cudnn4j.proof.kills", 1);
  private static final long SEED = Long.getLong("cudnn4j.proof.seed", 1);

  private static final Duration FOREVER = Duration.ofMinutes(3);

  /** How ranks that have not met know of each other. */
  private static final int JOIN_SECONDS = Integer.getInteger("cudnn4j.proof.join", 15);

  private final SplittableRandom random = new SplittableRandom(SEED);
  @TempDir private Path folder;
  private Path text;
  private Path checkpoint;
  private String expected;
  private long wholeMillis;

  private record Rank(Process process, Path output, Path errors) {
    String last() throws IOException {
      List<String> lines = Files.readAllLines(output);
      return lines.isEmpty() ? "" : lines.getLast();
    }

    /** Returns its status and what it has said. */
    String end() {
      try {
        return "status %d%n%s%n%s"
            .formatted(
                process.exitValue(), Files.readString(output), Files.readString(errors).strip());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** Returns whether it ended by itself in time. */
    boolean ended(Duration limit) throws InterruptedException {
      return process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private List<Rank> start(int size) throws IOException {
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    List<Rank> ranks = new ArrayList<>();
    for (int rank = 0; rank < size; rank++) {
      Path output = folder.resolve("out" + rank);
      Path errors = folder.resolve("err" + rank);
      List<String> arguments =
          new ArrayList<>(List.of("train", "--text", text + "", "--checkpoint", checkpoint + ""));
      arguments.addAll(List.of("--hidden", "16", "--layers", "2", "--dropout", "0.1"));
      arguments.addAll(List.of("--batch", "8", "--steps", "7", "--epochs", "40"));
      arguments.addAll(List.of("--clip-norm", "1", "--checkpoint-every", "25", "--deterministic"));
      if (Checkpoints.in(checkpoint, 1).latest().isPresent()) {
        arguments.add("--resume");
      }
      var builder =
          new ProcessBuilder(
                  JavaProcess.command(Main.class, JavaProcess.sameProperties(), arguments))
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile());
      builder
          .environment()
          .putAll(
              Map.of(
                  "RANK", rank + "",
                  "WORLD_SIZE", size + "",
                  "MASTER_PORT", port + "",
                  "CUDNN4J_JOIN_SECONDS", JOIN_SECONDS + "",
                  "CUDNN4J_TOKEN", "a token for this test"));
      ranks.add(new Rank(builder.start(), output, errors));
    }
    return ranks;
  }

  private void newTraining(int number) throws IOException {
    checkpoint = Files.createDirectories(folder.resolve("model" + number));
  }

  private long step() throws IOException {
    var latest = Checkpoints.in(checkpoint, 1).latest();
    return latest.isPresent() ? latest.get().step() : 0;
  }

  private static String hash(Rank first) throws IOException {
    return (String) Json.parseObject(first.last()).get("weightsSha256");
  }

  /** Trains to the end. */
  private String finish(int size) throws IOException, InterruptedException {
    List<Rank> ranks = start(size);
    try {
      for (Rank rank : ranks) {
        assertTrue(rank.ended(FOREVER));
        assertEquals(0, rank.process.exitValue(), rank::end);
      }
      return hash(ranks.getFirst());
    } finally {
      ranks.forEach(rank -> rank.process.destroyForcibly());
    }
  }

  /** Returns false if the training was done before. */
  private boolean kill(int size) throws IOException, InterruptedException {
    List<Rank> ranks = start(size);
    int victim = random.nextInt(size);
    // Half of them while they train, which on a busy machine is little of the time.
    boolean training = random.nextBoolean();
    long moment = random.nextLong(training ? wholeMillis / 4 : wholeMillis);
    try {
      while (training && !Files.readString(ranks.getFirst().output).contains("epoch ")) {
        if (ranks.getFirst().ended(Duration.ofMillis(20))) {
          break;
        }
      }
      if (ranks.get(victim).ended(Duration.ofMillis(moment))) {
        assertEquals(0, ranks.get(victim).process.exitValue(), ranks.get(victim)::end);
        return false;
      }
      ranks.get(victim).process.destroyForcibly().waitFor();
      long killed = System.nanoTime();
      String why = "";
      for (int rank = 0; rank < size; rank++) {
        if (rank != victim) {
          Rank other = ranks.get(rank);
          assertTrue(other.ended(FOREVER), "rank " + rank + " goes on without rank " + victim);
          why = Files.readString(other.errors).strip();
          if (other.process.exitValue() == 0) {
            return false; // All was done.
          }
          assertFalse(why.isEmpty(), () -> "a rank does not say why it ends: " + other.end());
        }
      }
      System.out.printf(
          "rank %d of %d killed %d ms after the first %s, the others ended after %d ms: %s%n",
          victim,
          size,
          moment,
          training ? "epoch" : "start",
          (System.nanoTime() - killed) / 1_000_000,
          why);
      return true;
    } finally {
      ranks.forEach(rank -> rank.process.destroyForcibly());
    }
  }

  @Test
  void nothingIsLostButTheIntervalWhoeverIsKilledAndWhen() throws Exception {
    assumeTrue(HostControl.ifHost().isPresent(), "one GPU cannot be several ranks");
    text = Files.writeString(folder.resolve("text.txt"), "abcdef ".repeat(300));
    newTraining(0);
    long start = System.nanoTime();
    expected = finish(1);
    wholeMillis = (System.nanoTime() - start) / 1_000_000;
    assertNotEquals(null, expected);
    int trainings = 1;
    newTraining(trainings);
    int kills = 0;
    while (kills < KILLS) {
      long before = step();
      if (kill(random.nextBoolean() ? 2 : 4)) {
        kills++;
        assertTrue(step() >= before, "a checkpoint is lost");
      } else {
        assertEquals(expected, finish(2));
        newTraining(++trainings);
      }
    }
    assertEquals(expected, finish(2));
  }
}
