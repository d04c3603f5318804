package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.cuda.CapturedGraph;
import io.github.cudnn4j.cuda.CudaException;
import io.github.cudnn4j.cuda.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Captures work with networks: not every network that a library runs is one that it lets capture.
 */
public final class GraphCapture {

  private static final System.Logger LOG = System.getLogger("io.github.cudnn4j");

  private GraphCapture() {}

  /**
   * Captures work as a graph, which the caller closes.
   *
   * @param work enqueues on the stream
   * @return null, with a warning, where CUDA or cuDNN does not let the work be captured
   * @throws CudaException if what was captured cannot be freed
   */
  public static @Nullable CapturedGraph ifPossible(Stream stream, Runnable work) {
    try {
      return stream.capture(work);
    } catch (CudaException | CudnnException e) {
      boolean left = e instanceof CudaException cuda && cuda.function().equals("cudaGraphDestroy");
      if (left || e.getSuppressed().length > 0) {
        throw e;
      }
      LOG.log(
          System.Logger.Level.WARNING,
          "A step cannot be captured as a graph, so each of its calls is made every time: "
              + e.getMessage());
      return null;
    }
  }
}
