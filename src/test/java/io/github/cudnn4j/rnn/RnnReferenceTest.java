package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One layer in one direction, written down as the equations say, in double. */
class RnnReferenceTest {
  private static final Closeness CLOSE = Closeness.within(1e-12);
  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }

  private static double[] parameter(Rnn rnn, String name) {
    RnnParameter parameter = rnn.weights().parameter(name);
    double[] values = new double[Math.toIntExact(parameter.elements())];
    parameter.copyTo(values);
    return values;
  }

  /** {@code weight[row] v + bias[row]}, with v starting at {@code from}. */
  private static double affine(double[] weight, double[] bias, int row, double[] v, int from) {
    int columns = weight.length / bias.length;
    double sum = bias[row];
    for (int j = 0; j < columns; j++) {
      sum += weight[row * columns + j] * v[from + j];
    }
    return sum;
  }

  /** A few sequences, and one step of a network that is large for it. */
  @ParameterizedTest
  @CsvSource({"4, 3, 3, 5", "1, 1, 64, 64"})
  void lstm(int time, int batch, int input, int hidden) {
    RnnConfig config = RnnConfig.lstm(input, hidden).precision(Precision.FP64);
    try (RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(time, batch))) {
      double[] x = RnnFixture.read(fixture.x);
      double[] wi = parameter(fixture.rnn, "weight_ih_l0");
      double[] wh = parameter(fixture.rnn, "weight_hh_l0");
      double[] bi = parameter(fixture.rnn, "bias_ih_l0");
      double[] bh = parameter(fixture.rnn, "bias_hh_l0");
      double[] h = RnnFixture.read(fixture.states.hx());
      double[] c = RnnFixture.read(fixture.states.cx());
      double[] y = new double[time * batch * hidden];
      for (int t = 0; t < time; t++) {
        double[] previous = h.clone();
        for (int b = 0; b < batch; b++) {
          double[] gate = new double[4 * hidden];
          for (int row = 0; row < 4 * hidden; row++) {
            gate[row] =
                affine(wi, bi, row, x, (t * batch + b) * input)
                    + affine(wh, bh, row, previous, b * hidden);
          }
          for (int j = 0; j < hidden; j++) {
            int k = b * hidden + j;
            c[k] =
                sigmoid(gate[hidden + j]) * c[k]
                    + sigmoid(gate[j]) * Math.tanh(gate[2 * hidden + j]);
            h[k] = sigmoid(gate[3 * hidden + j]) * Math.tanh(c[k]);
            y[(t * batch + b) * hidden + j] = h[k];
          }
        }
      }
      fixture.plan.forward(fixture.x, fixture.y, fixture.states);
      CLOSE.check("y", y, RnnFixture.read(fixture.y));
      CLOSE.check("hy", h, RnnFixture.read(fixture.states.hy()));
      CLOSE.check("cy", c, RnnFixture.read(fixture.states.cy()));
    }
  }

  /** A few sequences, and one step of a network that is large for it. */
  @ParameterizedTest
  @CsvSource({"4, 3, 3, 5", "1, 1, 64, 64"})
  void gru(int time, int batch, int input, int hidden) {
    RnnConfig config = RnnConfig.gru(input, hidden).precision(Precision.FP64);
    try (RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(time, batch))) {
      double[] x = RnnFixture.read(fixture.x);
      double[] wi = parameter(fixture.rnn, "weight_ih_l0");
      double[] wh = parameter(fixture.rnn, "weight_hh_l0");
      double[] bi = parameter(fixture.rnn, "bias_ih_l0");
      double[] bh = parameter(fixture.rnn, "bias_hh_l0");
      double[] h = RnnFixture.read(fixture.states.hx());
      double[] y = new double[time * batch * hidden];
      for (int t = 0; t < time; t++) {
        double[] previous = h.clone();
        for (int b = 0; b < batch; b++) {
          int at = (t * batch + b) * input;
          for (int j = 0; j < hidden; j++) {
            double reset =
                sigmoid(affine(wi, bi, j, x, at) + affine(wh, bh, j, previous, b * hidden));
            double update =
                sigmoid(
                    affine(wi, bi, hidden + j, x, at)
                        + affine(wh, bh, hidden + j, previous, b * hidden));
            double candidate =
                Math.tanh(
                    affine(wi, bi, 2 * hidden + j, x, at)
                        + reset * affine(wh, bh, 2 * hidden + j, previous, b * hidden));
            int k = b * hidden + j;
            h[k] = (1 - update) * candidate + update * previous[k];
            y[(t * batch + b) * hidden + j] = h[k];
          }
        }
      }
      fixture.plan.forward(fixture.x, fixture.y, fixture.states);
      CLOSE.check("y", y, RnnFixture.read(fixture.y));
      CLOSE.check("hy", h, RnnFixture.read(fixture.states.hy()));
    }
  }

  @Test
  void statesLeftOutAreZero() {
    RnnConfig config = RnnConfig.lstm(3, 5).layers(2).bidirectional().precision(Precision.FP64);
    try (RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(4, 3))) {
      double[] zeros = new double[Math.toIntExact(fixture.plan.stateElements())];
      Arrays.fill(zeros, 0);
      fixture.set(fixture.states.hx(), zeros);
      fixture.set(fixture.states.cx(), zeros);
      fixture.plan.infer(fixture.x, fixture.y, fixture.states);
      double[] expected = RnnFixture.read(fixture.y);
      fixture.spoil();
      fixture.plan.infer(fixture.x, fixture.y, RnnStates.NONE);
      CLOSE.check("y", expected, RnnFixture.read(fixture.y));
    }
  }
}
