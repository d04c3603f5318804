package io.github.cudnn4j.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.cudnn4j.library.Settings;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * How ranks meet. Rank 0 listens; each of the others proves that it has the token, without saying
 * it, and gets what all are to know once all have come. Everybody else is turned away: who does not
 * prove it within seconds, and the oldest of too many at a time. What is read has fixed lengths.
 *
 * <pre>
 *   rank 0   nonce
 *   other    magic, rank, size, version, nonce, HMAC of all of that
 *   rank 0   status, length, message or refusal, HMAC of all of that
 * </pre>
 */
final class Rendezvous {

  /** The rank 0 side has one connection to each other rank, the others one to it. */
  record Met(byte[] message, Map<Integer, Socket> peers) {}

  private static final byte[] MAGIC = "c4jrank1".getBytes(UTF_8);
  private static final int NONCE = 32;
  private static final int MAC = 32;
  private static final int VERSION = 32;
  private static final int HELLO = MAGIC.length + 2 * Integer.BYTES + VERSION + NONCE + MAC;
  private static final int ANSWER_HEAD = 1 + Integer.BYTES;
  private static final int MOST_ANSWER = 1 << 10;

  private static final int MOST_STRANGERS = 256;
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final Duration BETWEEN_TRIES = Duration.ofMillis(100);

  private final Ranks ranks;
  private final String version;
  private final long end;

  /** Those who have come to rank 0 and fit; the lock of the strangers, too. */
  private final TreeMap<Integer, Visitor> members = new TreeMap<>();

  /** Those who have come to rank 0 and have not been heard yet, the first of them first. */
  private final ArrayDeque<Socket> strangers = new ArrayDeque<>();

  /** One who has proved to have the token. */
  private record Visitor(Socket socket, byte[] nonces, int rank, int size, String version) {}

  private Rendezvous(Ranks ranks, String version) {
    this.ranks = ranks;
    this.version = version;
    this.end = System.nanoTime() + ranks.limit().toNanos();
  }

  /**
   * Meets the other ranks.
   *
   * @param version must be the same for all
   * @param message makes what all are told, on rank 0, when all are there
   * @throws IOException if they do not all come, or do not fit; the message says who
   */
  static Met meet(Ranks ranks, String version, Supplier<byte[]> message) throws IOException {
    var rendezvous = new Rendezvous(ranks, version);
    return ranks.rank() == 0 ? rendezvous.gather(message) : rendezvous.visit();
  }

  private Met gather(Supplier<byte[]> message) throws IOException {
    try (var door = new ServerSocket()) {
      door.setReuseAddress(true);
      listen(door);
      Thread.ofVirtual().start(() -> admit(door));
      while (!haveAllCome()) {
        requireThere();
      }
      byte[] told = message.get();
      var peers = new TreeMap<Integer, Socket>();
      for (Visitor member : members.values()) {
        answer(member, true, told);
        peers.put(member.rank, member.socket);
      }
      return new Met(told, peers);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw abandon(new InterruptedIOException("interrupted while ranks were to come"));
    } catch (IOException e) {
      throw abandon(e);
    } catch (RuntimeException | Error e) {
      abandon(new IOException("rank 0 failed: " + e.getMessage()));
      throw e;
    }
  }

  /** Its own name may not be known at once where names are made with the machines. */
  private void listen(ServerSocket door) throws IOException, InterruptedException {
    while (true) {
      try {
        door.bind(new InetSocketAddress(InetAddress.getByName(ranks.host()), ranks.port()));
        return;
      } catch (IOException e) {
        if (!(e instanceof UnknownHostException) || System.nanoTime() >= end) {
          throw new IOException(
              "rank 0 cannot listen at " + place() + ": " + e.getMessage() + " (MASTER_ADDR)", e);
        }
      }
      Thread.sleep(BETWEEN_TRIES);
    }
  }

  /** Waits a while for those who have not. */
  private boolean haveAllCome() throws IOException, InterruptedException {
    int others = ranks.size() - 1;
    synchronized (members) {
      if (members.size() < others) {
        members.wait(BETWEEN_TRIES.toMillis());
      }
      if (members.size() < others && System.nanoTime() >= end) {
        throw new IOException(missing());
      }
      return members.size() == others;
    }
  }

  /** Those who have come say nothing until they are answered; who has ended is not waited for. */
  private void requireThere() throws IOException {
    List<Visitor> come;
    synchronized (members) {
      come = List.copyOf(members.values());
    }
    for (Visitor member : come) {
      try {
        member.socket.setSoTimeout(1);
        member.socket.getInputStream().read();
      } catch (SocketTimeoutException e) {
        continue;
      } catch (IOException e) {
        // It has ended, too.
      }
      throw new IOException("rank " + member.rank + " has come and ended");
    }
  }

  private String missing() {
    String who =
        IntStream.range(1, ranks.size())
            .filter(rank -> !members.containsKey(rank))
            .limit(10)
            .mapToObj(Integer::toString)
            .collect(Collectors.joining(", "));
    return "of "
        + ranks.size()
        + " ranks these have not come to "
        + place()
        + " within "
        + ranks.limit().toSeconds()
        + " s: "
        + who;
  }

  private String objection(Visitor visitor) {
    if (!visitor.version.equals(version)) {
      return "rank " + visitor.rank + " has version " + visitor.version + ", rank 0 " + version;
    }
    if (visitor.size != ranks.size()) {
      return "rank " + visitor.rank + " is one of " + visitor.size + ", rank 0 of " + ranks.size();
    }
    if (visitor.rank < 1 || visitor.rank >= ranks.size()) {
      return "there is no rank " + visitor.rank;
    }
    return members.containsKey(visitor.rank) ? "rank " + visitor.rank + " has come twice" : "";
  }

  /** Tells those who have come why it is over. */
  private IOException abandon(IOException reason) {
    synchronized (members) {
      for (Visitor member : members.values()) {
        turnAway(member, String.valueOf(reason.getMessage()));
      }
    }
    return reason;
  }

  private void turnAway(Visitor visitor, String reason) {
    try (var _ = visitor.socket) {
      answer(visitor, false, reason.getBytes(UTF_8));
    } catch (IOException e) {
      // It has ended, too.
    }
  }

  private void answer(Visitor visitor, boolean in, byte[] text) throws IOException {
    byte[] content = Arrays.copyOf(text, Math.min(text.length, MOST_ANSWER));
    byte[] answer =
        ByteBuffer.allocate(ANSWER_HEAD + content.length)
            .put((byte) (in ? 1 : 0))
            .putInt(content.length)
            .put(content)
            .array();
    var whole = new ByteArrayOutputStream();
    whole.write(answer);
    whole.write(mac("answer", visitor.nonces, answer));
    try {
      visitor.socket.getOutputStream().write(whole.toByteArray());
    } catch (IOException e) {
      if (in) {
        throw new IOException("rank " + visitor.rank + " has come and ended", e);
      }
    }
  }

  /** Hears all who come at the same time, until the door is closed. */
  private void admit(ServerSocket door) {
    try {
      while (true) {
        Socket socket = door.accept();
        synchronized (members) {
          strangers.add(socket);
          if (strangers.size() > MOST_STRANGERS) {
            close(strangers.remove()); // The oldest has had the most time.
          }
        }
        Thread.ofVirtual().start(() -> receive(socket, door));
      }
    } catch (IOException e) {
      synchronized (members) {
        strangers.forEach(Rendezvous::close);
      }
    }
  }

  /** Makes one who has come a member, or turns it away. */
  private void receive(Socket socket, ServerSocket door) {
    Visitor visitor = hear(socket);
    String objection;
    synchronized (members) {
      if (!strangers.remove(socket) || visitor == null || door.isClosed()) {
        close(socket);
        return;
      }
      objection = objection(visitor);
      if (objection.isEmpty()) {
        members.put(visitor.rank, visitor);
        members.notifyAll();
        return;
      }
    }
    turnAway(visitor, objection);
  }

  /** Returns who it is; null if that is nobody who has the token. */
  private @Nullable Visitor hear(Socket socket) {
    try {
      socket.setTcpNoDelay(true);
      byte[] own = nonce();
      socket.getOutputStream().write(own);
      byte[] hello = read(socket, HELLO, System.nanoTime() + PATIENCE.toNanos());
      byte[] said = Arrays.copyOf(hello, HELLO - MAC);
      byte[] proof = Arrays.copyOfRange(hello, HELLO - MAC, HELLO);
      if (!MessageDigest.isEqual(proof, mac("hello", own, said))) {
        return null;
      }
      var in = ByteBuffer.wrap(said);
      byte[] magic = new byte[MAGIC.length];
      in.get(magic);
      if (!Arrays.equals(magic, MAGIC)) {
        return null;
      }
      int rank = in.getInt();
      int size = in.getInt();
      byte[] version = new byte[VERSION];
      in.get(version);
      byte[] nonces = Arrays.copyOf(own, 2 * NONCE);
      in.get(nonces, NONCE, NONCE);
      return new Visitor(socket, nonces, rank, size, new String(version, UTF_8).strip());
    } catch (IOException e) {
      return null;
    }
  }

  /** Rank 0's connection, and what it said at once. */
  private record Greeted(Socket socket, byte[] nonce) {}

  private Met visit() throws IOException {
    Greeted greeted = connect();
    Socket socket = greeted.socket;
    try {
      byte[] nonces = Arrays.copyOf(greeted.nonce, 2 * NONCE);
      byte[] own = nonce();
      System.arraycopy(own, 0, nonces, NONCE, NONCE);
      var hello = new ByteArrayOutputStream();
      var out = new DataOutputStream(hello);
      out.write(MAGIC);
      out.writeInt(ranks.rank());
      out.writeInt(ranks.size());
      byte[] padded = new byte[VERSION];
      Arrays.fill(padded, (byte) ' ');
      byte[] name = version.getBytes(UTF_8);
      System.arraycopy(name, 0, padded, 0, Math.min(name.length, VERSION));
      out.write(padded);
      out.write(own);
      byte[] said = hello.toByteArray();
      out.write(mac("hello", Arrays.copyOf(nonces, NONCE), said));
      socket.getOutputStream().write(hello.toByteArray());
      return answered(socket, nonces);
    } catch (IOException | RuntimeException | Error e) {
      close(socket);
      throw e;
    }
  }

  private Met answered(Socket socket, byte[] nonces) throws IOException {
    byte[] head;
    byte[] content;
    byte[] proof;
    long last = end + PATIENCE.toNanos(); // Rank 0 knows who is missing.
    try {
      head = read(socket, ANSWER_HEAD, last);
      int length = ByteBuffer.wrap(head, 1, Integer.BYTES).getInt();
      if (length < 0 || length > MOST_ANSWER) {
        throw new IOException("rank 0 at " + place() + " answers with " + length + " bytes");
      }
      content = read(socket, length, last);
      proof = read(socket, MAC, last);
    } catch (EOFException | SocketException e) {
      throw new IOException(
          "rank 0 at "
              + place()
              + " has ended, or has another token ("
              + Settings.TOKEN_VARIABLE
              + ")",
          e);
    } catch (SocketTimeoutException e) {
      throw new IOException(
          "the other ranks have not come to "
              + place()
              + " within "
              + ranks.limit().toSeconds()
              + " s",
          e);
    }
    byte[] answer = Arrays.copyOf(head, ANSWER_HEAD + content.length);
    System.arraycopy(content, 0, answer, ANSWER_HEAD, content.length);
    if (!MessageDigest.isEqual(proof, mac("answer", nonces, answer))) {
      throw new IOException("who answers at " + place() + " does not have the token");
    }
    if (head[0] != 1) {
      throw new IOException(new String(content, UTF_8));
    }
    return new Met(content, Map.of(0, socket));
  }

  /**
   * Tries until rank 0 is there; its name may not be known before, and another, this process itself
   * included, may have its port.
   */
  private Greeted connect() throws IOException {
    while (true) {
      var socket = new Socket();
      try {
        int left = Math.clamp((end - System.nanoTime()) / 1_000_000, 1, 10_000);
        socket.connect(new InetSocketAddress(ranks.host(), ranks.port()), left);
        socket.setTcpNoDelay(true);
        long patience = Math.min(end, System.nanoTime() + PATIENCE.toNanos());
        return new Greeted(socket, read(socket, NONCE, patience));
      } catch (IOException e) {
        close(socket);
        if (System.nanoTime() >= end) {
          throw new IOException(
              "rank 0 has not come to "
                  + place()
                  + " within "
                  + ranks.limit().toSeconds()
                  + " s (MASTER_ADDR, MASTER_PORT): "
                  + Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName()),
              e);
        }
      }
      try {
        Thread.sleep(BETWEEN_TRIES);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted while rank 0 was to come");
      }
    }
  }

  private static byte[] read(Socket socket, int count, long end) throws IOException {
    byte[] bytes = new byte[count];
    int done = 0;
    while (done < count) {
      long left = (end - System.nanoTime()) / 1_000_000;
      if (left <= 0) {
        throw new SocketTimeoutException("Read timed out");
      }
      socket.setSoTimeout((int) Math.min(left, Integer.MAX_VALUE));
      int some = socket.getInputStream().read(bytes, done, count - done);
      if (some < 0) {
        throw new EOFException("who listens there ends the connection");
      }
      done += some;
    }
    return bytes;
  }

  private byte[] mac(String purpose, byte[] first, byte[] second) {
    try {
      var mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(ranks.token().getBytes(UTF_8), "HmacSHA256"));
      mac.update(purpose.getBytes(UTF_8));
      mac.update(first);
      return mac.doFinal(second);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e); // Every Java has it.
    }
  }

  private static byte[] nonce() {
    byte[] nonce = new byte[NONCE];
    new SecureRandom().nextBytes(nonce);
    return nonce;
  }

  private String place() {
    return ranks.host() + ":" + ranks.port();
  }

  static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // There is nothing to be lost.
    }
  }
}
