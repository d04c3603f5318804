package io.github.cudnn4j.train;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.cudnn4j.cuda.Communicator;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Reduction;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Processes that train one model together, each on its own device with its own rows of every batch:
 * what {@link Trainer} and {@link Step} need to do it.
 *
 * <pre>{@code
 * Ranks ranks = Ranks.ofEnvironment();
 * try (Device device = ranks.openDevice(DeviceChoice.AUTO);
 *     RankGroup group = RankGroup.join(device, ranks)) {
 *   ... // all ranks make the same parameters, source and configuration
 *   try (Trainer trainer = Trainer.of(parameters, objective, source, config, group)) {
 *     trainer.run();
 *   }
 * }
 * }</pre>
 *
 * <p>When a rank ends without {@link #close}, or does not show a sign of life for 20 seconds, the
 * work of all others that waits for it ends, too.
 *
 * <p>Owner of the communicator and the connections, and to be closed before the device. All ranks
 * call the same methods in the same order. Belongs to the device's thread.
 */
public final class RankGroup implements AutoCloseable {

  private static final Duration SIGN_OF_LIFE = Duration.ofSeconds(5);

  /** A collective fails before anybody has said whose fault it is. */
  private static final Duration UNTIL_KNOWN = Duration.ofSeconds(3);

  private static final int MOST_SAID = 200;

  private final Device device;
  private final Ranks ranks;
  private final @Nullable Communicator communicator;
  private final @Nullable RankWatch watch;
  private boolean closed;

  private RankGroup(Device device, Ranks ranks) throws IOException {
    this.device = device;
    this.ranks = ranks;
    if (ranks.size() == 1) {
      communicator = null;
      watch = null;
      return;
    }
    Rendezvous.Met met =
        Rendezvous.meet(ranks, Ranks.VERSION, () -> Communicator.Id.create(device).bytes());
    var watching = new RankWatch(met.peers(), SIGN_OF_LIFE);
    Communicator joined;
    try {
      joined =
          Communicator.join(
              device,
              Communicator.Id.of(met.message()),
              ranks.rank(),
              ranks.size(),
              watching.lost());
    } catch (CancellationException e) {
      watching.abandon();
      throw new RankLostException(watching.lost(Duration.ZERO), ranks.size(), e);
    } catch (RuntimeException | Error e) {
      watching.abandon();
      throw e;
    }
    communicator = joined;
    watch = watching;
    watching.lost().thenRun(() -> abort(joined));
  }

  /**
   * Joins the others, and waits for them as long as {@link Ranks#limit} says.
   *
   * @throws RankLostException if one that has come ends before all have joined
   * @throws IOException naming the rank that does not come, comes twice, or has another number of
   *     ranks, version or token
   * @throws UnsupportedOperationException if there is more than one rank, and the device has no
   *     NCCL
   * @throws io.github.cudnn4j.cuda.CudaException if two ranks have one GPU
   */
  public static RankGroup join(Device device, Ranks ranks) throws IOException {
    Objects.requireNonNull(device, "device");
    Objects.requireNonNull(ranks, "ranks");
    return new RankGroup(device, ranks);
  }

  /** Returns which rank this is, from 0. */
  public int rank() {
    return ranks.rank();
  }

  /** Returns how many ranks there are. */
  public int size() {
    return ranks.size();
  }

  /** Returns whether this is rank 0, which writes checkpoints and tells how it goes. */
  public boolean isFirst() {
    return rank() == 0;
  }

  /**
   * Enqueues the reduction of each element over all ranks, in place; can be captured.
   *
   * @throws IllegalStateException if this is closed or another rank has ended
   */
  public void reduce(Reduction reduction, DeviceBuffer buffer) {
    Objects.requireNonNull(reduction, "reduction");
    Objects.requireNonNull(buffer, "buffer");
    requireOpen();
    if (communicator != null) {
      communicator.allReduce(reduction, buffer);
    }
  }

  /** Enqueues the copy of rank 0's elements to all others. */
  void broadcast(DeviceBuffer buffer) {
    requireOpen();
    if (communicator != null) {
      communicator.broadcast(0, buffer);
    }
  }

  /** Enqueues the copy of all ranks' elements, {@code [n]}, to all ranks, {@code [R, n]}. */
  void gather(DeviceBuffer own, DeviceBuffer all) {
    requireOpen();
    if (communicator != null) {
      communicator.allGather(own, all);
    } else {
      all.copyFrom(own);
    }
  }

  /** Adds up numbers over all ranks, in place; waits for the device. */
  void sum(double[] numbers) {
    requireOpen();
    if (communicator == null || numbers.length == 0) {
      return;
    }
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT64, numbers.length)) {
      buffer.copyFrom(numbers);
      communicator.allReduce(Reduction.SUM, buffer);
      System.arraycopy(buffer.toDoubles(), 0, numbers, 0, numbers.length);
    }
  }

  /**
   * Returns the largest number of all ranks, which is the same on all of them; waits for the
   * device.
   *
   * @throws IllegalStateException if this is closed or another rank has ended
   */
  public double max(double here) {
    requireOpen();
    if (communicator == null) {
      return here;
    }
    try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT64, 1)) {
      buffer.copyFrom(new double[] {here});
      communicator.allReduce(Reduction.MAX, buffer);
      return buffer.toDoubles()[0];
    }
  }

  /**
   * Collects bytes; waits for the device.
   *
   * @param own as many on each rank
   * @return those of each rank
   */
  byte[][] gather(byte[] own) {
    requireOpen();
    if (communicator == null || own.length == 0) {
      byte[][] all = new byte[size()][];
      Arrays.fill(all, own);
      return all;
    }
    Parts parts = new Parts();
    try (parts) {
      var send = parts.add(DeviceBuffer.allocate(device, ElementType.UINT8, own.length));
      var receive =
          parts.add(DeviceBuffer.allocate(device, ElementType.UINT8, (long) own.length * size()));
      send.copyFrom(MemorySegment.ofArray(own));
      communicator.allGather(send, receive);
      byte[][] all = new byte[size()][own.length];
      for (int rank = 0; rank < all.length; rank++) {
        receive
            .slice((long) rank * own.length, own.length)
            .copyTo(MemorySegment.ofArray(all[rank]));
      }
      return all;
    }
  }

  /**
   * Makes sure that all ranks do the same; waits for the device.
   *
   * @param facts of the same names on all ranks; of what is a map, or has many lines, only that is
   *     told which differs
   * @throws IOException naming the fact, the first rank that has another one than rank 0, and what
   *     both have
   */
  void agree(Map<String, ?> facts) throws IOException {
    var digests = new ByteArrayOutputStream();
    for (Object value : facts.values()) {
      digests.write(digest(text(value).getBytes(UTF_8)));
    }
    byte[][] all = gather(digests.toByteArray());
    int at = 0;
    for (var fact : facts.entrySet()) {
      int next = at + digest(new byte[0]).length;
      for (int rank = 1; rank < all.length; rank++) {
        if (!Arrays.equals(all[0], at, next, all[rank], at, next)) {
          byte[][] texts = gatherAny(text(fact.getValue()).getBytes(UTF_8));
          String first = new String(texts[0], UTF_8);
          String other = new String(texts[rank], UTF_8);
          throw new IOException(
              String.format(
                  Locale.ROOT,
                  "rank %d has another %s than rank 0: %s; rank 0: %s",
                  rank,
                  fact.getKey(),
                  without(other, first),
                  without(first, other)));
        }
      }
      at = next;
    }
  }

  /** Collects bytes, of which each rank has as many as it has; waits for the device. */
  private byte[][] gatherAny(byte[] own) {
    int most = (int) max(own.length);
    byte[] padded = ByteBuffer.allocate(Integer.BYTES + most).putInt(own.length).put(own).array();
    byte[][] all = gather(padded);
    for (int rank = 0; rank < all.length; rank++) {
      int length = ByteBuffer.wrap(all[rank]).getInt();
      all[rank] = Arrays.copyOfRange(all[rank], Integer.BYTES, Integer.BYTES + length);
    }
    return all;
  }

  private static String text(Object value) {
    return value instanceof Map<?, ?> map
        ? map.entrySet().stream()
            .map(entry -> entry.getKey() + " " + entry.getValue())
            .collect(Collectors.joining("\n"))
        : String.valueOf(value);
  }

  /** Returns the lines that another text has not. */
  private static String without(String text, String other) {
    var known = other.lines().collect(Collectors.toSet());
    String rest =
        text.lines().filter(line -> !known.contains(line)).collect(Collectors.joining(", "));
    return rest.isEmpty()
        ? "nothing else"
        : rest.length() > MOST_SAID ? rest.substring(0, MOST_SAID) + "..." : rest;
  }

  private static byte[] digest(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every Java has it.
    }
  }

  /**
   * Ends the work of all ranks because that of this one has failed; does nothing when alone.
   *
   * @throws RankLostException if it has failed because another rank has ended
   */
  public void abort(Throwable failure) throws RankLostException {
    if (communicator == null || watch == null || closed) {
      return;
    }
    // What else fails may fail on all ranks alike, of which one is the first to end.
    boolean mayBeOfOthers =
        failure instanceof CudaException || failure instanceof IllegalStateException;
    int lost = mayBeOfOthers ? watch.lost(UNTIL_KNOWN) : -1;
    watch.abandon();
    abort(communicator);
    if (lost >= 0) {
      throw new RankLostException(lost, size(), failure);
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("RankGroup is closed");
    }
  }

  private static void abort(Communicator communicator) {
    try {
      communicator.abort();
    } catch (IllegalStateException e) {
      // It was closed in the meantime.
    }
  }

  /** Leaves the others, who go on; does nothing if that was done before. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (watch != null) {
      watch.leave();
    }
    if (communicator != null) {
      communicator.close();
    }
  }
}
