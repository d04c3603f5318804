package io.github.cudnn4j.bench;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Lengths;
import io.github.cudnn4j.tape.Tape;
import io.github.cudnn4j.tape.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Rows of 5 to 200 steps, bucketed by length, against equal rows with as many real tokens: forward
 * and backward of a classifier on a tape, two bidirectional layers of LSTM 128 over vectors of 64,
 * B 32. Both sides take turns, batch by batch; the figure is the median over the rounds of the
 * tokens per second with lengths by those of equal rows.
 *
 * <pre>{@code
 * java ... io.github.cudnn4j.bench.LengthsThroughput [rounds] [steps that tapes are multiples of]
 * }</pre>
 */
public final class LengthsThroughput {
  private static final int BATCH = 32;
  private static final int INPUTS = 64;
  private static final int CLASSES = 2;
  private static final int BATCHES = 16;
  private static final int SHORTEST = 5;
  private static final int LONGEST = 200;

  private LengthsThroughput() {}

  /** A tape for T steps; without lengths all of them count. */
  private record Step(Tape tape, Lengths lengths) {

    static Step of(Device device, Rnn rnn, int time, boolean equal, Parts parts) {
      var tape = parts.add(Tape.training(device, Precision.FP32));
      var random = new SplittableRandom(time);
      // An input of the network with a gradient, as an embedding has.
      var x = parameter(tape, random, time, BATCH, INPUTS);
      var weight = parameter(tape, random, CLASSES, rnn.config().outputSize());
      var lengths = tape.lengths(BATCH);
      var out = equal ? tape.rnn(rnn, x) : tape.rnn(rnn, x, lengths);
      tape.crossEntropy(tape.linear(out.last(), weight, null), tape.indices(BATCH));
      return new Step(tape, lengths);
    }

    private static Tensor parameter(Tape tape, SplittableRandom random, int... shape) {
      var tensor = tape.input(shape);
      var values = new float[(int) tensor.elements()];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) random.nextDouble(-1, 1);
      }
      tensor.value().copyFrom(values);
      return new Tensor(tensor.value(), tape.input(shape).value(), shape);
    }

    /** The nanoseconds of one step. */
    long run(Device device, int... numbers) {
      long start = System.nanoTime();
      lengths.set(numbers);
      tape.forward();
      tape.backward();
      device.synchronize();
      return System.nanoTime() - start;
    }
  }

  /** Measures. */
  public static void main(String[] arguments) {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 9;
    int unit = arguments.length > 1 ? Integer.parseInt(arguments[1]) : LONGEST;
    int[] lengths =
        new SplittableRandom(1).ints(BATCHES * BATCH, SHORTEST, LONGEST + 1).sorted().toArray();
    Parts parts = new Parts();
    try (var device = Device.open();
        var rnn = Rnn.create(device, RnnConfig.lstm(INPUTS, 128).layers(2).bidirectional())) {
      rnn.initialize(1);
      Map<Integer, Step> tapes = new HashMap<>();
      List<Step> ragged = new ArrayList<>();
      List<Step> equal = new ArrayList<>();
      List<int[]> numbers = new ArrayList<>();
      long tokens = 0;
      long equalTokens = 0;
      for (int i = 0; i < BATCHES; i++) {
        int[] rows = Arrays.copyOfRange(lengths, i * BATCH, (i + 1) * BATCH);
        int longest = rows[BATCH - 1];
        shuffle(rows, i);
        numbers.add(rows);
        int time = Math.min(LONGEST, Math.ceilDiv(longest, unit) * unit);
        ragged.add(tapes.computeIfAbsent(time, t -> Step.of(device, rnn, t, false, parts)));
        int mean = Math.round((float) Arrays.stream(rows).sum() / BATCH);
        equal.add(Step.of(device, rnn, mean, true, parts));
        tokens += Arrays.stream(rows).sum();
        equalTokens += (long) mean * BATCH;
      }
      double[] ratios = new double[rounds];
      double[] rates = new double[rounds];
      for (int round = -2; round < rounds; round++) {
        long time = 0;
        long equalTime = 0;
        for (int i = 0; i < BATCHES; i++) {
          time += ragged.get(i).run(device, numbers.get(i));
          equalTime += equal.get(i).run(device, numbers.get(i));
        }
        if (round >= 0) {
          rates[round] = tokens * 1e9 / time;
          ratios[round] = rates[round] / (equalTokens * 1e9 / equalTime);
        }
      }
      Arrays.sort(ratios);
      Arrays.sort(rates);
      System.out.printf(
          Locale.ROOT,
          "%d tapes with lengths, %.0f real tokens/s, %.3f of equal rows (%.3f to %.3f)%n",
          tapes.size(),
          rates[rounds / 2],
          ratios[rounds / 2],
          ratios[rounds / 4],
          ratios[rounds * 3 / 4]);
      parts.close();
    }
  }

  private static void shuffle(int[] rows, long seed) {
    var random = new SplittableRandom(seed);
    for (int i = rows.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int row = rows[i];
      rows[i] = rows[j];
      rows[j] = row;
    }
  }
}
