package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** One layer in one direction, written down as the equations say, in double. */
class RnnReferenceTest {
  private static final int T = 4;
  private static final int B = 3;
  private static final int I = 3;
  private static final int H = 5;
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

  @Test
  void lstm() {
    RnnConfig config = RnnConfig.lstm(I, H).precision(Precision.FP64);
    try (RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(T, B))) {
      double[] x = RnnFixture.read(fixture.x);
      double[] wi = parameter(fixture.rnn, "weight_ih_l0");
      double[] wh = parameter(fixture.rnn, "weight_hh_l0");
      double[] bi = parameter(fixture.rnn, "bias_ih_l0");
      double[] bh = parameter(fixture.rnn, "bias_hh_l0");
      double[] h = RnnFixture.read(fixture.states.hx());
      double[] c = RnnFixture.read(fixture.states.cx());
      double[] y = new double[T * B * H];
      for (int t = 0; t < T; t++) {
        double[] previous = h.clone();
        for (int b = 0; b < B; b++) {
          double[] gate = new double[4 * H];
          for (int row = 0; row < 4 * H; row++) {
            gate[row] =
                affine(wi, bi, row, x, (t * B + b) * I) + affine(wh, bh, row, previous, b * H);
          }
          for (int j = 0; j < H; j++) {
            int k = b * H + j;
            c[k] = sigmoid(gate[H + j]) * c[k] + sigmoid(gate[j]) * Math.tanh(gate[2 * H + j]);
            h[k] = sigmoid(gate[3 * H + j]) * Math.tanh(c[k]);
            y[(t * B + b) * H + j] = h[k];
          }
        }
      }
      fixture.plan.forward(fixture.x, fixture.y, fixture.states);
      CLOSE.check("y", y, RnnFixture.read(fixture.y));
      CLOSE.check("hy", h, RnnFixture.read(fixture.states.hy()));
      CLOSE.check("cy", c, RnnFixture.read(fixture.states.cy()));
    }
  }

  @Test
  void gru() {
    RnnConfig config = RnnConfig.gru(I, H).precision(Precision.FP64);
    try (RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(T, B))) {
      double[] x = RnnFixture.read(fixture.x);
      double[] wi = parameter(fixture.rnn, "weight_ih_l0");
      double[] wh = parameter(fixture.rnn, "weight_hh_l0");
      double[] bi = parameter(fixture.rnn, "bias_ih_l0");
      double[] bh = parameter(fixture.rnn, "bias_hh_l0");
      double[] h = RnnFixture.read(fixture.states.hx());
      double[] y = new double[T * B * H];
      for (int t = 0; t < T; t++) {
        double[] previous = h.clone();
        for (int b = 0; b < B; b++) {
          int at = (t * B + b) * I;
          for (int j = 0; j < H; j++) {
            double reset = sigmoid(affine(wi, bi, j, x, at) + affine(wh, bh, j, previous, b * H));
            double update =
                sigmoid(affine(wi, bi, H + j, x, at) + affine(wh, bh, H + j, previous, b * H));
            double candidate =
                Math.tanh(
                    affine(wi, bi, 2 * H + j, x, at)
                        + reset * affine(wh, bh, 2 * H + j, previous, b * H));
            int k = b * H + j;
            h[k] = (1 - update) * candidate + update * previous[k];
            y[(t * B + b) * H + j] = h[k];
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
    RnnConfig config = RnnConfig.lstm(I, H).layers(2).bidirectional().precision(Precision.FP64);
    try (RnnFixture fixture = new RnnFixture(device, config, SequenceShape.of(T, B))) {
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
