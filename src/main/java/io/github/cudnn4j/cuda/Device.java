package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.CudaDriver;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.library.DeviceKind;
import io.github.cudnn4j.library.NativeLibraries;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A device to compute on: an NVIDIA GPU, or the CPU through the host device.
 *
 * <p>A device and everything made from it belong to the thread that opened it, until {@link
 * #handOver} gives them to another one, or that thread has ended: then the next platform thread
 * that uses them takes them over. Any other thread that uses them gets a {@link
 * WrongThreadException}. Several threads may each open the device for themselves.
 *
 * <p>Work is queued on {@link #stream()}; a method that waits for the device says so.
 *
 * {@snippet :
 * try (var device = Device.open();
 *     var x = DeviceBuffer.allocate(device, ElementType.FLOAT32, 3)) {
 *   x.copyFrom(new float[] {1, 2, 3});
 *   device.blas().scal(2, x);
 *   System.out.println(Arrays.toString(x.toFloats()));
 * }
 * }
 */
public final class Device implements AutoCloseable {
  private static final int NAME_BYTES = 256;
  private static final long SCRATCH_BYTES = 64;

  /**
   * Captures share it, closing a device has it alone: libraries then wait for the whole GPU, which
   * is invalid, and ends every capture, while any thread captures.
   */
  private static final ReentrantReadWriteLock CAPTURES = new ReentrantReadWriteLock();

  private final DeviceKind kind;
  private final int ordinal;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment scratch = arena.allocate(SCRATCH_BYTES, Long.BYTES);
  private final OpenResources resources = new OpenResources(this);

  /** What the device has one of. */
  private final Map<Class<?>, DeviceResource> own = new HashMap<>();

  private volatile Thread owner = Thread.currentThread();

  /** The owner once the CUDA context is current on it; null after a hand-over and after close. */
  private @Nullable Thread active;

  private boolean open = true;
  private int handle;
  private MemorySegment context = MemorySegment.NULL;
  private String name = "";
  private int multiprocessors;
  private int computeCapability;
  private @Nullable Stream stream;
  private @Nullable Recording recording;

  private Device(DeviceKind kind, int ordinal) {
    this.kind = kind;
    this.ordinal = ordinal;
  }

  /** As {@link #open(DeviceChoice)}, the one {@linkplain DeviceChoice#configured configured}. */
  public static Device open() {
    return open(DeviceChoice.configured());
  }

  /**
   * Opens a device: the first GPU that CUDA shows ({@code CUDA_VISIBLE_DEVICES} chooses), or the
   * CPU.
   *
   * @throws io.github.cudnn4j.library.LibraryException if it is not available
   * @throws IllegalStateException on a virtual thread, if this thread captures, or if this process
   *     uses the other kind
   * @throws CudaException if it is there but cannot be used
   */
  public static Device open(DeviceChoice choice) {
    return open(choice, 0);
  }

  /**
   * Opens one of several devices.
   *
   * @param ordinal from 0, below {@link #count}: of the GPUs that CUDA shows, in its order
   * @throws IllegalArgumentException if there are not as many
   * @throws io.github.cudnn4j.library.LibraryException if none is available
   * @throws IllegalStateException on a virtual thread, if this thread captures, or if this process
   *     uses the other kind
   * @throws CudaException if it is there but cannot be used
   */
  public static Device open(DeviceChoice choice, int ordinal) {
    requirePlatformThread();
    Recording.refuse("opening a device");
    // The first one is there wherever the libraries load.
    Arguments.between(ordinal, 0, ordinal <= 0 ? 0 : count(choice) - 1L, "ordinal of a device");
    var device = new Device(load(choice), ordinal);
    try {
      device.start();
      return device;
    } catch (Throwable failure) {
      try {
        device.close();
      } catch (RuntimeException e) {
        failure.addSuppressed(e);
      }
      throw failure;
    }
  }

  /**
   * Returns how many devices there are: the GPUs that CUDA shows, or one CPU.
   *
   * @throws io.github.cudnn4j.library.LibraryException if none is available
   * @throws IllegalStateException if this process uses the other kind
   * @throws CudaException if CUDA does not say
   */
  public static int count(DeviceChoice choice) {
    load(choice);
    try (var arena = Arena.ofConfined()) {
      var number = arena.allocate(NativeTypes.C_INT);
      CudaException.checkCudart(Cudart.cudaGetDeviceCount(number), "cudaGetDeviceCount");
      return number.get(NativeTypes.C_INT, 0);
    }
  }

  private static DeviceKind load(DeviceChoice choice) {
    return NativeLibraries.load(Objects.requireNonNull(choice, "choice")).kind();
  }

  private static void requirePlatformThread() {
    if (Thread.currentThread().isVirtual()) {
      throw new IllegalStateException(
          "a device needs a platform thread: a virtual thread moves between threads of the"
              + " operating system, and CUDA's current context does not move with it");
    }
  }

  private void start() {
    CudaException.checkDriver(CudaDriver.cuInit(0), "cuInit");
    CudaException.checkDriver(CudaDriver.cuDeviceGet(scratch, ordinal), "cuDeviceGet");
    handle = scratch.get(NativeTypes.C_INT, 0);
    CudaException.checkDriver(
        CudaDriver.cuDevicePrimaryCtxRetain(scratch, handle), "cuDevicePrimaryCtxRetain");
    context = MemorySegment.ofAddress(scratch.get(NativeTypes.C_POINTER, 0).address());
    activate();
    try (var names = Arena.ofConfined()) {
      var text = names.allocate(NAME_BYTES);
      CudaException.checkDriver(
          CudaDriver.cuDeviceGetName(text, NAME_BYTES, handle), "cuDeviceGetName");
      name = text.getString(0);
    }
    multiprocessors = attribute(Cudart.cudaDevAttrMultiProcessorCount());
    computeCapability =
        10 * attribute(Cudart.cudaDevAttrComputeCapabilityMajor())
            + attribute(Cudart.cudaDevAttrComputeCapabilityMinor());
    stream = Stream.create(this);
  }

  private int attribute(int attribute) {
    CudaException.checkCudart(
        Cudart.cudaDeviceGetAttribute(scratch, attribute, ordinal), "cudaDeviceGetAttribute");
    return scratch.get(NativeTypes.C_INT, 0);
  }

  /** Makes the device's context the current one of this thread, for the runtime and the driver. */
  private void activate() {
    CudaException.checkCudart(Cudart.cudaSetDevice(ordinal), "cudaSetDevice");
    CudaException.checkDriver(CudaDriver.cuCtxSetCurrent(context), "cuCtxSetCurrent");
    active = Thread.currentThread();
  }

  /** Returns which kind of device this is. */
  public DeviceKind kind() {
    return kind;
  }

  /** Returns which of several devices this is, from 0. */
  public int ordinal() {
    return ordinal;
  }

  /** Returns the device's name for people. */
  public String name() {
    return name;
  }

  /** Returns the number of streaming multiprocessors; a fixed number on the host device. */
  public int multiprocessors() {
    return multiprocessors;
  }

  /** Returns ten times the major plus the minor compute capability, 90 for 9.0. */
  public int computeCapability() {
    return computeCapability;
  }

  /**
   * Returns the newest CUDA that the driver is for, such as {@code 13.0}.
   *
   * @throws IllegalStateException if the device is closed
   * @throws CudaException if the driver does not say
   */
  public String driverVersion() {
    checkAccess();
    CudaException.checkCudart(Cudart.cudaDriverGetVersion(scratch), "cudaDriverGetVersion");
    var number = scratch.get(NativeTypes.C_INT, 0);
    return number / 1000 + "." + number / 10 % 100;
  }

  /**
   * Returns the stream that work goes to unless another one is named. It cannot be closed before
   * the device.
   *
   * @throws IllegalStateException if the device is closed
   */
  public Stream stream() {
    var main = stream;
    if (main == null) {
      throw closed();
    }
    return main;
  }

  /**
   * Returns linear algebra on {@link #stream()}, made at the first call.
   *
   * @throws IllegalStateException if the device is closed
   */
  public Blas blas() {
    return resource(Blas.class, device -> Blas.create(device.stream()));
  }

  /**
   * Returns the device's own kernels, compiled when they are asked for.
   *
   * @throws IllegalStateException if the device is closed
   */
  public Kernels kernels() {
    return resource(Kernels.class, Kernels::new);
  }

  /**
   * Returns how much memory the device has now.
   *
   * @throws IllegalStateException if the device is closed
   * @throws CudaException if the device does not say
   */
  public DeviceMemory memory() {
    checkAccess();
    var total = scratch.asSlice(Long.BYTES);
    CudaException.checkCudart(Cudart.cudaMemGetInfo(scratch, total), "cudaMemGetInfo");
    return new DeviceMemory(scratch.get(NativeTypes.C_LONG, 0), total.get(NativeTypes.C_LONG, 0));
  }

  /**
   * Waits until all work on all streams that were made from this or borrowed is done.
   *
   * @throws IllegalStateException if the device is closed or this thread captures
   * @throws CudaException if some work failed
   */
  public void synchronize() {
    checkAccess();
    // cudaDeviceSynchronize waits for the streams of other threads too, and ends their captures.
    for (var resource = resources.newest(); resource != null; resource = resource.older) {
      if (resource instanceof Stream each) {
        each.synchronize();
      }
    }
  }

  /**
   * Returns the one resource of a type that belongs to this device, for example its cuDNN handle;
   * it is made when it is first asked for, and closed with the device.
   *
   * @throws IllegalStateException if the device is closed, or must make it and this thread captures
   */
  public <T extends DeviceResource> T resource(
      Class<T> type, Function<? super Device, ? extends T> factory) {
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(factory, "factory");
    checkAccess();
    var resource = own.get(type);
    if (resource == null || !resource.isOpen()) {
      Recording.refuse("making the device's " + type.getSimpleName());
      resource = factory.apply(this);
      own.put(type, resource);
    }
    return type.cast(resource);
  }

  /**
   * Checks that the device can be used now.
   *
   * @throws IllegalStateException if it is closed
   * @throws WrongThreadException if it belongs to another thread
   */
  public void checkAccess() {
    if (Thread.currentThread() != active) {
      enter();
    }
  }

  private void enter() {
    if (!open) {
      throw closed();
    }
    checkOwner();
    Recording.ofThread(); // Ends one that is overdue.
    activate();
  }

  /** Checks whose the device is; of a thread that has ended, the next one takes it over. */
  private synchronized void checkOwner() {
    var thread = Thread.currentThread();
    if (thread == owner) {
      return;
    }
    if (!hasEnded(owner)) {
      throw new WrongThreadException(
          "the device belongs to thread #"
              + owner.threadId()
              + " '"
              + owner.getName()
              + "' and is used by thread #"
              + thread.threadId()
              + " '"
              + thread.getName()
              + "', which gets it by handOver, or when the other has ended");
    }
    requirePlatformThread();
    deactivate();
    owner = thread;
  }

  private static boolean hasEnded(Thread thread) {
    // What it did happens before isAlive() answers false, which it also does before the start.
    return !thread.isAlive() && thread.getState() == Thread.State.TERMINATED;
  }

  /** Makes the next use look whether the thread can use the device. */
  void deactivate() {
    active = null;
  }

  private static IllegalStateException closed() {
    return new IllegalStateException("Device is closed");
  }

  /**
   * Gives the device and everything made from it to another thread. Work that is queued stays
   * queued. Passing the reference on safely is the caller's part.
   *
   * @throws IllegalStateException if the device is closed or this thread captures
   * @throws IllegalArgumentException if the thread is virtual or has ended
   * @throws WrongThreadException if the device belongs to another thread
   */
  public void handOver(Thread next) {
    checkAccess();
    if (next.isVirtual()) {
      throw new IllegalArgumentException("thread '" + next.getName() + "' is virtual");
    }
    if (hasEnded(next)) {
      throw new IllegalArgumentException("thread '" + next.getName() + "' has ended");
    }
    Recording.refuseAnother();
    deactivate();
    owner = next;
  }

  /** Returns whether the device is open. */
  public boolean isOpen() {
    return open;
  }

  /** Whether this is the stream that everything runs on which names no other one. */
  boolean runsOn(Stream each) {
    return each == stream;
  }

  /** Memory for an out-parameter that is read before any other call. */
  MemorySegment scratch() {
    return scratch;
  }

  /** What is being captured, null when nothing is. */
  @Nullable Recording recording() {
    return recording;
  }

  void recording(@Nullable Recording recording) {
    this.recording = recording;
  }

  /** Captures, during which no thread closes a device. */
  static CapturedGraph whileNoneCloses(Supplier<CapturedGraph> capture) {
    CAPTURES.readLock().lock();
    try {
      return capture.get();
    } finally {
      CAPTURES.readLock().unlock();
    }
  }

  void register(DeviceResource resource) {
    checkAccess();
    resources.add(resource);
  }

  void unregister(DeviceResource resource) {
    resources.remove(resource);
  }

  /**
   * Closes everything made from the device that is still open, the newest first, then the device.
   * Waits for captures of other threads. Does nothing if that was done before.
   *
   * @throws IllegalStateException if this thread captures; it stays open then
   * @throws WrongThreadException if the device belongs to another thread; it stays open then
   * @throws CudaException if an earlier capture of this thread still cannot be ended; it stays open
   *     then
   * @throws CudaException if closing something failed; all is closed all the same, and further
   *     failures are suppressed ones of this
   */
  @Override
  public void close() {
    if (!open) {
      return;
    }
    checkOwner();
    Recording.refuse("closing a device");
    CAPTURES.writeLock().lock();
    try {
      closeAll();
    } finally {
      CAPTURES.writeLock().unlock();
    }
  }

  private void closeAll() {
    RuntimeException failure = null;
    if (active == null && context.address() != 0) {
      failure = attempt(failure, this::activate);
      // Closing goes on without the context: what fails then is reported, what does not is freed.
      active = owner;
    }
    for (var last = resources.newest(); last != null; last = resources.newest()) {
      if (last == stream) {
        stream = null; // Made first, so that nothing is left that uses it.
      } else if (!own.containsValue(last)) {
        Leaks.leftOpen(last);
      }
      failure = attempt(failure, last::closeWithDevice);
    }
    open = false;
    active = null;
    own.clear();
    if (context.address() != 0) {
      failure =
          attempt(
              failure,
              () ->
                  CudaException.checkDriver(
                      CudaDriver.cuDevicePrimaryCtxRelease_v2(handle),
                      "cuDevicePrimaryCtxRelease_v2"));
    }
    arena.close();
    resources.end();
    if (failure != null) {
      throw failure;
    }
  }

  private static @Nullable RuntimeException attempt(
      @Nullable RuntimeException earlier, Runnable action) {
    try {
      action.run();
      return earlier;
    } catch (RuntimeException e) {
      if (earlier == null) {
        return e;
      }
      earlier.addSuppressed(e);
      return earlier;
    }
  }

  @Override
  public String toString() {
    return name + " (" + kind + (open ? ")" : ", closed)");
  }
}
