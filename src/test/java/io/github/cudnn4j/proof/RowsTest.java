package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.library.DeviceKind;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.testing.Closeness;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * A batch of rows equals its rows one by one, forward and backward, with NaN in all padding: 10,000
 * drawn vectors of lengths (on a GPU a tenth), in every layout, by plans for lengths that vary and
 * in any order with empty rows, each of rows drawn from a few whose results alone are computed
 * once.
 */
class RowsTest {
  private static final int VECTORS = 10_000;
  private static final int TIME = 5;
  private static final int BATCH = 6;
  private static final int ROWS = 5;

  static final List<RnnConfig> networks =
      List.of(
          RnnConfig.lstm(2, 3).layers(2).bidirectional().precision(Precision.FP64),
          RnnConfig.gru(3, 2).layers(2).precision(Precision.FP64),
          RnnConfig.tanh(2, 2).bidirectional().precision(Precision.FP64),
          RnnConfig.lstm(3, 4).projection(2).clip(-0.5, 0.5),
          RnnConfig.gru(2, 3).bidirectional(),
          RnnConfig.relu(3, 3).skipInput());

  @ParameterizedTest
  @FieldSource("networks")
  void aBatchEqualsItsRowsOneByOne(RnnConfig config) {
    RandomGenerator random = RandomSetup.random(7);
    try (Device device = Device.open();
        Rnn rnn = Rnn.create(device, config);
        Run.Memory memory = new Run.Memory(device)) {
      boolean onHost = device.kind() == DeviceKind.HOST;
      // A GPU's products of other sizes sum up in another order.
      Closeness closeness =
          config.precision() == Precision.FP32 && onHost
              ? Closeness.within(1e-6)
              : Closeness.within(Numbers.tolerance(config.precision(), device));
      rnn.initialize(1);
      Row[] rows = new Row[ROWS];
      Arrays.setAll(rows, i -> new Row(rnn, random));
      int vectors = Math.ceilDiv(onHost ? VECTORS : VECTORS / 10, networks.size());
      for (int k = 0; k < vectors; k++) {
        Rows shape = draw(random);
        Row[] picked = new Row[shape.batch()];
        Arrays.setAll(picked, i -> rows[random.nextInt(ROWS)]);
        Map<String, double[]> actual = run(rnn, shape, inputs(config, shape, picked), memory);
        Map<String, double[]> expected = together(config, shape, picked);
        actual.forEach(
            (name, values) -> closeness.check(shape + " " + name, expected.get(name), values));
      }
    }
  }

  /** On the host device in memory that is new, and so is no number anywhere. */
  private static Map<String, double[]> run(Rnn rnn, Rows shape, Run.Inputs in, Run.Memory memory) {
    boolean onHost = rnn.device().kind() == DeviceKind.HOST;
    try (Run run = new Run(rnn, shape, onHost ? null : memory)) {
      run.set(in);
      return run.forwardAndBackward();
    }
  }

  private static Rows draw(RandomGenerator random) {
    int room = random.nextInt(1, TIME + 1);
    int[] lengths = new int[random.nextInt(1, BATCH + 1)];
    boolean anyOrder = random.nextBoolean();
    Arrays.setAll(lengths, row -> random.nextInt(anyOrder ? 0 : 1, room + 1));
    if (anyOrder) {
      boolean batchMajor = random.nextBoolean();
      return Rows.anyOrder(
          batchMajor ? RnnDataLayout.BATCH_MAJOR_UNPACKED : RnnDataLayout.SEQ_MAJOR_UNPACKED,
          room,
          lengths);
    }
    RnnDataLayout layout = RnnDataLayout.values()[random.nextInt(3)];
    if (!layout.padded()) {
      lengths = Arrays.stream(lengths).map(l -> -l).sorted().map(l -> -l).toArray();
      return Rows.of(layout, lengths[0], lengths);
    }
    return Rows.of(
        random.nextBoolean() ? Rows.Kind.FIXED : Rows.Kind.VARYING, layout, room, lengths);
  }

  /** One row of TIME steps, and what it gives alone after each length. */
  private static final class Row {
    final double[] x;
    final double[] dy;
    final double[][] states = new double[4][];
    final List<Map<String, double[]>> alone = new ArrayList<>();

    Row(Rnn rnn, RandomGenerator random) {
      RnnConfig config = rnn.config();
      x = uniform(random, TIME * config.inputSize());
      dy = uniform(random, TIME * config.outputSize());
      int h = config.pseudoLayers() * config.projectionSize();
      int c = config.pseudoLayers() * config.hiddenSize();
      Arrays.setAll(states, i -> uniform(random, i % 2 == 0 ? h : c));
      alone.add(Map.of("hy", states[0], "cy", states[1], "dhx", states[2], "dcx", states[3]));
      for (int length = 1; length <= TIME; length++) {
        Run.Inputs in =
            new Run.Inputs(
                Arrays.copyOf(x, length * config.inputSize()),
                states[0],
                states[1],
                Arrays.copyOf(dy, length * config.outputSize()),
                states[2],
                states[3]);
        alone.add(Run.once(rnn, Rows.of(RnnDataLayout.SEQ_MAJOR_UNPACKED, length, length), in));
      }
    }

    private static double[] uniform(RandomGenerator random, int elements) {
      return random.doubles(elements, -1, 1).map(v -> (float) v).toArray();
    }
  }

  private static Run.Inputs inputs(RnnConfig config, Rows shape, Row[] picked) {
    double[][] states = new double[4][];
    Arrays.setAll(
        states,
        i ->
            stack(
                config, Arrays.stream(picked).map(row -> row.states[i]).toArray(double[][]::new)));
    return new Run.Inputs(
        sequence(shape, config.inputSize(), Arrays.stream(picked).map(r -> r.x).toList()),
        states[0],
        states[1],
        sequence(shape, config.outputSize(), Arrays.stream(picked).map(r -> r.dy).toList()),
        states[2],
        states[3]);
  }

  /** The results of the rows alone, put together; gradients of parameters are summed. */
  private static Map<String, double[]> together(RnnConfig config, Rows shape, Row[] picked) {
    List<Map<String, double[]>> alone = new ArrayList<>();
    for (int row = 0; row < picked.length; row++) {
      alone.add(picked[row].alone.get(shape.lengths().get(row)));
    }
    Map<String, double[]> results = new LinkedHashMap<>();
    for (String name : picked[0].alone.get(1).keySet()) {
      double[][] parts =
          alone.stream().map(r -> r.getOrDefault(name, new double[0])).toArray(double[][]::new);
      results.put(
          name,
          switch (name) {
            case "y" -> sequence(shape, config.outputSize(), List.of(parts));
            case "dx" -> sequence(shape, config.inputSize(), List.of(parts));
            case "hy", "cy", "dhx", "dcx" -> stack(config, parts);
            default -> sum(parts, picked[0].alone.get(1).get(name).length);
          });
    }
    return results;
  }

  private static double[] sequence(Rows shape, int width, List<double[]> rows) {
    double[] values = new double[shape.vectors() * width];
    for (int row = 0; row < shape.batch(); row++) {
      for (int t = 0; t < shape.lengths().get(row); t++) {
        System.arraycopy(rows.get(row), t * width, values, shape.vector(t, row) * width, width);
      }
    }
    return values;
  }

  /** States of rows alone, {@code [L*D, H]} each, together as {@code [L*D, B, H]}. */
  private static double[] stack(RnnConfig config, double[][] rows) {
    int width = rows[0].length / config.pseudoLayers();
    double[] values = new double[config.pseudoLayers() * rows.length * width];
    for (int row = 0; row < rows.length; row++) {
      for (int p = 0; p < config.pseudoLayers(); p++) {
        System.arraycopy(rows[row], p * width, values, (p * rows.length + row) * width, width);
      }
    }
    return values;
  }

  private static double[] sum(double[][] parts, int elements) {
    double[] sums = new double[elements];
    for (double[] part : parts) {
      for (int i = 0; i < part.length; i++) {
        sums[i] += part[i];
      }
    }
    return sums;
  }
}
