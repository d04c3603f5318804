package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Nvtx;
import io.github.cudnn4j.library.NativeLibraries;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * A stretch of a thread's time with a name, which NVIDIA's profilers show beside what the GPU did.
 *
 * <p>Where NVTX is not found, nothing is called. What a graph replays was named when it was
 * captured, and has no names of its own. The first of a program decides the device like {@link
 * Device#open()}, unless one was opened before.
 *
 * {@snippet :
 * private static final ProfilerRange FORWARD = ProfilerRange.named("forward");
 *
 * try (var _ = FORWARD.begin()) {
 *   plan.forward(x, y, states);
 * }
 * }
 *
 * <p>May be used from any thread, and be begun again before it is closed.
 *
 * @see <a href="https://nvidia.github.io/NVTX/">nvtxRangePushA, nvtxRangePop</a>
 */
public final class ProfilerRange implements AutoCloseable {
  private static final boolean ON = NativeLibraries.current().has("nvtxRangePushA");

  private final MemorySegment name;

  private ProfilerRange(MemorySegment name) {
    this.name = name;
  }

  /** Makes one, which is never freed. */
  public static ProfilerRange named(String name) {
    Objects.requireNonNull(name, "name");
    return new ProfilerRange(ON ? Arena.global().allocateFrom(name) : MemorySegment.NULL);
  }

  /** Begins it on this thread, which must {@link #close} it. */
  public ProfilerRange begin() {
    if (ON) {
      Nvtx.nvtxRangePushA(name);
    }
    return this;
  }

  /** Ends what this thread began last. */
  @Override
  public void close() {
    if (ON) {
      Nvtx.nvtxRangePop();
    }
  }
}
