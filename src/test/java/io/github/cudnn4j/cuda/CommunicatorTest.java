package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.testing.Refusals.refusesNow;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.library.HostControl;
import io.github.cudnn4j.testing.JavaProcess;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Ranks as processes of this machine, which only the host device can have without more GPUs. */
class CommunicatorTest {
  private static final int JOIN_SECONDS = 60;

  /** What a rank says first, in bytes. */
  private static final int HELLO = 112;

  private Device device;
  private HostControl host;

  @BeforeEach
  void open() {
    var control = HostControl.ifHost();
    assumeTrue(control.isPresent(), "one GPU cannot be two ranks");
    host = control.get();
    device = Device.open();
  }

  @AfterEach
  void close() {
    if (device != null) {
      host.clearFault();
      host.joinSeconds(JOIN_SECONDS);
      device.close();
    }
  }

  @Test
  void ranksOfOneMachineShareMemory() throws Exception {
    worked(RankProcess.run("work", 2, Communicator.Id.create(device)), 2, 2);
  }

  @Test
  void aRankOfAnotherMachineIsReachedByTheNetwork() throws Exception {
    worked(RankProcess.run("work", 4, Communicator.Id.create(device), 3), 1, 2, 1, 0);
  }

  private static void worked(List<JavaProcess> ranks, int... shared) {
    for (var rank = 0; rank < shared.length; rank++) {
      var process = ranks.get(rank);
      assertEquals(
          List.of("shares memory with " + shared[rank] + " neighbours"),
          process.output(),
          process::toString);
      assertEquals(0, process.status(), process::toString);
    }
  }

  @Test
  void damagedMemoryIsAnError() throws Exception {
    for (var process : RankProcess.run("damage", 2, Communicator.Id.create(device))) {
      assertEquals(0, process.status(), process::toString);
      var message = process.output().getFirst();
      assertTrue(message.contains("the memory shared with a neighbour is damaged"), message);
    }
  }

  /** Who finds the name of a rank's mailbox can put things into it. */
  @Test
  void whatStrangersLeaveIsNotTaken() throws Exception {
    var id = Communicator.Id.create(device);
    var limit = System.nanoTime() + Duration.ofSeconds(JOIN_SECONDS).toNanos();
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var other =
          threads.submit(
              () -> {
                var mailbox = "";
                while (mailbox.isEmpty() && System.nanoTime() < limit) {
                  mailbox = UnixDatagram.names("cudnn4j-").stream().findAny().orElse("");
                }
                for (var bytes : new int[] {0, 1, 32, 1000}) {
                  assertEquals(bytes, UnixDatagram.send(mailbox, bytes));
                }
                return RankProcess.run("sum", 1, 2, id, false);
              });
      try (var communicator = Communicator.join(device, id, 0, 2)) {
        assertEquals(3, RankProcess.sum(device, communicator));
        assertEquals(2, RankProcess.shared().size());
      }
      assertEquals(List.of("3"), other.get().output(), other.get()::toString);
    }
  }

  @Test
  void aRankThatEndsEndsTheOthersWithAMessage() throws Exception {
    var id = Communicator.Id.create(device);
    var ended =
        assertTimeoutPreemptively(Duration.ofSeconds(60), () -> RankProcess.run("death", 4, id, 0));
    assertEquals(7, ended.get(1).status());
    for (var rank : List.of(0, 2, 3)) {
      var process = ended.get(rank);
      assertEquals(0, process.status(), process::toString);
      var message = process.output().getFirst();
      assertTrue(
          message.contains(
              "rank "
                  + rank
                  + " of 4, all-reduce of 140011 float32 (sum): the connection to a neighbour is"
                  + " lost; another rank has ended, or has lost one that has"),
          message);
    }
  }

  @Test
  void callsThatDifferAreToldApart() throws Exception {
    var ended = RankProcess.run("misfit", 2, Communicator.Id.create(device));
    var messages = ended.stream().map(process -> process.output().toString()).toList();
    assertTrue(
        messages
            .toString()
            .contains(
                "calls all-reduce of 3 int32 (maximum) as its number 0, rank 1 calls all-reduce of"
                    + " 4 int32 (maximum) as its number 0"),
        messages::toString);
    assertTrue(ended.stream().allMatch(process -> process.status() == 0), ended::toString);
  }

  @Test
  void aRankThatWaitsCanBeAborted() throws Exception {
    var ended = RankProcess.run("abort", 2, Communicator.Id.create(device));
    assertEquals(List.of("aborted"), ended.get(0).output(), ended::toString);
    assertEquals(
        List.of("another rank has ended or failed"), ended.get(1).output(), ended::toString);
  }

  /** Before the ranks come: one who says nothing, one who says too much, one with a wrong token. */
  @Test
  void strangersChangeNothing() throws Exception {
    var id = Communicator.Id.create(device);
    var address = ByteBuffer.wrap(id.bytes(), 8, 8);
    address.getShort();
    var port = address.getShort() & 0xFFFF;
    var host = new byte[4];
    address.get(host);
    var strangers = new ArrayList<Socket>();
    for (var said :
        List.of(new byte[0], new byte[1 << 16], "c4jnccl2".repeat(14).getBytes(UTF_8))) {
      var socket = new Socket(InetAddress.getByAddress(host), port);
      strangers.add(socket);
      socket.getOutputStream().write(said);
    }
    assertEquals(HELLO, "c4jnccl2".repeat(14).length());
    for (var process : RankProcess.run("misfit", 2, id)) {
      assertEquals(0, process.status(), process::toString);
    }
    for (var socket : strangers) {
      socket.close();
    }
  }

  private CudaException refusal(Communicator.Id id, int rank, int ranks) {
    return assertThrows(
        CudaException.class, () -> Communicator.join(device, id, rank, ranks).close());
  }

  @Test
  void aRankThatDoesNotComeIsNotWaitedForForever() {
    host.joinSeconds(1);
    var e = refusal(Communicator.Id.create(device), 0, 2);
    assertEquals(
        "ncclCommInitRank returned 2 the system failed: the ranks do not all come, or the one that"
            + " made the id has ended",
        e.getMessage());
  }

  @Test
  void twoRanksOfOneProcessOrOneRankTwiceAreRefused() throws Exception {
    host.joinSeconds(3);
    var id = Communicator.Id.create(device);
    var codes = new ArrayList<Integer>();
    try (var threads = Executors.newCachedThreadPool()) {
      var refusals =
          IntStream.of(0, 0, 1)
              .mapToObj(rank -> threads.submit(() -> ofAnotherThread(id, rank)))
              .toList();
      for (var refusal : refusals) {
        codes.add(refusal.get().code());
      }
    }
    // Whoever comes first waits in vain.
    codes.sort(null);
    assertEquals(List.of(2, 5, 5), codes);
  }

  private static CudaException ofAnotherThread(Communicator.Id id, int rank) {
    try (var own = Device.open()) {
      return assertThrows(CudaException.class, () -> Communicator.join(own, id, rank, 3).close());
    }
  }

  @Test
  void oneRankIsAloneAndComputesAllTheSame() {
    var alone = Communicator.join(device, Communicator.Id.create(device), 0, 1);
    try (var x = DeviceBuffer.allocate(device, ElementType.FLOAT32, 3);
        var y = DeviceBuffer.allocate(device, ElementType.FLOAT32, 3)) {
      x.copyFrom(new float[] {1, 2, 3});
      alone.allReduce(Reduction.AVERAGE, x, y);
      assertArrayEquals(new float[] {1, 2, 3}, y.toFloats());
      y.clear();
      alone.reduceScatter(Reduction.MIN, x, y);
      assertArrayEquals(new float[] {1, 2, 3}, y.toFloats());
      y.clear();
      alone.allGather(x, y);
      alone.broadcast(0, y);
      assertArrayEquals(new float[] {1, 2, 3}, y.toFloats());
      alone.check();

      host.fail("ncclAllReduce", 1, 3, false);
      var e = assertThrows(CudaException.class, () -> alone.allReduce(Reduction.SUM, x));
      assertEquals(3, e.code());
      assertEquals("ncclAllReduce", e.function());
      alone.allReduce(Reduction.SUM, x);

      refused("root = 1, must be from 0 to 0", () -> alone.broadcast(1, x));
      refused(
          "the receive buffer has 2 elements, must be 3",
          () -> alone.allReduce(Reduction.SUM, x, y.slice(0, 2)));
      try (var doubles = DeviceBuffer.allocate(device, ElementType.FLOAT64, 3)) {
        refused(
            "the receive buffer has type FLOAT64, must be FLOAT32",
            () -> alone.allGather(x, doubles));
      }
      try (var graph = device.stream().capture(() -> alone.allReduce(Reduction.SUM, x))) {
        graph.launch();
        alone.synchronize();
        alone.abort();
        alone.abort();
        refusesNow("memory that the captured work uses is closed", graph::launch);
      }
      refusesNow("the communicator was aborted", () -> alone.allReduce(Reduction.SUM, x));
      refusesNow("the communicator was aborted", alone::check);
      alone.close();
      assertFalse(alone.isOpen());
      refusesNow("Communicator is closed", () -> alone.allReduce(Reduction.SUM, x));
      refusesNow("Communicator is closed", alone::abort);
    }
  }

  @Test
  void argumentsAreChecked() {
    var id = Communicator.Id.create(device);
    refused("rank = 2, must be from 0 to 1", () -> Communicator.join(device, id, 2, 2));
    refused("ranks = 0, must be from 1 to 2147483647", () -> Communicator.join(device, id, 0, 0));
    refused("bytes of the id = 3, must be from 128 to 128", () -> Communicator.Id.of(new byte[3]));
    var other = Communicator.Id.of(new byte[Communicator.Id.BYTES]);
    assertEquals(
        "ncclCommInitRank returned 4 an argument is invalid: the unique id is not one of the host"
            + " device",
        refusal(other, 0, 1).getMessage());
  }

  private static void refused(String message, Executable call) {
    assertEquals(message, assertThrows(IllegalArgumentException.class, call).getMessage());
  }
}
