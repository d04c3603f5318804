package io.github.cudnn4j.bench;

import io.github.cudnn4j.cudnn.RnnMode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.Main;

/**
 * Starts JMH. Of its options, {@code -p shape=deepbench} and {@code -p shape=deepbench-inference}
 * become the shapes of DeepBench: all of them on a GPU, all of them smaller on the host device.
 *
 * @see <a href="https://github.com/baidu-research/DeepBench">DeepBench, rnn_problems.h</a>
 */
public final class Benchmarks {
  /** By how much hidden sizes and times are divided on the host device. */
  private static final int SMALLER_HIDDEN = 4;

  private static final int SHORTER = 5;

  private final boolean whole;
  private final List<String> names = new ArrayList<>();

  private Benchmarks(boolean whole) {
    this.whole = whole;
  }

  /** Starts JMH with its options. */
  public static void main(String[] options) throws Exception {
    boolean cuda = System.getProperty("cudnn4j.device", "host").equals("cuda");
    var arguments = new ArrayList<String>();
    for (String option : options) {
      arguments.add(
          switch (option) {
            case "shape=deepbench" -> "shape=" + new Benchmarks(cuda).training();
            case "shape=deepbench-inference" -> "shape=" + new Benchmarks(cuda).inference();
            default -> option;
          });
    }
    if (!cuda && System.getenv(JniBenchmark.VARIABLE) == null) {
      System.err.println(
          "JniBenchmark is left out: it needs a GPU, or "
              + JniBenchmark.VARIABLE
              + " with the folder of a libcudnn.so.9");
      arguments.addAll(List.of("-e", "JniBenchmark"));
    }
    Main.main(arguments.toArray(String[]::new));
  }

  private String training() {
    for (int hidden : new int[] {1760, 2048, 2560}) {
      add(RnnMode.RELU, hidden, 50, 16, 32, 64, 128);
    }
    for (int hidden : new int[] {512, 1024, 2048, 4096}) {
      add(RnnMode.LSTM, hidden, 25, 16, 32, 64, 128);
    }
    add(RnnMode.LSTM, 1536, 50, 8, 16, 32);
    add(RnnMode.LSTM, 256, 150, 16, 32, 64);
    for (int hidden : new int[] {2816, 2048, 1536, 2560}) {
      for (int time : new int[] {1500, 750, 375, 187}) {
        add(RnnMode.GRU, hidden, time, 32);
      }
    }
    add(RnnMode.GRU, 512, 1, 32);
    add(RnnMode.GRU, 1024, 1500, 32, 64);
    return String.join(",", names);
  }

  private String inference() {
    for (int hidden : new int[] {512, 1024, 2048}) {
      add(RnnMode.LSTM, hidden, 25, 1, 2, 4);
    }
    add(RnnMode.LSTM, 1536, 50, 1, 2, 4);
    add(RnnMode.LSTM, 256, 150, 1, 2, 4);
    for (int hidden : new int[] {2816, 2048, 1536, 2560}) {
      for (int time : new int[] {1500, 750, 375, 187}) {
        add(RnnMode.GRU, hidden, time, 1, 2, 4);
      }
    }
    add(RnnMode.GRU, 512, 1, 1, 2, 4);
    add(RnnMode.GRU, 1024, 1500, 1, 2, 4);
    return String.join(",", names);
  }

  private void add(RnnMode mode, int hidden, int time, int... batches) {
    int h = whole ? hidden : hidden / SMALLER_HIDDEN;
    int t = whole ? time : Math.ceilDiv(time, SHORTER);
    Arrays.stream(batches)
        .mapToObj(b -> String.format(Locale.ROOT, "%s_%d_%d_B%d_T%d_SKIP", mode, h, h, b, t))
        .forEach(names::add);
  }
}
