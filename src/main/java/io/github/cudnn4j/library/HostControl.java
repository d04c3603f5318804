package io.github.cudnn4j.library;

import io.github.cudnn4j.bindings.HostDevice;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Controls and observes the host device: how it runs its work, what is alive in it, what was
 * called, and which calls fail. Tests of reliability stand on it; there is no such thing on CUDA.
 *
 * <p>Settings hold for the whole process. Every method may be called from any thread.
 */
public final class HostControl {
  private static final HostControl INSTANCE = new HostControl();

  private final Set<String> faulty = ConcurrentHashMap.newKeySet();

  private HostControl() {}

  /**
   * Returns the control of the host device, loading it if no device is loaded yet.
   *
   * @throws IllegalStateException if this process uses CUDA
   * @throws LibraryException if the host device cannot be loaded
   */
  public static HostControl get() {
    NativeLibraries.load(DeviceChoice.HOST);
    return INSTANCE;
  }

  /**
   * Returns the control if this process uses the host device, loading what is configured if no
   * device is loaded yet.
   *
   * @throws LibraryException if no device can be loaded
   */
  public static Optional<HostControl> ifHost() {
    return NativeLibraries.load().kind() == DeviceKind.HOST
        ? Optional.of(INSTANCE)
        : Optional.empty();
  }

  /** Returns how many objects (or bytes) of a kind are alive now. */
  public long live(HostCounter kind) {
    return HostDevice.cudnn4jHostLive(kind.code);
  }

  /** Returns {@link #live(HostCounter)} for every kind. */
  public Map<HostCounter, Long> live() {
    var counts = new EnumMap<HostCounter, Long>(HostCounter.class);
    for (var kind : HostCounter.values()) {
      counts.put(kind, live(kind));
    }
    return counts;
  }

  /**
   * Returns how often a C function of the device was called since the process started.
   *
   * @param function its exported name, for example {@code cudaMalloc}
   * @throws IllegalArgumentException if the device counts no function of that name
   */
  public long calls(String function) {
    Objects.requireNonNull(function, "function");
    try (var arena = Arena.ofConfined()) {
      var count = HostDevice.cudnn4jHostCalls(arena.allocateFrom(function));
      if (count < 0) {
        throw new IllegalArgumentException("the host device has no function " + function);
      }
      return count;
    }
  }

  /** Returns how many calls of any C function were made since the process started. */
  public long calls() {
    return HostDevice.cudnn4jHostCalls(MemorySegment.NULL);
  }

  /**
   * Makes a later call return a status instead of doing its work. Every function can have one such
   * fault, and all functions together another one; a new one replaces it.
   *
   * <p>The name {@code memory} stands for the memory that the device reserves for itself, not that
   * of {@code cudaMalloc} and {@code cudaHostAlloc}: the k-th reservation fails then, as when the
   * machine has no memory left, whatever the status.
   *
   * @param function the exported name of the function whose calls are counted, null for any
   * @param k which call fails, counted from now, the next one being 1
   * @param status the status to return, a code of the function's own library
   * @param sticky whether every later call fails too
   * @throws IllegalArgumentException if {@code k < 1}, {@code status} is 0, or there is no such
   *     function or it returns no status
   */
  public void fail(@Nullable String function, long k, int status, boolean sticky) {
    if (k < 1) {
      throw new IllegalArgumentException("k = " + k + ", must be at least 1");
    }
    try (var arena = Arena.ofConfined()) {
      var name = function == null ? MemorySegment.NULL : arena.allocateFrom(function);
      if (HostDevice.cudnn4jHostFail(name, k, status, sticky ? 1 : 0) != 0) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "the host device has no function %s that can return status %d",
                function,
                status));
      }
    }
    if (function != null) {
      faulty.add(function);
    }
  }

  /** Removes every fault set by {@link #fail} that is left. */
  public void clearFault() {
    HostDevice.cudnn4jHostFail(MemorySegment.NULL, 0, 0, 0);
    try (var arena = Arena.ofConfined()) {
      for (var function : faulty) {
        HostDevice.cudnn4jHostFail(arena.allocateFrom(function), 0, 0, 0);
      }
    }
    faulty.clear();
  }

  /** Returns when work is done. */
  public HostMode mode() {
    return currentMode();
  }

  static HostMode currentMode() {
    return HostDevice.cudnn4jHostGetMode() == HostMode.LAZY.code ? HostMode.LAZY : HostMode.EAGER;
  }

  /** Sets when work is done; work already handed over is finished first. */
  public void mode(HostMode mode) {
    HostDevice.cudnn4jHostSetMode(mode.code);
  }

  /**
   * Sets how long a rank that joins a communicator waits for the others, at first a minute.
   *
   * @throws IllegalArgumentException if {@code seconds} is below 1
   */
  public void joinSeconds(int seconds) {
    if (HostDevice.cudnn4jHostSetJoinSeconds(seconds) != 0) {
      throw new IllegalArgumentException("seconds = " + seconds + ", must be at least 1");
    }
  }

  /** Returns how many threads compute. */
  public int threads() {
    return HostDevice.cudnn4jHostGetThreads();
  }

  /**
   * Sets how many threads compute, the calling thread being one of them.
   *
   * @throws IllegalArgumentException if {@code threads} is below 1 or above the device's limit, or
   *     the machine cannot start so many; those that it could start compute then
   */
  public void threads(int threads) {
    if (threads < 1 || HostDevice.cudnn4jHostSetThreads(threads) != 0) {
      throw new IllegalArgumentException(
          "threads = " + threads + ", must be at least 1 and no more than the machine can start");
    }
  }
}
