package io.github.cudnn4j.data;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Event;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.PinnedBuffer;
import io.github.cudnn4j.cuda.ProfilerRange;
import io.github.cudnn4j.cuda.Stream;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.tape.Indices;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs the same work on one window of tokens after the other.
 *
 * <pre>
 *   host: writes a place of the ring, launches      device: fetches from the ring's next place, works
 * </pre>
 *
 * <p>A window is inputs, labels and a number such as the learning rate. The ring is pinned memory,
 * which the work reads by itself: it begins with a kernel that fetches the next window and counts,
 * so that one captured graph serves every step and a step is one launch. Nothing else is called but
 * once in each half of the ring, which is not written again before the device has fetched it: the
 * host waits if it is a ring ahead.
 *
 * <p>Owner of all of that; belongs to the device's thread.
 */
public final class WindowRunner implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger("io.github.cudnn4j");

  private static final ProfilerRange STEP = ProfilerRange.named("step");
  private static final ProfilerRange FETCH = ProfilerRange.named("fetch");

  private static final int HALVES = 2;

  /** Enough that the calls for a half do not count, and few enough for a training to stop soon. */
  private static final int MOST_WINDOWS_IN_HALF = 16;

  private static final long MOST_BYTES_IN_HALF = 1 << 20;

  /** The words that one block fetches, so few that each of its threads has one. */
  private static final int PART = 1024;

  /** A place of the ring. */
  private record Window(MemorySegment inputs, MemorySegment labels, MemorySegment number) {}

  private final TextWindows batches;
  private final Stream stream;
  private final Parts parts = new Parts();
  private final int windowsInHalf;
  private final PinnedBuffer ring;
  private final List<Window> windows = new ArrayList<>();
  private final Event[] fetched = new Event[HALVES];
  private final DeviceBuffer places;
  private final Indices inputs;
  private final Indices labels;
  private final DeviceBuffer number;
  private final Launch fetch;
  private @Nullable CapturedGraph graph;
  private int next;
  private boolean capture;
  private boolean warm;
  private boolean inStep;

  private WindowRunner(Device device, TextWindows batches, boolean capture) {
    this.batches = batches;
    this.capture = capture;
    stream = device.stream();
    int time = batches.time();
    int batch = batches.batch();
    int tokens = Math.multiplyExact(time, batch);
    long tokenBytes = (long) tokens * Integer.BYTES;
    long windowBytes = 2 * tokenBytes + Double.BYTES;
    windowsInHalf = Math.clamp(MOST_BYTES_IN_HALF / windowBytes, 1, MOST_WINDOWS_IN_HALF);
    // Two tokens are as long as a number, so that everything is a number of INT64.
    long words = windowBytes / Long.BYTES;
    try {
      ring =
          parts.add(
              PinnedBuffer.allocate(device, ElementType.INT64, HALVES * windowsInHalf * words));
      for (long at = 0; at < ring.bytes(); at += windowBytes) {
        var segment = ring.segment().asSlice(at, windowBytes);
        windows.add(
            new Window(
                segment.asSlice(0, tokenBytes),
                segment.asSlice(tokenBytes, tokenBytes),
                segment.asSlice(2 * tokenBytes)));
      }
      for (int half = 0; half < HALVES; half++) {
        fetched[half] = parts.add(Event.create(device));
      }
      int blocks = Math.toIntExact(Math.ceilDiv(words, PART));
      places = parts.add(DeviceBuffer.allocate(device, ElementType.INT32, blocks));
      var window = parts.add(DeviceBuffer.allocate(device, ElementType.INT64, words));
      inputs = new Indices(view(device, ElementType.INT32, window, 0, tokens), time, batch);
      labels =
          new Indices(view(device, ElementType.INT32, window, tokenBytes, tokens), time, batch);
      number = view(device, ElementType.FLOAT64, window, 2 * tokenBytes, 1);
      fetch =
          parts.add(
              device
                  .kernels()
                  .get("embedding", "fetch_window")
                  .overLongRows(blocks, ring, places, window, words, (long) PART, windows.size()));
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    }
  }

  private DeviceBuffer view(
      Device device, ElementType type, DeviceBuffer window, long offset, long elements) {
    return parts.add(DeviceBuffer.wrap(device, type, window.address() + offset, elements));
  }

  /**
   * Prepares for a text.
   *
   * @param capture whether to capture the work as a graph and replay it
   */
  public static WindowRunner create(Device device, TextWindows batches, boolean capture) {
    return new WindowRunner(device, batches, capture);
  }

  /** Returns where the work finds the inputs, {@code [T, B]}. */
  public Indices inputs() {
    return inputs;
  }

  /** Returns where the work finds the labels, {@code [T, B]}. */
  public Indices labels() {
    return labels;
  }

  /** Returns where the work finds the number that comes with the window, one FLOAT64. */
  public DeviceBuffer number() {
    return number;
  }

  /**
   * Enqueues the work on one window. The first time it runs as it is, so that everything is loaded
   * and allocated; from then on it is replayed, if it can be captured.
   *
   * @param work always the same; it may enqueue whatever a graph can hold
   */
  public void run(int offset, int index, double value, Runnable work) {
    if (!inStep) {
      restart();
    }
    int half = next / windowsInHalf;
    if (next % windowsInHalf == 0) {
      fetched[half].synchronize();
    }
    Window window = windows.get(next);
    batches.window(offset, index, window.inputs, window.labels);
    window.number.set(JAVA_DOUBLE, 0, value);
    inStep = false;
    if (capture && warm && graph == null) {
      graph = captured(work);
    }
    try (var _ = STEP.begin()) {
      if (graph != null) {
        graph.launch();
      } else {
        enqueue(work);
        warm = true;
      }
    }
    next = (next + 1) % windows.size();
    if (next % windowsInHalf == 0) {
      stream.record(fetched[half]);
    }
    inStep = true;
  }

  /** Lets host and device begin with the same place, at first and after a step that failed. */
  private void restart() {
    stream.synchronize();
    places.clear();
    next = 0;
  }

  /** Not every network that a library runs is one that it lets be captured: null then. */
  private @Nullable CapturedGraph captured(Runnable work) {
    try {
      return parts.add(stream.capture(() -> enqueue(work)));
    } catch (CudaException | CudnnException e) {
      boolean left = e instanceof CudaException cuda && cuda.function().equals("cudaGraphDestroy");
      if (left || e.getSuppressed().length > 0) {
        throw e;
      }
      capture = false;
      LOG.log(
          System.Logger.Level.WARNING,
          "A step cannot be captured as a graph, so each of its calls is made every time: "
              + e.getMessage());
      return null;
    }
  }

  private void enqueue(Runnable work) {
    try (var _ = FETCH.begin()) {
      fetch.run();
    }
    work.run();
  }

  @Override
  public void close() {
    parts.close();
  }
}
