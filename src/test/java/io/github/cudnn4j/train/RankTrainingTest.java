package io.github.cudnn4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.JavaProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One training by several processes of this machine. */
class RankTrainingTest {

  private static final TrainingListener NOBODY = new TrainingListener() {};

  @TempDir private Path folder;

  @BeforeEach
  void requireHost() {
    assumeTrue(HostControl.ifHost().isPresent(), "one GPU cannot be two ranks");
  }

  /** Runs all ranks at the same time, to their ends. */
  private static List<JavaProcess> run(int size, String... arguments) throws Exception {
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getByName(Ranks.HOST))) {
      port = free.getLocalPort();
    }
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var running =
          IntStream.range(0, size)
              .mapToObj(
                  rank ->
                      threads.submit(
                          () ->
                              JavaProcess.run(
                                  RankTraining.class,
                                  JavaProcess.sameProperties(),
                                  Map.of(
                                      "RANK", "" + rank,
                                      "WORLD_SIZE", "" + size,
                                      "MASTER_PORT", "" + port,
                                      "CUDNN4J_TOKEN", "a token for this test"),
                                  arguments)))
              .toList();
      var ended = new ArrayList<JavaProcess>();
      for (var each : running) {
        ended.add(each.get());
      }
      return ended;
    }
  }

  private static String alone() throws IOException {
    try (var device = Device.open()) {
      return RankTraining.train(device, null, null, NOBODY);
    }
  }

  /**
   * With dropout, clipping and rows of any length, two ranks and then four, of which one is slow,
   * come to the bits of one process that was never interrupted.
   */
  @Test
  void whatIsLeftOfARankThatWasKilledIsGoneOnWithByAnyNumber() throws Exception {
    var killed = run(2, "die", folder.toString());
    assertEquals(9, killed.get(1).status(), killed::toString);
    assertEquals(
        List.of(
            "RankLostException: rank 1 of 2 has ended: start all ranks again and resume from the"
                + " newest checkpoint"),
        killed.getFirst().output(),
        killed::toString);
    var checkpoint = Checkpoints.in(folder, 2).latest().orElseThrow();
    assertTrue(checkpoint.step() > 0 && checkpoint.step() < RankTraining.STEPS);
    String expected = alone();
    var resumed = run(4, "train", folder.toString());
    for (var process : resumed) {
      assertEquals(0, process.status(), process::toString);
      assertEquals(expected, process.output().getLast(), process::toString);
      assertEquals(resumed.getFirst().output(), process.output());
    }
    assertEquals(RankTraining.STEPS, Checkpoints.in(folder, 2).latest().orElseThrow().step());
  }

  /** One process has four shards of each micro-batch, one of four ranks has one. */
  @Test
  void microBatchesComeToTheSameBitsWhoeverHasTheirShards() throws Exception {
    String expected;
    try (var device = Device.open()) {
      expected = RankTraining.train(device, null, null, NOBODY, RankTraining.MICRO_BATCHES);
      assertNotEquals(RankTraining.train(device, null, null, NOBODY), expected);
    }
    for (int size : new int[] {2, 4}) {
      for (var process : run(size, "micro")) {
        assertEquals(0, process.status(), process::toString);
        assertEquals(expected, process.output().getLast(), process::toString);
      }
    }
  }

  /** What comes out is what one process computes, but for the order of additions. */
  @Test
  void ranksShareTheWorkOfOneProcess() throws Exception {
    double[] expected;
    try (var device = Device.open()) {
      expected = RankTraining.model(device, null, 1);
    }
    var ranks = run(2, "text");
    for (var process : ranks) {
      assertEquals(0, process.status(), process::toString);
      for (int i = 0; i < expected.length; i++) {
        assertEquals(ranks.getFirst().output().get(i), process.output().get(i));
        assertEquals(expected[i], Double.parseDouble(process.output().get(i)), 1e-5);
      }
      var message = process.output().getLast();
      assertTrue(
          message.matches(
              "IOException: rank 1 has another text or data than rank 0: crc32c -?\\d+;"
                  + " rank 0: crc32c -?\\d+"),
          message);
    }
    assertNotEquals(0, expected[0]);
  }
}
