package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import org.jspecify.annotations.Nullable;

/**
 * Configurations, rows and numbers drawn from a seed, so that a failure names what to repeat.
 *
 * @param numbers the type whose numbers are drawn
 */
record RandomSetup(RnnConfig config, Rows rows, ElementType numbers, RandomGenerator random) {

  static RandomGenerator random(long seed) {
    return RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
  }

  /**
   * Any cell, direction, bias mode, projection, clipping, input, dropout, layout and lengths within
   * small sizes, some of them odd; a third of the rows come in any order, with empty ones.
   */
  static RandomSetup anything(
      long seed, Precision precision, int maxLayers, int[] sizes, int maxTime) {
    RandomGenerator random = random(seed);
    int hidden = sizes[random.nextInt(sizes.length)];
    int input = random.nextInt(3) == 0 ? hidden : sizes[random.nextInt(sizes.length)];
    RnnConfig config =
        RnnConfig.of(RnnMode.values()[(int) (seed % 4)], input, hidden)
            .layers(random.nextInt(1, maxLayers + 1))
            .bias(pick(random, BiasMode.values()))
            .precision(precision);
    if (random.nextBoolean()) {
      config = config.bidirectional();
    }
    if (config.hasCellState() && random.nextBoolean()) {
      config = config.projection(random.nextInt(1, config.hiddenSize() + 1));
    }
    if (config.hasCellState() && random.nextBoolean()) {
      config = config.clip(-random.nextDouble(), random.nextDouble());
    }
    if (input == hidden && random.nextBoolean()) {
      config = config.skipInput();
    }
    if (config.layers() > 1 && random.nextBoolean()) {
      config = config.dropout(random.nextDouble(0.1, 0.7), random.nextLong());
    }
    return new RandomSetup(config, rows(random, sizes, maxTime), config.type(), random);
  }

  private static Rows rows(RandomGenerator random, int[] sizes, int maxTime) {
    int time = random.nextInt(1, maxTime + 1);
    int[] lengths = new int[sizes[random.nextInt(sizes.length)]];
    if (random.nextInt(3) == 0) {
      Arrays.setAll(lengths, row -> random.nextInt(time + 1));
      return Rows.anyOrder(
          random.nextBoolean()
              ? RnnDataLayout.SEQ_MAJOR_UNPACKED
              : RnnDataLayout.BATCH_MAJOR_UNPACKED,
          time,
          lengths);
    }
    boolean equal = random.nextInt(3) == 0;
    Arrays.setAll(lengths, row -> equal ? time : random.nextInt(1, time + 1));
    RnnDataLayout layout = pick(random, RnnDataLayout.values());
    if (layout == RnnDataLayout.SEQ_MAJOR_PACKED) {
      lengths[0] = time;
      int[] ascending = lengths.clone();
      Arrays.sort(ascending);
      Arrays.setAll(lengths, row -> ascending[ascending.length - 1 - row]);
    }
    return Rows.of(layout, time, lengths);
  }

  /** Every parameter uniform in ±1/√H, as PyTorch initializes. */
  Map<String, double[]> parameters(Rnn rnn) {
    Map<String, double[]> values = new LinkedHashMap<>();
    double bound = 1 / Math.sqrt(config.hiddenSize());
    for (RnnParameter parameter : rnn.weights().parameters()) {
      values.put(parameter.name(), uniform(parameter.elements(), bound));
    }
    return values;
  }

  Run.Inputs inputs() {
    long states = states(config.projectionSize());
    long cellStates = states(config.hiddenSize());
    return new Run.Inputs(
        uniform((long) rows.vectors() * config.inputSize(), 1),
        maybe(states),
        config.hasCellState() ? maybe(cellStates) : null,
        uniform((long) rows.vectors() * config.outputSize(), 1),
        maybe(states),
        config.hasCellState() ? maybe(cellStates) : null);
  }

  /** Puts another x and other initial states into a row, in place. */
  void redraw(Run.Inputs in, int row) {
    for (int t = 0; t < rows.lengths().get(row); t++) {
      redraw(in.x(), rows.vector(t, row), config.inputSize());
    }
    for (int p = 0; p < config.pseudoLayers(); p++) {
      redraw(in.hx(), p * rows.batch() + row, config.projectionSize());
      redraw(in.cx(), p * rows.batch() + row, config.hiddenSize());
    }
  }

  private void redraw(double @Nullable [] values, int vector, int width) {
    if (values != null) {
      System.arraycopy(uniform(width, 1), 0, values, vector * width, width);
    }
  }

  /** The elements of a state whose vectors are of a width. */
  private long states(int width) {
    return (long) config.pseudoLayers() * rows.batch() * width;
  }

  /** Uniform in ±bound, then rounded. */
  double[] uniform(long elements, double bound) {
    double[] values = new double[Math.toIntExact(elements)];
    Arrays.setAll(values, i -> Numbers.round(numbers, (float) random.nextDouble(-bound, bound)));
    return values;
  }

  private double @Nullable [] maybe(long elements) {
    return random.nextInt(3) == 0 ? null : uniform(elements, 1);
  }

  private static <T> T pick(RandomGenerator random, T[] values) {
    return values[random.nextInt(values.length)];
  }

  @Override
  public String toString() {
    return config + " " + rows;
  }
}
