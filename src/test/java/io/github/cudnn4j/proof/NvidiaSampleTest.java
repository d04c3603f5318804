package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The 22 checksums that NVIDIA publishes with its RNN sample: sums of all elements of each result
 * where inputs and incoming gradients are 1, every element of a weight matrix is one over the
 * matrix' size, and every bias is 1. Single precision, the published tolerance.
 *
 * <p>Source: golden files of the RNN sample in the cuDNN samples archive (2016).
 */
class NvidiaSampleTest {

  private static final int TIME = 20;
  private static final int LAYERS = 2;
  private static final int HIDDEN = 512;
  private static final int BATCH = 64;
  private static final double TOLERANCE = 1e-3;

  @ParameterizedTest
  @CsvSource({
    "RELU, 1.315793E+06, 1.315212E+05,             , 6.676003E+01, 6.425050E+01,             ,"
        + " 1.453750E+09",
    "TANH, 6.319591E+05, 6.319605E+04,             , 4.501830E+00, 4.489543E+00,             ,"
        + " 5.012598E+07",
    "LSTM, 5.749536E+05, 5.774818E+04, 4.365091E+05, 3.842206E+02, 1.182562E+01, 9.323785E+03,"
        + " 4.313461E+08",
    "GRU,  6.358978E+05, 6.281680E+04,             , 6.296622E+00, 2.289960E+05,             ,"
        + " 5.397419E+07",
  })
  void checksums(
      RnnMode mode, double y, double hy, Double cy, double dx, double dhx, Double dcx, double dw) {
    RnnConfig config = RnnConfig.of(mode, HIDDEN, HIDDEN).layers(LAYERS);
    int gateMatrices = 2 * config.gates();
    try (Device device = Device.open();
        Rnn rnn = Rnn.create(device, config)) {
      fillAsTheSampleDoes(rnn, gateMatrices);
      double[] sequence = ones(TIME * BATCH * HIDDEN);
      double[] state = ones(LAYERS * BATCH * HIDDEN);

      int[] lengths = new int[BATCH];
      Arrays.fill(lengths, TIME);
      Map<String, double[]> results =
          Run.once(
              rnn,
              Rows.of(RnnDataLayout.SEQ_MAJOR_UNPACKED, TIME, lengths),
              new Run.Inputs(sequence, state, state, sequence, state, state));

      assertSum("y", y, results.remove("y"));
      assertSum("hy", hy, results.remove("hy"));
      assertSum("dx", dx, results.remove("dx"));
      assertSum("dhx", dhx, results.remove("dhx"));
      if (config.hasCellState()) {
        assertSum("cy", cy, results.remove("cy"));
        assertSum("dcx", dcx, results.remove("dcx"));
      }
      assertSum("dw", dw, results.values().toArray(double[][]::new));
    }
  }

  private static void fillAsTheSampleDoes(Rnn rnn, int gateMatrices) {
    for (int layer = 0; layer < LAYERS; layer++) {
      for (int id = 0; id < gateMatrices; id++) {
        DeviceBuffer matrix = rnn.weights().matrix(layer, id);
        float[] values = new float[Math.toIntExact(matrix.elements())];
        Arrays.fill(values, 1f / values.length);
        matrix.copyFrom(values);
        float[] bias = new float[HIDDEN];
        Arrays.fill(bias, 1f);
        rnn.weights().bias(layer, id).copyFrom(bias);
      }
    }
  }

  private static double[] ones(int elements) {
    double[] values = new double[elements];
    Arrays.fill(values, 1);
    return values;
  }

  private static void assertSum(String what, double expected, double[]... parts) {
    double sum = Arrays.stream(parts).flatMapToDouble(DoubleStream::of).sum();
    assertEquals(expected, sum, TOLERANCE * Math.abs(expected), "sum of " + what);
  }
}
