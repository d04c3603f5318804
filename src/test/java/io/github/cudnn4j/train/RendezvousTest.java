package io.github.cudnn4j.train;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Ranks as threads of this process: they meet, and see each other end. */
class RendezvousTest {

  private static final String TOKEN = "the token of this test";
  private static final String VERSION = "1.0";
  private static final byte[] MESSAGE = "all are here".getBytes(UTF_8);
  private static final Duration LONG = Duration.ofSeconds(60);

  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private int port;

  @BeforeEach
  void findPort() throws IOException {
    try (var free = new ServerSocket(0, 1, InetAddress.getByName(Ranks.HOST))) {
      port = free.getLocalPort();
    }
  }

  @AfterEach
  void close() {
    threads.close();
  }

  private Future<Rendezvous.Met> come(
      int rank, int size, String token, String version, Duration limit) {
    var ranks = new Ranks(rank, size, 0, Ranks.HOST, port, token, limit);
    return threads.submit(() -> Rendezvous.meet(ranks, version, () -> MESSAGE));
  }

  private Future<Rendezvous.Met> come(int rank, int size) {
    return come(rank, size, TOKEN, VERSION, LONG);
  }

  private static void assertMet(List<Future<Rendezvous.Met>> all) throws Exception {
    for (var each : all) {
      var met = each.get();
      assertArrayEquals(MESSAGE, met.message());
      met.peers().values().forEach(Rendezvous::close);
    }
  }

  private static String refusal(Future<Rendezvous.Met> one) {
    var e = assertThrows(ExecutionException.class, one::get);
    assertEquals(IOException.class, e.getCause().getClass(), e::toString);
    return e.getCause().getMessage();
  }

  @Test
  void allComeInAnyOrder() throws Exception {
    var others = IntStream.of(3, 1, 2).mapToObj(rank -> come(rank, 4)).toList();
    var first = come(0, 4);
    assertEquals(List.of(1, 2, 3), List.copyOf(first.get().peers().keySet()));
    var all = new ArrayList<>(others);
    all.add(first);
    assertMet(all);
  }

  /** However long the second needs to come. */
  @Test
  void whoDoesNotComeIsNamedToThoseWhoHave() throws Exception {
    String message;
    boolean late;
    int seconds = 1;
    do {
      var first = come(0, 4, TOKEN, VERSION, Duration.ofSeconds(seconds));
      var second = come(1, 4);
      message = refusal(first);
      late = message.endsWith(": 1, 2, 3");
      if (late) {
        second.cancel(true);
        seconds *= 2;
      } else {
        assertEquals(message, refusal(second));
      }
    } while (late);
    var missing = "of 4 ranks these have not come to 127.0.0.1:%d within %d s: 2, 3";
    assertEquals(missing.formatted(port, seconds), message);
  }

  @Test
  void withoutTheFirstRankThereIsNoMeeting() {
    var message = refusal(come(1, 2, TOKEN, VERSION, Duration.ofMillis(300)));
    assertTrue(
        message.startsWith(
            "rank 0 has not come to 127.0.0.1:"
                + port
                + " within 0 s (MASTER_ADDR, MASTER_PORT): "),
        message);
  }

  @Test
  void anAddressOfNobodyHereCannotBeListenedTo() throws IOException {
    try (var _ = new ServerSocket(port, 1, InetAddress.getByName(Ranks.HOST))) {
      var message = refusal(come(0, 2));
      assertTrue(message.startsWith("rank 0 cannot listen at 127.0.0.1:" + port), message);
    }
  }

  /** Each is told why, and the right ones meet all the same. */
  @Test
  void whoDoesNotFitIsTurnedAway() throws Exception {
    var first = come(0, 3);
    assertEquals("rank 1 has version 2.0, rank 0 1.0", refusal(come(1, 3, TOKEN, "2.0", LONG)));
    assertEquals("rank 1 is one of 4, rank 0 of 3", refusal(come(1, 4)));
    assertEquals(
        "rank 0 at 127.0.0.1:" + port + " has ended, or has another token (CUDNN4J_TOKEN)",
        refusal(come(1, 3, "the token of another", VERSION, LONG)));
    var twice = List.of(come(1, 3), come(1, 3));
    while (twice.stream().noneMatch(Future::isDone)) {
      Thread.onSpinWait();
    }
    var gone = twice.stream().filter(Future::isDone).findFirst().orElseThrow();
    assertEquals("rank 1 has come twice", refusal(gone));
    var stayed = twice.get(0) == gone ? twice.get(1) : twice.get(0);
    assertMet(List.of(first, stayed, come(2, 3)));
  }

  @Test
  void whoComesWhenAllHaveComeIsTurnedAway() throws Exception {
    var ranks = new Ranks(0, 2, 0, Ranks.HOST, port, TOKEN, LONG);
    Supplier<byte[]> whileItIsMade =
        () -> {
          assertEquals("rank 1 has come twice", refusal(come(1, 2)));
          return MESSAGE;
        };
    var first = threads.submit(() -> Rendezvous.meet(ranks, VERSION, whileItIsMade));
    assertMet(List.of(first, come(1, 2)));
  }

  @Test
  void oneThatHasComeAndEndedIsNotWaitedFor() throws Exception {
    var first = come(0, 3);
    var twice = List.of(come(1, 3), come(1, 3));
    while (twice.stream().noneMatch(Future::isDone)) {
      Thread.onSpinWait();
    }
    twice.forEach(each -> each.cancel(true)); // The one that is left has come.
    assertEquals("rank 1 has come and ended", refusal(first));
  }

  /** Those who say nothing, too much, or something else, and more than are heard at a time. */
  @Test
  void strangersChangeNothing() throws Exception {
    var first = come(0, 2);
    var strangers = new ArrayList<Socket>();
    while (strangers.size() < 300) {
      try {
        var socket = new Socket(Ranks.HOST, port);
        strangers.add(socket);
        int said = strangers.size() % 3;
        socket.getOutputStream().write(said == 0 ? new byte[0] : new byte[said == 1 ? 112 : 7]);
      } catch (IOException e) {
        Thread.onSpinWait(); // Rank 0 is not there yet, or has closed the connection.
      }
    }
    var huge = new Socket(Ranks.HOST, port);
    strangers.add(huge);
    threads.submit(
        () -> {
          while (true) {
            huge.getOutputStream().write(new byte[1 << 16]);
          }
        });
    assertMet(List.of(first, come(1, 2)));
    for (var socket : strangers) {
      socket.close();
    }
  }

  /** One who listens in place of rank 0 does not get anything, and is not believed. */
  @Test
  void anotherInPlaceOfTheFirstRankIsNotBelieved() throws Exception {
    try (var false0 = new ServerSocket(port, 1, InetAddress.getByName(Ranks.HOST))) {
      for (byte[] answer : List.of(new byte[1 + 4 + 32], new byte[] {1, 127, 0, 0, 0})) {
        var one = come(1, 2);
        try (var socket = false0.accept()) {
          socket.getOutputStream().write(new byte[32]);
          byte[] hello = socket.getInputStream().readNBytes(112);
          assertFalse(new String(hello, UTF_8).contains(TOKEN));
          socket.getOutputStream().write(answer);
          assertEquals(
              answer.length > 5
                  ? "who answers at 127.0.0.1:" + port + " does not have the token"
                  : "rank 0 at 127.0.0.1:" + port + " answers with 2130706432 bytes",
              refusal(one));
        }
      }
    }
  }

  /** One who listens there before rank 0 does, and goes. */
  @Test
  void anotherBeforeTheFirstRankIsOutwaited() throws Exception {
    Future<Rendezvous.Met> one;
    try (var other = new ServerSocket(port, 1, InetAddress.getByName(Ranks.HOST))) {
      one = come(1, 2);
      other.accept().close();
    }
    assertMet(List.of(one, come(0, 2)));
  }

  /** Three ranks that watch each other, with few signs of life. */
  private List<RankWatch> watches(Duration interval, CountDownLatch found) throws Exception {
    var watches = new ArrayList<RankWatch>();
    for (var each : List.of(come(0, 3), come(1, 3), come(2, 3))) {
      var watch = new RankWatch(each.get().peers(), interval);
      watch.lost().thenRun(found::countDown);
      watches.add(watch);
    }
    return watches;
  }

  @Test
  void allHearOfOneThatEnds() throws Exception {
    for (int ending : List.of(0, 2)) {
      var found = new CountDownLatch(2);
      var watches = watches(Duration.ofSeconds(30), found);
      watches.get(ending).abandon();
      found.await();
      for (int rank = 0; rank < 3; rank++) {
        if (rank != ending) {
          assertEquals(ending, watches.get(rank).lost(LONG));
        }
      }
      watches.forEach(RankWatch::abandon);
      findPort();
    }
  }

  @Test
  void oneThatGivesNoSignOfLifeIsLost() throws Exception {
    var first = come(0, 2);
    var mute = come(1, 2).get();
    var watch = new RankWatch(first.get().peers(), Duration.ofMillis(20));
    assertEquals(1, watch.lost(LONG));
    watch.abandon();
    mute.peers().get(0).close();
  }

  @Test
  void oneThatLeavesInOrderIsNotLost() throws Exception {
    var found = new CountDownLatch(1);
    var watches = watches(Duration.ofSeconds(30), found);
    watches.get(1).leave();
    assertEquals(-1, watches.get(0).lost(Duration.ofSeconds(1)));
    assertEquals(-1, watches.get(2).lost(Duration.ZERO));
    watches.get(2).abandon();
    assertEquals(2, watches.get(0).lost(LONG));
    watches.get(0).abandon();
  }
}
