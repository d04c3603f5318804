package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.SequenceShape;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.random.RandomGeneratorFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Gradients against central finite differences in double, for every cell and direction, and for
 * what an LSTM or a first layer can have besides.
 *
 * <p>The loss is the sum of all outputs, each times a fixed random number. A direction in the space
 * of everything that has a gradient (x, hx, cx, all parameters) is drawn at random; the derivative
 * along it is {@code ⟨gradient, direction⟩} and must equal {@code (loss(+ε) − loss(−ε)) / 2ε}. One
 * wrong element shows in every direction, and each direction costs two forward passes.
 */
class GradientCheckTest {

  private static final double EPSILON = 1e-5;
  private static final double TOLERANCE = 1e-6;
  private static final int DIRECTIONS = 5;

  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  @ParameterizedTest
  @CsvSource({
    "RELU, 1, false",
    "RELU, 2, true",
    "TANH, 1, false",
    "TANH, 1, true",
    "TANH, 2, false",
    "TANH, 3, true",
    "LSTM, 1, false",
    "LSTM, 1, true",
    "LSTM, 2, false",
    "LSTM, 3, true",
    "GRU, 1, false",
    "GRU, 1, true",
    "GRU, 2, false",
    "GRU, 3, true",
  })
  void derivativesAlongRandomDirections(RnnMode mode, int layers, boolean bidirectional) {
    check(RnnConfig.of(mode, 6, 9), layers, bidirectional);
  }

  @ParameterizedTest
  @CsvSource({"1, false", "2, false", "3, true"})
  void withAProjection(int layers, boolean bidirectional) {
    check(RnnConfig.lstm(6, 9).projection(5), layers, bidirectional);
  }

  @ParameterizedTest
  @CsvSource({"1, false", "2, false", "3, true"})
  void withAClippedCellState(int layers, boolean bidirectional) {
    check(RnnConfig.lstm(6, 9).clip(-0.25, 0.5), layers, bidirectional);
  }

  @ParameterizedTest
  @CsvSource({"TANH, 1, true", "LSTM, 2, true", "GRU, 2, true", "GRU, 1, false"})
  void withoutAnInputMatrix(RnnMode mode, int layers, boolean bidirectional) {
    check(RnnConfig.of(mode, 9, 9).skipInput(), layers, bidirectional);
  }

  @Test
  void withEverythingAtOnce() {
    check(RnnConfig.lstm(9, 9).skipInput().projection(4).clip(-0.5, 0.25), 2, true);
  }

  private static void check(RnnConfig cells, int layers, boolean bidirectional) {
    RnnConfig config = cells.layers(layers).precision(Precision.FP64);
    if (bidirectional) {
      config = config.bidirectional();
    }
    Draw draw =
        new Draw(
            config,
            SequenceShape.of(7, 4),
            RandomGeneratorFactory.of("L64X128MixRandom").create(7 * layers));
    try (Run run = new Run(device, config)) {
      Map<String, double[]> parameters = draw.parameters(run);
      long states = draw.states(config.projectionSize());
      long cellStates = draw.states(config.hiddenSize());
      Run.Inputs in =
          new Run.Inputs(
              draw.uniform(draw.shape().rows() * config.inputSize(), 1),
              draw.uniform(states, 1),
              draw.uniform(cellStates, 1),
              draw.uniform(draw.shape().rows() * config.outputSize(), 1),
              draw.uniform(states, 1),
              draw.uniform(cellStates, 1));
      run.parameters(parameters);
      Run.Outputs out = run.forwardAndBackward(draw.shape(), in);

      for (int k = 0; k < DIRECTIONS; k++) {
        double[] vx = draw.uniform(in.x().length, 1);
        double[] vhx = draw.uniform(states, 1);
        double[] vcx = draw.uniform(cellStates, 1);
        Map<String, double[]> vParameters = draw.parameters(run);

        double analytic = dot(out.dx(), vx) + dot(out.dhx(), vhx) + dot(out.dcx(), vcx);
        for (Map.Entry<String, double[]> entry : out.dParameters().entrySet()) {
          analytic += dot(entry.getValue(), vParameters.get(entry.getKey()));
        }
        double[] losses = new double[2];
        for (int side = 0; side < 2; side++) {
          double step = side == 0 ? EPSILON : -EPSILON;
          Map<String, double[]> moved = new LinkedHashMap<>();
          parameters.forEach((n, v) -> moved.put(n, plus(v, step, vParameters.get(n))));
          run.parameters(moved);
          Run.Inputs at =
              new Run.Inputs(
                  plus(in.x(), step, vx),
                  plus(in.hx(), step, vhx),
                  plus(in.cx(), step, vcx),
                  in.dy(),
                  in.dhy(),
                  in.dcy());
          losses[side] = loss(run.forwardAndBackward(draw.shape(), at), in);
        }
        double numeric = (losses[0] - losses[1]) / (2 * EPSILON);
        double error = Math.abs(analytic - numeric) / Math.max(1, Math.abs(numeric));
        assertTrue(
            error <= TOLERANCE,
            String.format(
                Locale.ROOT,
                "%s, direction %d: gradient %.12g, finite difference %.12g, relative error %.2e >"
                    + " %.0e",
                draw,
                k,
                analytic,
                numeric,
                error,
                TOLERANCE));
      }
    }
  }

  private static double loss(Run.Outputs out, Run.Inputs in) {
    return dot(out.y(), in.dy()) + dot(out.hy(), in.dhy()) + dot(out.cy(), in.dcy());
  }

  /** Zero where a result is absent (cells without a cell state). */
  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static double[] plus(double[] v, double step, double[] direction) {
    double[] result = v.clone();
    for (int i = 0; i < v.length; i++) {
      result[i] += step * direction[i];
    }
    return result;
  }
}
