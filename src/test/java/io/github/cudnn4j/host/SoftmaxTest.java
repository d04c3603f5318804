package io.github.cudnn4j.host;

import static io.github.cudnn4j.host.RawCudnn.assertCategory;
import static io.github.cudnn4j.host.RawCudnn.succeed;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cudnn;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Softmax forward and backward against the formulas in plain Java. */
class SoftmaxTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int BAD = Cudnn.CUDNN_STATUS_BAD_PARAM();
  private static final int LOG = Cudnn.CUDNN_SOFTMAX_LOG();
  private static final int N = 3;
  private static final int C = 5;
  private static final int S = 4;
  private static final int COUNT = N * C * S;

  private final Random random = new Random(5);
  private RawCudnn cudnn;

  @BeforeEach
  void open() {
    cudnn = new RawCudnn();
  }

  @AfterEach
  void close() {
    cudnn.close();
  }

  /** Numbers that a type holds. */
  private double[] random(int type) {
    return rounded(type, random.doubles(COUNT, -2, 2).toArray());
  }

  private static double[] rounded(int type, double[] values) {
    return Arrays.stream(values).map(v -> RawCudnn.rounded(type, v)).toArray();
  }

  /** The group that element i is normalized within. */
  private static int group(int i, int mode) {
    return mode == Cudnn.CUDNN_SOFTMAX_MODE_INSTANCE() ? i / (C * S) : i / (C * S) * S + i % S;
  }

  private static double[] sums(double[] values, int mode) {
    var sums = new double[N * S];
    for (int i = 0; i < COUNT; i++) {
      sums[group(i, mode)] += values[i];
    }
    return sums;
  }

  private static double[] softmax(double[] x, int mode, boolean log) {
    double[] sums = sums(Arrays.stream(x).map(Math::exp).toArray(), mode);
    var y = new double[COUNT];
    for (int i = 0; i < COUNT; i++) {
      double sum = sums[group(i, mode)];
      y[i] = log ? x[i] - Math.log(sum) : Math.exp(x[i]) / sum;
    }
    return y;
  }

  private static double[] gradient(double[] y, double[] dy, int mode, boolean log) {
    var products = new double[COUNT];
    for (int i = 0; i < COUNT; i++) {
      products[i] = log ? dy[i] : y[i] * dy[i];
    }
    double[] sums = sums(products, mode);
    var dx = new double[COUNT];
    for (int i = 0; i < COUNT; i++) {
      double sum = sums[group(i, mode)];
      dx[i] = log ? dy[i] - Math.exp(y[i]) * sum : y[i] * (dy[i] - sum);
    }
    return dx;
  }

  /** FLOAT, DOUBLE, HALF and BFLOAT16, with the rounding of their results. */
  @ParameterizedTest
  @CsvSource({"0, 1e-6", "1, 1e-14", "2, 0x1.02p-11", "9, 0x1.02p-8"})
  void agreesWithTheFormulas(int type, double tolerance) {
    for (int algorithm = 0; algorithm <= LOG; algorithm++) {
      for (int mode = 0; mode < 2; mode++) {
        agreesWithTheFormulas(type, algorithm, mode, tolerance);
      }
    }
  }

  private void agreesWithTheFormulas(int type, int algorithm, int mode, double tolerance) {
    boolean log = algorithm == LOG;
    var tensor = cudnn.tensor(type, N, C, S, 1);
    double[] x = random(type);
    double[] old = random(type);
    var yMemory = cudnn.upload(type, old);
    int factor = RawCudnn.isNarrow(type) ? FLOAT : type;
    var alpha = cudnn.scalar(factor, 0.5);
    var beta = cudnn.scalar(factor, 0.25);
    succeed(
        Cudnn.cudnnSoftmaxForward(
            cudnn.handle,
            algorithm,
            mode,
            alpha,
            tensor,
            cudnn.upload(type, x),
            beta,
            tensor,
            yMemory));
    double[] exact = softmax(x, mode, log);
    assertBlend(exact, old, cudnn.read(yMemory, type, COUNT), tolerance);

    double[] y = rounded(type, exact);
    double[] dy = random(type);
    var dxMemory = cudnn.upload(type, old);
    succeed(
        Cudnn.cudnnSoftmaxBackward(
            cudnn.handle,
            algorithm,
            mode,
            alpha,
            tensor,
            cudnn.upload(type, y),
            tensor,
            cudnn.upload(type, dy),
            beta,
            tensor,
            dxMemory));
    assertBlend(gradient(y, dy, mode, log), old, cudnn.read(dxMemory, type, COUNT), 4 * tolerance);
  }

  private static void assertBlend(
      double[] result, double[] old, double[] actual, double tolerance) {
    int worst = 0;
    var errors = new double[COUNT];
    for (int i = 0; i < COUNT; i++) {
      errors[i] = Math.abs(0.5 * result[i] + 0.25 * old[i] - actual[i]);
      worst = errors[i] > errors[worst] || Double.isNaN(errors[i]) ? i : worst;
    }
    double expected = 0.5 * result[worst] + 0.25 * old[worst];
    assertEquals(expected, actual[worst], tolerance * (1 + Math.abs(expected)), "element " + worst);
  }

  @Test
  void betaZeroNeverReadsTheOldOutput() {
    var tensor = cudnn.tensor(FLOAT, 1, 4);
    var y = cudnn.upload(FLOAT, Double.NaN, Double.NaN, Double.NaN, Double.NaN);
    succeed(forward(tensor, cudnn.upload(FLOAT, 1, 1, 1, 1), tensor, y));
    for (double value : cudnn.read(y, FLOAT, 4)) {
      assertEquals(0.25, value, 1e-7);
    }
  }

  @Test
  void theAccurateAlgorithmStandsLargeInputs() {
    var tensor = cudnn.tensor(FLOAT, 1, 3);
    var y = cudnn.allocate(12);
    succeed(forward(tensor, cudnn.upload(FLOAT, 1000, 1000, -1000), tensor, y));
    double[] values = cudnn.read(y, FLOAT, 3);
    assertEquals(0.5, values[0], 1e-7);
    assertEquals(0.5, values[1], 1e-7);
    assertEquals(0, values[2]);
  }

  @Test
  void stridesAreFollowedAndGapsAreLeftAlone() {
    var x = cudnn.tensor(FLOAT, new int[] {2, 2}, new int[] {1, 2});
    var y = cudnn.tensor(FLOAT, new int[] {2, 2}, new int[] {5, 2});
    double ln3 = Math.log(3);
    var from = cudnn.upload(FLOAT, 0, ln3, ln3, 0);
    var to = cudnn.upload(FLOAT, -1, -1, -1, -1, -1, -1, -1, -1);
    succeed(forward(x, from, y, to));
    double[] values = cudnn.read(to, FLOAT, 8);
    double[] expected = {0.25, -1, 0.75, -1, -1, 0.75, -1, 0.25};
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], values[i], 1e-6, "element " + i);
    }
  }

  private int forward(MemorySegment xDesc, MemorySegment x, MemorySegment yDesc, MemorySegment y) {
    return Cudnn.cudnnSoftmaxForward(
        cudnn.handle,
        Cudnn.CUDNN_SOFTMAX_ACCURATE(),
        Cudnn.CUDNN_SOFTMAX_MODE_CHANNEL(),
        cudnn.scalar(FLOAT, 1),
        xDesc,
        x,
        cudnn.scalar(FLOAT, 0),
        yDesc,
        y);
  }

  @Test
  void badArgumentsAreRefused() {
    var tensor = cudnn.tensor(FLOAT, 2, 4);
    var other = cudnn.tensor(FLOAT, 2, 5);
    var memory = cudnn.allocate(40);
    assertCategory(BAD, forward(tensor, memory, other, memory));
    assertCategory(BAD, forward(tensor, MemorySegment.NULL, tensor, memory));
    assertCategory(BAD, forward(tensor, memory, tensor, MemorySegment.NULL));
    assertCategory(BAD, forward(MemorySegment.NULL, memory, tensor, memory));
    if (RawCudnn.onHost()) {
      var large = cudnn.tensor(FLOAT, 2, 500);
      assertCategory(BAD, forward(large, memory, large, memory));
      assertTrue(RawCudnn.lastError().startsWith("x: the 4000 bytes at"));
    }
  }
}
