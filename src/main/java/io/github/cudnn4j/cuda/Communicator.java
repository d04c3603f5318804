package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.bindings.Nccl;
import io.github.cudnn4j.bindings.ncclUniqueId;
import io.github.cudnn4j.library.NativeLibraries;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Sums and copies between the devices of several processes, by NCCL.
 *
 * <p>Each process is a rank, from 0, and has a device of its own. One of them makes an {@link Id}
 * and tells the others; all of them {@link #join}. From then on all ranks make the same calls in
 * the same order, with as many elements of the same type. They are queued on {@link
 * Device#stream()} and can be captured. All ranks get the same bits of a reduction.
 *
 * <p>When a rank ends or fails, the work that waits for it fails on the host device, and goes on
 * waiting on a GPU until {@link #abort}; {@link #check} tells of it. The host device's ranks are
 * processes that reach each other by TCP, on one machine or at the interface that the variable
 * {@code NCCL_SOCKET_IFNAME} names, unencrypted. Those of one machine, user and network namespace
 * share memory, unless {@code NCCL_SHM_DISABLE} is 1.
 *
 * <p>Belongs to the device's thread, but for {@link #check} and {@link #abort}. An owner.
 *
 * @see <a href="https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/api.html">NCCL's
 *     functions</a>
 */
public final class Communicator extends DeviceResource {
  private static final String JOIN = "ncclCommInitRank";

  private final MemorySegment handle;
  private final int rank;
  private final int ranks;
  private final AtomicBoolean aborted = new AtomicBoolean();

  private Communicator(Device device, MemorySegment handle, int rank, int ranks) {
    super(device);
    this.handle = handle;
    this.rank = rank;
    this.ranks = ranks;
  }

  /**
   * What ranks join with: where they meet and a secret, so that who does not know it is not let in.
   * Good for one communicator, and as long as the process that made it lives.
   */
  public static final class Id {
    /** The size in bytes. */
    public static final int BYTES = (int) ncclUniqueId.sizeof();

    private final byte[] bytes;

    private Id(byte[] bytes) {
      this.bytes = bytes;
    }

    /**
     * Makes one; this process listens for those who join.
     *
     * @throws UnsupportedOperationException if the device has no NCCL
     * @throws IllegalStateException if the device is closed
     * @throws CudaException if nobody can be listened to
     */
    public static Id create(Device device) {
      device.checkAccess();
      NativeLibraries.current().require("ncclGetUniqueId");
      try (var arena = Arena.ofConfined()) {
        var id = arena.allocate(ncclUniqueId.layout());
        CudaException.checkNccl(Nccl.ncclGetUniqueId(id), "ncclGetUniqueId", MemorySegment.NULL);
        var bytes = new byte[BYTES];
        MemorySegment.copy(id, ValueLayout.JAVA_BYTE, 0, bytes, 0, BYTES);
        return new Id(bytes);
      }
    }

    /**
     * Returns the one that another rank has made.
     *
     * @throws IllegalArgumentException if there are not {@link #BYTES} of them
     */
    public static Id of(byte[] bytes) {
      Arguments.between(bytes.length, BYTES, BYTES, "bytes of the id");
      return new Id(bytes.clone());
    }

    /** Returns what to tell the other ranks, and nobody else. */
    public byte[] bytes() {
      return bytes.clone();
    }
  }

  /** As {@link #join(Device, Id, int, int, CompletionStage)}, whatever happens meanwhile. */
  public static Communicator join(Device device, Id id, int rank, int ranks) {
    return join(device, id, rank, ranks, new CompletableFuture<>());
  }

  /**
   * Joins as a rank, and waits until all others have; on the host device for a minute.
   *
   * @param rank from 0, each once
   * @param ranks how many there are
   * @param lost gives up waiting when it is done, as when somebody knows that another rank has
   *     ended, for which NCCL waits forever; a thread may be left to NCCL then
   * @throws IllegalArgumentException if the rank is not one of the ranks
   * @throws UnsupportedOperationException if the device has no NCCL
   * @throws IllegalStateException if the device is closed or this thread captures
   * @throws CudaException if the others do not come or do not fit, or two ranks have one device
   * @throws CancellationException if {@code lost} is done before all have joined
   */
  public static Communicator join(
      Device device, Id id, int rank, int ranks, CompletionStage<?> lost) {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(lost, "lost");
    Arguments.between(ranks, 1, Integer.MAX_VALUE, "ranks");
    Arguments.between(rank, 0, ranks - 1L, "rank");
    device.checkAccess();
    Recording.refuse("joining other ranks");
    NativeLibraries.current().require(JOIN);
    var joined = new CompletableFuture<MemorySegment>();
    int ordinal = device.ordinal();
    Thread.ofPlatform()
        .daemon()
        .name("cudnn4j-join")
        .start(() -> initialize(ordinal, id, rank, ranks, joined));
    lost.whenComplete((_, _) -> joined.cancel(false));
    try {
      return new Communicator(device, joined.join(), rank, ranks);
    } catch (CompletionException e) {
      throw e.getCause() instanceof CudaException failure ? failure : e;
    }
  }

  private static void initialize(
      int ordinal, Id id, int rank, int ranks, CompletableFuture<MemorySegment> joined) {
    try (var arena = Arena.ofConfined()) {
      CudaException.checkCudart(Cudart.cudaSetDevice(ordinal), "cudaSetDevice");
      var value = arena.allocate(ncclUniqueId.layout());
      MemorySegment.copy(id.bytes, 0, value, ValueLayout.JAVA_BYTE, 0, Id.BYTES);
      var out = arena.allocate(NativeTypes.C_POINTER);
      CudaException.checkNccl(
          Nccl.ncclCommInitRank(out, ranks, value, rank), JOIN, MemorySegment.NULL);
      var handle = MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
      if (!joined.complete(handle)) {
        CudaException.checkNccl(Nccl.ncclCommAbort(handle), "ncclCommAbort", MemorySegment.NULL);
      }
    } catch (Throwable e) {
      joined.completeExceptionally(e);
    }
  }

  /** Returns which rank this is. */
  public int rank() {
    return rank;
  }

  /** Returns how many ranks there are. */
  public int ranks() {
    return ranks;
  }

  /** Queues {@link #allReduce(Reduction, DeviceBuffer, DeviceBuffer)} in place. */
  public void allReduce(Reduction reduction, DeviceBuffer buffer) {
    allReduce(reduction, buffer, buffer);
  }

  /**
   * Queues the reduction of each element over all ranks, to all of them.
   *
   * @param send {@code [n]}, of any type
   * @param receive {@code [n]}; the same as {@code send}, or apart from it
   * @throws IllegalArgumentException if the buffers differ in elements or type, or belong to
   *     another device
   * @throws IllegalStateException if this or a buffer is closed, or this was aborted
   * @throws CudaException if it cannot be queued, or a call before it has failed
   */
  public void allReduce(Reduction reduction, DeviceBuffer send, DeviceBuffer receive) {
    begin(send, receive);
    Arguments.elements(send.elements(), receive.elements(), "receive buffer");
    check(
        Nccl.ncclAllReduce(
            send.pointer(),
            receive.target(),
            send.elements(),
            type(send),
            reduction.code,
            handle,
            device().stream().handle()),
        "ncclAllReduce");
  }

  /**
   * Queues the copy of a rank's elements to all others.
   *
   * @param buffer {@code [n]}, of any type; read on that rank, written on the others
   * @throws IllegalArgumentException if {@code root} is not a rank, or the buffer belongs to
   *     another device
   * @throws IllegalStateException if this or the buffer is closed, or this was aborted
   * @throws CudaException if it cannot be queued, or a call before it has failed
   */
  public void broadcast(int root, DeviceBuffer buffer) {
    Arguments.between(root, 0, ranks - 1L, "root");
    begin(buffer, buffer);
    check(
        Nccl.ncclBroadcast(
            buffer.pointer(),
            buffer.target(),
            buffer.elements(),
            type(buffer),
            root,
            handle,
            device().stream().handle()),
        "ncclBroadcast");
  }

  /**
   * Queues the copy of every rank's elements to all ranks.
   *
   * @param send {@code [n]}, of any type
   * @param receive {@code [ranks, n]}; {@code send} may be its own row
   * @throws IllegalArgumentException if the elements do not fit, the types differ, or a buffer
   *     belongs to another device
   * @throws IllegalStateException if this or a buffer is closed, or this was aborted
   * @throws CudaException if it cannot be queued, or a call before it has failed
   */
  public void allGather(DeviceBuffer send, DeviceBuffer receive) {
    begin(send, receive);
    Arguments.elements(
        Math.multiplyExact(send.elements(), (long) ranks), receive.elements(), "receive buffer");
    check(
        Nccl.ncclAllGather(
            send.pointer(),
            receive.target(),
            send.elements(),
            type(send),
            handle,
            device().stream().handle()),
        "ncclAllGather");
  }

  /**
   * Queues the reduction of each element over all ranks, of which each gets its own row.
   *
   * @param send {@code [ranks, n]}, of any type
   * @param receive {@code [n]}; may be the own row of {@code send}
   * @throws IllegalArgumentException if the elements do not fit, the types differ, or a buffer
   *     belongs to another device
   * @throws IllegalStateException if this or a buffer is closed, or this was aborted
   * @throws CudaException if it cannot be queued, or a call before it has failed
   */
  public void reduceScatter(Reduction reduction, DeviceBuffer send, DeviceBuffer receive) {
    begin(send, receive);
    Arguments.elements(
        Math.multiplyExact(receive.elements(), (long) ranks), send.elements(), "send buffer");
    check(
        Nccl.ncclReduceScatter(
            send.pointer(),
            receive.target(),
            receive.elements(),
            type(send),
            reduction.code,
            handle,
            device().stream().handle()),
        "ncclReduceScatter");
  }

  /**
   * Waits until the work queued so far is done.
   *
   * @throws IllegalStateException if this is closed, or this thread captures
   * @throws CudaException if some work failed; where that is another rank's fault, it says so
   */
  public void synchronize() {
    checkOpen();
    try {
      device().stream().synchronize();
    } catch (CudaException e) {
      try {
        check();
      } catch (CudaException cause) {
        cause.addSuppressed(e);
        throw cause;
      }
      throw e;
    }
    check();
  }

  /**
   * Checks that no call has failed so far; does not wait. May be called from any thread.
   *
   * @throws IllegalStateException if this was aborted or is closed
   * @throws CudaException if one has, for example because another rank has ended
   */
  public void check() {
    requireUsable();
    try (var arena = Arena.ofConfined()) {
      var out = arena.allocate(NativeTypes.C_INT);
      var status = Nccl.ncclCommGetAsyncError(handle, out);
      check(status != 0 ? status : out.get(NativeTypes.C_INT, 0), "ncclCommGetAsyncError");
    }
  }

  /**
   * Ends what waits for other ranks, and all use of this, for the other ranks too; does nothing if
   * that was done before. May be called from any thread while the device's thread waits.
   *
   * @throws IllegalStateException if this is closed
   */
  public void abort() {
    if (!isOpen()) {
      throw new IllegalStateException("Communicator is closed");
    }
    if (aborted.compareAndSet(false, true)) {
      CudaException.checkNccl(Nccl.ncclCommAbort(handle), "ncclCommAbort", MemorySegment.NULL);
    }
  }

  private void begin(DeviceBuffer send, DeviceBuffer receive) {
    checkOpen();
    requireUsable();
    Arguments.sameDevice(device(), send.device(), "send buffer");
    Arguments.sameDevice(device(), receive.device(), "receive buffer");
    Arguments.type(send.type(), receive.type(), "receive buffer");
    // What is captured needs it as long as it is replayed.
    recordUse();
  }

  private void requireUsable() {
    if (!isOpen()) {
      throw new IllegalStateException("Communicator is closed");
    }
    if (aborted.get()) {
      throw new IllegalStateException("the communicator was aborted");
    }
  }

  @Override
  boolean isUsable() {
    return isOpen() && !aborted.get();
  }

  private void check(int status, String function) {
    CudaException.checkNccl(status, function, handle);
  }

  private static int type(DeviceBuffer buffer) {
    return switch (buffer.type()) {
      case FLOAT32 -> Nccl.ncclFloat32();
      case FLOAT64 -> Nccl.ncclFloat64();
      case FLOAT16 -> Nccl.ncclFloat16();
      case BFLOAT16 -> Nccl.ncclBfloat16();
      case INT32 -> Nccl.ncclInt32();
      case INT64 -> Nccl.ncclInt64();
      case UINT8 -> Nccl.ncclUint8();
    };
  }

  @Override
  protected void release() {
    if (aborted.compareAndSet(false, true)) {
      CudaException.checkNccl(Nccl.ncclCommDestroy(handle), "ncclCommDestroy", MemorySegment.NULL);
    }
  }
}
