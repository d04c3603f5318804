package io.github.cudnn4j.data;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cuda.ProfilerRange;
import io.github.cudnn4j.cuda.Stream;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.tape.Indices;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/**
 * Runs the same work on one window of tokens after the other, fed by a {@link Feed}; captured as a
 * graph, it is one launch.
 *
 * <p>Owner of all of that; belongs to the device's thread.
 */
public final class WindowRunner implements AutoCloseable {

  private static final System.Logger LOG = System.getLogger("io.github.cudnn4j");

  private static final ProfilerRange STEP = ProfilerRange.named("step");

  private final Stream stream;
  private final Parts parts = new Parts();
  private final Feed feed;
  private final Chosen chosen;
  private final Indices inputs;
  private final Indices labels;
  private @Nullable CapturedGraph graph;
  private boolean capture;
  private boolean warm;

  /** A pass without end, of windows that the caller chooses. */
  private static final class Chosen implements Epoch {
    final TextWindows batches;
    int offset;
    int index;

    Chosen(TextWindows batches) {
      this.batches = batches;
    }

    @Override
    public int next(Place place) {
      place.reuse(0);
      place.steps(batches.window(offset, index, place.segment(0), place.segment(1)));
      return 0;
    }

    @Override
    public void skip(long batches) {}

    @Override
    public void close() {}
  }

  private WindowRunner(Device device, TextWindows batches, boolean capture) {
    this.capture = capture;
    stream = device.stream();
    chosen = new Chosen(batches);
    try {
      feed = parts.add(Feed.create(device, Precision.FP32, batches.layout()));
      inputs = new Indices(feed.slot(0, 0), batches.time(), batches.batch());
      labels = new Indices(feed.slot(1, 0), batches.time(), batches.batch());
      feed.start(chosen);
    } catch (RuntimeException | Error e) {
      throw parts.abandon(e);
    } catch (IOException e) {
      throw parts.abandon(new UncheckedIOException(e));
    }
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
    return feed.number();
  }

  /**
   * Enqueues the work on one window. The first time it runs as it is, so that everything is loaded
   * and allocated; from then on it is replayed, if it can be captured.
   *
   * @param work always the same; it may enqueue whatever a graph can hold
   */
  public void run(int offset, int index, double value, Runnable work) {
    chosen.offset = offset;
    chosen.index = index;
    try {
      feed.next(value);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
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
    feed.done();
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
    feed.fetch(0);
    work.run();
  }

  @Override
  public void close() {
    parts.close();
  }
}
