package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cudnn.CudnnHandle;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.train.StepWork;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One side of a comparison, which {@code bench/peers/compare.py} tells over standard input what to
 * do, one line at a time, and which answers each with one line that begins with "= ":
 *
 * <pre>
 *   open KIND NAME    = ok | = skip REASON
 *   check             = y=0.25 dx=0.125         what the work computes, to compare
 *   run N             = ns 1234567              N times the work, until the device is done
 *   quit
 * </pre>
 *
 * <p>KIND is infer, forward or train (forward and backward) of the network that NAME describes, see
 * {@link Workload}; or sgd or adam, a whole training step; or stream or session, a step of B texts
 * that goes on from the step before and ends with their logits on the host, by itself or through
 * the threads of B clients; or classify, training steps of a classifier of rows of any lengths; or
 * translate, those of an encoder and a decoder with attention; or crf, the loss of a conditional
 * random field and its gradients.
 */
public final class Peer {

  /** Work that has been opened. */
  public interface Job extends AutoCloseable {
    /** Does it so many times and waits until it is done. */
    void run(int times);

    /** Does it and tells what came out. */
    Map<String, Double> check();

    /**
     * Does it for a second. For a {@linkplain Workload#small small} one, so that Java has compiled
     * what a large one uses too, which would run for minutes on code that is interpreted.
     */
    default void warmUp() {
      long start = System.nanoTime();
      while (System.nanoTime() - start < 1_000_000_000L) {
        run(10);
      }
    }

    @Override
    void close();
  }

  /** What opens a job. */
  public interface Opener {
    /**
     * Opens a job.
     *
     * @throws UnsupportedOperationException if this peer cannot do that
     */
    Job open(String kind, Workload workload);
  }

  private Peer() {}

  /**
   * Serves cudnn4j.
   *
   * @param arguments "graph" if the network's calls are to be captured and replayed
   */
  public static void main(String[] arguments) throws IOException {
    boolean captured = arguments.length > 0 && arguments[0].equals("graph");
    try (Device device = Device.open()) {
      serve(
          device.name() + ", Java " + Runtime.version() + ", cuDNN " + CudnnHandle.version(),
          (kind, workload) -> open(device, kind, workload, captured));
    }
  }

  /** Answers lines until there are no more. The first of a kind is preceded by a small one. */
  public static void serve(String facts, Opener opener) throws IOException {
    answer(facts);
    var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    Job job = null;
    var warm = new HashSet<String>();
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split(" ");
      if (words[0].equals("quit")) {
        break;
      }
      try {
        if (words[0].equals("open")) {
          close(job);
          job = null;
          var workload = Workload.parse(words[2]);
          var small = workload.small();
          if (warm.add(words[1] + small)) {
            warmUp(opener, words[1], small);
          }
          job = opener.open(words[1], workload);
          answer("ok");
        } else if (job == null) {
          answer("skip nothing is open");
        } else if (words[0].equals("check")) {
          answer(
              job.check().entrySet().stream()
                  .map(e -> String.format(Locale.ROOT, "%s=%.9g", e.getKey(), e.getValue()))
                  .collect(Collectors.joining(" ")));
        } else {
          int times = Integer.parseInt(words[1]);
          long start = System.nanoTime();
          job.run(times);
          answer("ns " + (System.nanoTime() - start));
        }
      } catch (RuntimeException e) {
        answer("skip " + String.valueOf(e.getMessage()).lines().findFirst().orElse(""));
      }
    }
    close(job);
  }

  private static void warmUp(Opener opener, String kind, Workload small) {
    try (Job job = opener.open(kind, small)) {
      job.warmUp();
    } catch (RuntimeException e) {
      // Some algorithms refuse small sizes. The large ones can be measured all the same.
    }
  }

  private static void answer(String text) {
    IO.println("= " + text);
    System.out.flush();
  }

  private static void close(@Nullable Job job) {
    if (job != null) {
      job.close();
    }
  }

  private static Job open(Device device, String kind, Workload workload, boolean captured) {
    return switch (kind) {
      case "sgd" -> new StepWork(device, workload, Optimizer.sgd(1));
      case "adam" -> new StepWork(device, workload, Optimizer.adam(0.001));
      case "stream" -> StreamWork.steps(device, workload);
      case "classify" -> new ClassifierWork(device, workload);
      case "translate" -> new TranslatorWork(device, workload);
      case "crf" -> new CrfWork(device, workload);
      case "session" -> StreamWork.session(device, workload);
      default -> {
        var what = RnnWork.Kind.valueOf(kind.toUpperCase(Locale.ROOT));
        yield new RnnWork(device, what, workload, captured);
      }
    };
  }
}
