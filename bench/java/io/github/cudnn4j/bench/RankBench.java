package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cuda.Reduction;
import io.github.cudnn4j.data.Batch;
import io.github.cudnn4j.data.TextWindows;
import io.github.cudnn4j.library.DeviceChoice;
import io.github.cudnn4j.optim.Optimizer;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Loss;
import io.github.cudnn4j.tape.Parameters;
import io.github.cudnn4j.tape.RnnLayer;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.train.Objective;
import io.github.cudnn4j.train.RankGroup;
import io.github.cudnn4j.train.Ranks;
import io.github.cudnn4j.train.Step;
import io.github.cudnn4j.train.TrainerConfig;
import java.io.IOException;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * One of several ranks that measure what it costs to be many, as {@code bench/peers/ranks.py}
 * starts them. Rank 0 prints.
 *
 * <pre>{@code
 * java ... io.github.cudnn4j.bench.RankBench step ROUNDS    # ns alone, ns together, of as many steps
 * java ... io.github.cudnn4j.bench.RankBench reduce         # bytes, µs of an all-reduce of FP32
 * }</pre>
 *
 * <p>A step is one of the command line's default character model, of {@value #ROWS} rows for each
 * rank. Alone, each rank takes it while the others sleep; the time is the slowest one's, whose core
 * the others wait for when they are together.
 */
public final class RankBench {
  private static final int CLASSES = 75;
  private static final int ROWS = 32;
  private static final int TIME = 35;
  private static final int STEPS = 40;
  private static final int WARM_UP_ROUNDS = 4;

  /** In elements; the one before the last is the gradient of the model. */
  private static final long[] SIZES = {1 << 10, 1 << 13, 1 << 16, 353_803, 1 << 22};

  private static final long LEAST_NANOS = 200_000_000;

  private RankBench() {}

  /** The model, and its training alone or with others. */
  private static final class Side implements Objective, AutoCloseable {
    private final Parameters parameters;
    private final EmbeddingLayer embedding;
    private final RnnLayer rnn;
    private final LinearLayer linear;
    private final Step step;
    private final Device device;

    Side(Device device, RankGroup group, boolean together) throws IOException {
      this.device = device;
      parameters = Parameters.on(device, Precision.FP32);
      embedding = parameters.embedding("embedding", CLASSES, 64);
      rnn = parameters.rnn("rnn", RnnConfig.lstm(64, 256));
      linear = parameters.linear("linear", 256, CLASSES);
      parameters.initialize(1);
      int rows = together ? ROWS * group.size() : ROWS;
      int length = rows * TIME * (STEPS + 1) + 1;
      int[] text = new SplittableRandom(2).ints(length, 0, CLASSES).toArray();
      var source = TextWindows.training(text, rows, TIME, false);
      var config = TrainerConfig.of(Optimizer.adam(1e-4));
      step =
          together
              ? Step.create(parameters, this, source, config, group)
              : Step.create(parameters, this, source, config);
    }

    @Override
    public Loss record(Tape tape, Batch in) {
      var x = embedding.on(tape, in.tokens(TextWindows.TOKENS));
      return tape.crossEntropy(
          linear.on(tape, rnn.carried(tape, x)), in.labels(TextWindows.LABELS));
    }

    /** Returns the nanoseconds of all steps. */
    long run() throws IOException {
      step.begin(new SplittableRandom(3), 0);
      step.hasNext();
      long start = System.nanoTime();
      for (int i = 0; i < STEPS; i++) {
        step.run(1e-4);
      }
      device.synchronize();
      return System.nanoTime() - start;
    }

    @Override
    public void close() {
      step.close();
      parameters.close();
    }
  }

  private static void steps(Device device, RankGroup group, int rounds) throws IOException {
    try (var alone = new Side(device, group, false);
        var together = new Side(device, group, true)) {
      for (int round = 0; round < WARM_UP_ROUNDS + rounds; round++) {
        long one = 0;
        long all = 0;
        for (int turn = 0; turn <= group.size(); turn++) {
          group.max(0); // waits for all
          int whose = (turn + round) % (group.size() + 1);
          if (whose == group.size()) {
            all = together.run();
          } else if (whose == group.rank()) {
            one = alone.run();
          }
        }
        one = (long) group.max(one);
        all = (long) group.max(all);
        if (round >= WARM_UP_ROUNDS && group.isFirst()) {
          System.out.println(one + " " + all);
        }
      }
    }
  }

  private static void reductions(Device device, RankGroup group) {
    for (long size : SIZES) {
      try (var buffer = DeviceBuffer.allocate(device, ElementType.FLOAT32, size)) {
        buffer.clear();
        double nanos = 0;
        for (int count = 4; nanos < LEAST_NANOS; count *= 2) {
          group.max(0);
          long start = System.nanoTime();
          for (int i = 0; i < count; i++) {
            group.reduce(Reduction.SUM, buffer);
          }
          device.synchronize();
          nanos = group.max(System.nanoTime() - start);
          if (nanos >= LEAST_NANOS && group.isFirst()) {
            System.out.printf(Locale.ROOT, "%d %.2f%n", size * Float.BYTES, nanos / 1000 / count);
          }
        }
      }
    }
  }

  /** Measures as one of the ranks of the environment. */
  public static void main(String[] arguments) throws IOException {
    var ranks = Ranks.ofEnvironment();
    try (var device = ranks.openDevice(DeviceChoice.configured());
        var group = RankGroup.join(device, ranks)) {
      if (arguments[0].equals("step")) {
        steps(device, group, Integer.parseInt(arguments[1]));
      } else {
        reductions(device, group);
      }
    }
  }
}
