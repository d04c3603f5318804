package io.github.cudnn4j.rnn;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.IntFunction;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * A batch of rows equals its rows one by one, forward and backward, with NaN in all padding: 10,000
 * drawn vectors of lengths, each of rows drawn from a few whose results alone are computed once.
 */
class SequenceBatchRowsTest {
  private static final int VECTORS_PER_NETWORK = 2500;
  private static final int TIME = 5;
  private static final int BATCH = 6;
  private static final int ROWS = 5;

  static final List<RnnConfig> networks =
      List.of(
          RnnConfig.lstm(2, 3).layers(2).bidirectional().precision(Precision.FP64),
          RnnConfig.gru(3, 2).layers(2).precision(Precision.FP64),
          RnnConfig.lstm(3, 4).projection(2).precision(Precision.FP32),
          RnnConfig.gru(2, 3).bidirectional().precision(Precision.FP32));

  /** What goes in for one row, all TIME steps of it: x, hx, cx, dy, dhy, dcy. */
  private static final int X = 0;

  private static final int DY = 3;

  /** What a row alone gives: y, hy, cy, dx, dhx, dcx and the gradients of the weights. */
  private static final int Y = 0;

  private static final int DX = 3;
  private static final int DW = 6;

  @ParameterizedTest
  @FieldSource("networks")
  void aBatchEqualsItsRowsOneByOne(RnnConfig config) {
    SplittableRandom random = new SplittableRandom(7);
    int[] widths = widths(config);
    double[][][] rows = new double[ROWS][6][];
    for (double[][] row : rows) {
      Arrays.setAll(row, i -> uniform(random, i % 3 == 0 ? TIME * widths[i] : widths[i]));
    }
    try (Device device = Device.open();
        Rig rig = new Rig(device, config, SequenceShape.of(TIME, BATCH))) {
      double[][][][] alone = alone(device, config, rows);
      for (int vector = 0; vector < VECTORS_PER_NETWORK; vector++) {
        int time = random.nextInt(1, TIME + 1);
        int[] lengths = new int[random.nextInt(1, BATCH + 1)];
        int[] picked = new int[lengths.length];
        Arrays.setAll(lengths, row -> random.nextInt(time + 1));
        Arrays.setAll(picked, row -> random.nextInt(ROWS));
        RnnDataLayout layout =
            random.nextBoolean()
                ? RnnDataLayout.SEQ_MAJOR_UNPACKED
                : RnnDataLayout.BATCH_MAJOR_UNPACKED;
        check(rig, layout, time, lengths, picked, rows, alone);
      }
    }
  }

  /** Elements of a vector of x and dy, and of a row's states over all pseudo-layers. */
  private static int[] widths(RnnConfig config) {
    int h = config.pseudoLayers() * config.projectionSize();
    int c = config.hasCellState() ? config.pseudoLayers() * config.hiddenSize() : 0;
    return new int[] {config.inputSize(), h, c, config.outputSize(), h, c};
  }

  /** Results of each row with each length from 1. */
  private static double[][][][] alone(Device device, RnnConfig config, double[][][] rows) {
    double[][][][] alone = new double[ROWS][TIME + 1][][];
    for (int length = 1; length <= TIME; length++) {
      try (Rig rig = new Rig(device, config, SequenceShape.of(length, 1))) {
        for (int row = 0; row < ROWS; row++) {
          DeviceBuffer[] inputs = inputs(rig);
          for (int i = 0; i < inputs.length; i++) {
            if (inputs[i] != null) {
              int elements = Math.toIntExact(inputs[i].elements());
              rig.set(inputs[i], Arrays.copyOf(rows[row][i], elements));
            }
          }
          rig.step();
          alone[row][length] = rig.results();
        }
      }
    }
    return alone;
  }

  private static DeviceBuffer[] inputs(Rig rig) {
    RnnStates states = rig.states;
    RnnStateGradients gradients = rig.stateGradients;
    return new DeviceBuffer[] {
      rig.x, states.hx(), states.cx(), rig.dy, gradients.dhy(), gradients.dcy()
    };
  }

  private static DeviceBuffer[] outputs(Rig rig) {
    RnnStates states = rig.states;
    RnnStateGradients gradients = rig.stateGradients;
    return new DeviceBuffer[] {
      rig.y, states.hy(), states.cy(), rig.dx, gradients.dhx(), gradients.dcx()
    };
  }

  private static void check(
      Rig rig,
      RnnDataLayout layout,
      int time,
      int[] lengths,
      int[] picked,
      double[][][] rows,
      double[][][][] alone) {
    RnnConfig config = rig.config;
    int batch = lengths.length;
    int[] widths = widths(config);
    DeviceBuffer[] in = new DeviceBuffer[6];
    DeviceBuffer[] out = new DeviceBuffer[6];
    double[][] expected = new double[6][];
    for (int i = 0; i < 6; i++) {
      int from = i;
      boolean sequence = i == X || i == DY;
      int outWidth = i == Y ? widths[DY] : i == DX ? widths[X] : widths[i];
      double[] values = new double[(sequence ? time : 1) * batch * widths[i]];
      expected[i] = new double[(sequence ? time : 1) * batch * outWidth];
      if (sequence) {
        Arrays.fill(values, Double.NaN);
        for (int row = 0; row < batch; row++) {
          for (int t = 0; t < lengths[row]; t++) {
            int at =
                layout == RnnDataLayout.BATCH_MAJOR_UNPACKED ? row * time + t : t * batch + row;
            System.arraycopy(
                rows[picked[row]][i], t * widths[i], values, at * widths[i], widths[i]);
            System.arraycopy(
                alone[picked[row]][lengths[row]][i],
                t * outWidth,
                expected[i],
                at * outWidth,
                outWidth);
          }
        }
      } else {
        stack(config, picked, row -> rows[picked[row]][from], values);
        stack(
            config,
            picked,
            row ->
                lengths[row] == 0
                    ? rows[picked[row]][from]
                    : alone[picked[row]][lengths[row]][from],
            expected[i]);
      }
      if (widths[i] > 0) {
        in[i] = inputs(rig)[i].slice(0, values.length);
        rig.set(in[i], values);
        out[i] = outputs(rig)[i].slice(0, expected[i].length);
        double[] nan = new double[expected[i].length];
        Arrays.fill(nan, Double.NaN);
        rig.set(out[i], nan);
      }
    }
    rig.rnn.gradients().space().clear();
    try (SequenceBatch sequences = SequenceBatch.create(rig.rnn, layout, time, lengths)) {
      sequences.forward(in[0], out[0], new RnnStates(in[1], in[2], out[1], out[2]));
      sequences.backward(in[3], out[3], new RnnStateGradients(in[4], in[5], out[4], out[5]));
    }
    double bound = config.type() == ElementType.FLOAT64 ? 1e-12 : 1e-6;
    String what = layout + " T " + time + " lengths " + Arrays.toString(lengths) + " ";
    for (int i = 0; i < 6; i++) {
      if (out[i] != null) {
        close(what + "result " + i, expected[i], Rig.read(out[i]), bound);
      }
    }
    double[] sums = new double[Math.toIntExact(rig.rnn.gradients().space().elements())];
    for (int row = 0; row < batch; row++) {
      if (lengths[row] > 0) {
        double[] part = alone[picked[row]][lengths[row]][DW];
        Arrays.setAll(sums, k -> sums[k] + part[k]);
      }
    }
    close(what + "gradients", sums, Rig.read(rig.rnn.gradients().space()), bound);
  }

  /** Puts states of rows alone, {@code [L*D, H]} each, together as {@code [L*D, B, H]}. */
  private static void stack(
      RnnConfig config, int[] picked, IntFunction<double[]> ofRow, double[] to) {
    int width = to.length / picked.length / config.pseudoLayers();
    for (int row = 0; row < picked.length && to.length > 0; row++) {
      for (int p = 0; p < config.pseudoLayers(); p++) {
        System.arraycopy(ofRow.apply(row), p * width, to, (p * picked.length + row) * width, width);
      }
    }
  }

  private static void close(String what, double[] expected, double[] actual, double bound) {
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(expected[i] - actual[i]) / Math.max(1, Math.abs(expected[i]));
      int at = i;
      assertTrue(
          error <= bound, () -> what + "[" + at + "] " + actual[at] + " not " + expected[at]);
    }
  }

  private static double[] uniform(SplittableRandom random, int elements) {
    return random.doubles(elements, -1, 1).map(v -> (float) v).toArray();
  }
}
