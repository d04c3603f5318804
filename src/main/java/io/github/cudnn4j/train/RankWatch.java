package io.github.cudnn4j.train;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Tells when another rank has ended out of order: its connection to rank 0 ends, or it sends no
 * sign of life; rank 0 tells the others. A rank that computes for long still sends them. Runs in
 * threads of its own.
 */
final class RankWatch {

  private static final int BEAT = 1;
  private static final int LEAVE = 2;
  private static final int LOST = 3;

  private final Map<Integer, Socket> peers;
  private final CompletableFuture<Integer> lost = new CompletableFuture<>();
  private volatile boolean ended;

  /**
   * Begins.
   *
   * @param peers the connections by rank, taken over
   * @param interval between signs of life; a rank that sends none for four times as long is lost
   */
  RankWatch(Map<Integer, Socket> peers, Duration interval) throws IOException {
    this.peers = peers;
    for (var peer : peers.entrySet()) {
      peer.getValue().setSoTimeout(Math.toIntExact(4 * interval.toMillis()));
      Thread.ofVirtual().start(() -> listen(peer.getKey(), peer.getValue()));
    }
    Thread.ofVirtual().start(() -> beat(interval));
  }

  /** Returns the rank that has ended, once one has; completed in any thread. */
  CompletionStage<Integer> lost() {
    return lost;
  }

  /**
   * Returns the rank that has ended, waiting a while for that to be known; -1 if none has.
   *
   * @param patience how long to wait
   */
  int lost(Duration patience) {
    try {
      return lost.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException | ExecutionException e) {
      // None has, as far as anybody knows.
    }
    return -1;
  }

  /** Ends in order: the others go on. */
  void leave() {
    ended = true;
    send(new byte[] {LEAVE});
    for (Socket peer : peers.values()) {
      try {
        // To close it might take back what has not been read yet.
        peer.shutdownOutput();
      } catch (IOException e) {
        Rendezvous.close(peer);
      }
    }
  }

  /** Ends out of order: the others end, too. */
  void abandon() {
    ended = true;
    peers.values().forEach(Rendezvous::close);
  }

  private void listen(int peer, Socket socket) {
    try {
      var in = new DataInputStream(socket.getInputStream());
      while (true) {
        switch (in.readByte()) {
          case BEAT -> {}
          case LEAVE -> {
            return;
          }
          case LOST -> {
            found(in.readInt());
            return;
          }
          default -> throw new IOException("no sign of life");
        }
      }
    } catch (IOException e) {
      if (!ended) {
        found(peer);
      }
    }
  }

  private void found(int rank) {
    if (lost.complete(rank)) {
      send(ByteBuffer.allocate(1 + Integer.BYTES).put((byte) LOST).putInt(rank).array());
    }
  }

  private void beat(Duration interval) {
    try {
      while (!ended) {
        Thread.sleep(interval);
        send(new byte[] {BEAT});
      }
    } catch (InterruptedException e) {
      // Nobody interrupts it.
    }
  }

  private synchronized void send(byte[] message) {
    for (Socket peer : peers.values()) {
      try {
        peer.getOutputStream().write(message);
      } catch (IOException e) {
        // Who listens to it finds out.
      }
    }
  }
}
