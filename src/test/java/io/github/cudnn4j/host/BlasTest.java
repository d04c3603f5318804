package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.testing.Segments;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.function.IntUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The subset of cuBLAS against plain loops in double precision. */
class BlasTest extends HostDeviceTest {
  private static final int PLAIN = Cublas.CUBLAS_OP_N();
  private static final int TRANSPOSED = Cublas.CUBLAS_OP_T();
  private static final int INVALID = Cublas.CUBLAS_STATUS_INVALID_VALUE();
  private static final int FAILED = Cublas.CUBLAS_STATUS_EXECUTION_FAILED();

  private final Random random = new Random(7);
  private MemorySegment blas;

  @BeforeEach
  void createHandle() {
    blas = made(Cublas::cublasCreate_v2);
  }

  @AfterEach
  void destroyHandle() {
    if (blas != null) {
      ok(Cublas.cublasDestroy_v2(blas));
      assertEquals(Cublas.CUBLAS_STATUS_NOT_INITIALIZED(), Cublas.cublasDestroy_v2(blas));
    }
  }

  private double[] randoms(int count) {
    return random.doubles(count, -1, 1).toArray();
  }

  private static float[] toFloats(double[] values) {
    var floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }

  private static double element(double[] a, int op, int leading, int row, int column) {
    return op == PLAIN ? a[column * leading + row] : a[row * leading + column];
  }

  private static double[] product(
      int opA,
      int opB,
      int m,
      int n,
      int k,
      double[] a,
      int lda,
      double[] b,
      int ldb,
      double[] c,
      int ldc,
      double alpha,
      double beta) {
    var result = c.clone();
    for (int column = 0; column < n; column++) {
      for (int row = 0; row < m; row++) {
        double sum = 0;
        for (int i = 0; i < k; i++) {
          sum += element(a, opA, lda, row, i) * element(b, opB, ldb, i, column);
        }
        int at = column * ldc + row;
        result[at] = alpha * sum + (beta == 0 ? 0 : beta * c[at]);
      }
    }
    return result;
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1, 1",
    "3, 5, 7",
    "17, 33, 9",
    "64, 64, 64",
    "130, 70, 257",
    "2, 300, 40",
    "5, 4, 0"
  })
  void productsOfAllTransposes(int m, int n, int k) {
    for (int opA : new int[] {PLAIN, TRANSPOSED}) {
      for (int opB : new int[] {PLAIN, TRANSPOSED}) {
        // A gap of two between columns shows whether leading dimensions are kept.
        int lda = Math.max(1, opA == PLAIN ? m : k) + 2;
        int ldb = Math.max(1, opB == PLAIN ? k : n) + 2;
        int ldc = m + 2;
        var a = randoms(lda * Math.max(1, opA == PLAIN ? k : m));
        var b = randoms(ldb * Math.max(1, opB == PLAIN ? n : k));
        var c = randoms(ldc * n);
        var expected = product(opA, opB, m, n, k, a, lda, b, ldb, c, ldc, 1.5, -0.5);
        var a64 = device(a);
        var b64 = device(b);
        var c64 = device(c);
        ok(
            Cublas.cublasDgemm_v2(
                blas,
                opA,
                opB,
                m,
                n,
                k,
                doubles(1.5),
                a64,
                lda,
                b64,
                ldb,
                doubles(-0.5),
                c64,
                ldc));
        Closeness.within(1e-13 * (k + 1))
            .check("C in double", expected, readDoubles(c64, c.length));
        var a32 = device(toFloats(a));
        var b32 = device(toFloats(b));
        var c32 = device(toFloats(c));
        ok(
            Cublas.cublasSgemm_v2(
                blas,
                opA,
                opB,
                m,
                n,
                k,
                floats(1.5f),
                a32,
                lda,
                b32,
                ldb,
                floats(-0.5f),
                c32,
                ldc));
        Closeness.within(1e-6 * (k + 1)).check("C in single", expected, read(c32, c.length));
        free(a64, b64, c64, a32, b32, c32);
      }
    }
  }

  @Test
  void betaZeroDoesNotReadTheResult() {
    var a = device(randoms(16));
    var c = device(16 * 8);
    ok(
        Cublas.cublasDgemm_v2(
            blas, PLAIN, PLAIN, 4, 4, 4, doubles(1), a, 4, a, 4, doubles(0), c, 4));
    for (double value : readDoubles(c, 16)) {
      assertTrue(Double.isFinite(value));
    }
    free(a, c);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 9})
  void batchesAreProductsOneByOne(int batch) {
    int m = 6;
    int n = 5;
    int k = 4;
    var a = randoms(m * k * batch);
    var b = randoms(k * n);
    var expected = new double[m * n * batch];
    for (int i = 0; i < batch; i++) {
      var part = java.util.Arrays.copyOfRange(a, i * m * k, (i + 1) * m * k);
      var c = product(PLAIN, PLAIN, m, n, k, part, m, b, k, new double[m * n], m, 2, 0);
      System.arraycopy(c, 0, expected, i * m * n, m * n);
    }
    var deviceA = device(a);
    var deviceB = device(b);
    var deviceC = device(expected.length * 8L);
    ok(
        Cublas.cublasDgemmStridedBatched(
            blas,
            PLAIN,
            PLAIN,
            m,
            n,
            k,
            doubles(2),
            deviceA,
            m,
            m * k,
            deviceB,
            k,
            0,
            doubles(0),
            deviceC,
            m,
            m * n,
            batch));
    Closeness.within(1e-14).check("batch", expected, readDoubles(deviceC, expected.length));
    int type = Cublas.CUDA_R_64F();
    ok(
        Cublas.cublasGemmStridedBatchedEx(
            blas,
            PLAIN,
            PLAIN,
            m,
            n,
            k,
            doubles(2),
            deviceA,
            type,
            m,
            m * k,
            deviceB,
            type,
            k,
            0,
            doubles(1),
            deviceC,
            type,
            m,
            m * n,
            batch,
            Cublas.CUBLAS_COMPUTE_64F(),
            -1));
    for (int i = 0; i < expected.length; i++) {
      expected[i] *= 2;
    }
    Closeness.within(1e-14).check("sum", expected, readDoubles(deviceC, expected.length));
    free(deviceA, deviceB, deviceC);
  }

  @ParameterizedTest
  @CsvSource({"7, 5, 1, 1", "300, 200, 2, 3", "64, 1000, -1, -2"})
  void matrixTimesVector(int m, int n, int incx, int incy) {
    for (int op : new int[] {PLAIN, TRANSPOSED}) {
      int from = op == PLAIN ? n : m;
      int to = op == PLAIN ? m : n;
      var a = randoms((m + 1) * n);
      var x = randoms((from - 1) * Math.abs(incx) + 1);
      var y = randoms((to - 1) * Math.abs(incy) + 1);
      var expected = y.clone();
      for (int i = 0; i < to; i++) {
        double sum = 0;
        for (int j = 0; j < from; j++) {
          sum += element(a, op, m + 1, i, j) * x[index(j, from, incx)];
        }
        expected[index(i, to, incy)] = 2 * sum + 0.5 * y[index(i, to, incy)];
      }
      var deviceA = device(a);
      var deviceX = device(x);
      var deviceY = device(y);
      ok(
          Cublas.cublasDgemv_v2(
              blas,
              op,
              m,
              n,
              doubles(2),
              deviceA,
              m + 1,
              deviceX,
              incx,
              doubles(0.5),
              deviceY,
              incy));
      Closeness.within(1e-13).check("y", expected, readDoubles(deviceY, y.length));
      free(deviceA, deviceX, deviceY);
    }
  }

  private static int index(int i, int count, int increment) {
    return increment > 0 ? i * increment : (i - count + 1) * increment;
  }

  @Test
  void sumsOfMatrices() {
    int m = 50;
    int n = 30;
    var a = randoms(m * n);
    var b = randoms(m * n);
    var expected = new double[m * n];
    for (int column = 0; column < n; column++) {
      for (int row = 0; row < m; row++) {
        expected[column * m + row] = 2 * a[row * n + column] - b[column * m + row];
      }
    }
    var deviceA = device(a);
    var deviceB = device(b);
    ok(
        Cublas.cublasDgeam(
            blas,
            TRANSPOSED,
            PLAIN,
            m,
            n,
            doubles(2),
            deviceA,
            n,
            doubles(-1),
            deviceB,
            m,
            deviceB,
            m));
    assertArrayEquals(expected, readDoubles(deviceB, m * n));
    assertEquals(
        INVALID,
        Cublas.cublasDgeam(
            blas,
            TRANSPOSED,
            PLAIN,
            m,
            n,
            doubles(2),
            deviceA,
            n,
            doubles(0),
            deviceB,
            m,
            deviceA,
            m));
    free(deviceA, deviceB);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "1000, 1", "100003, 1", "50000, 2"})
  void reductionsToHostMemory(int count, int increment) {
    int length = (count - 1) * increment + 1;
    var x = randoms(length);
    var y = randoms(length);
    double squares = 0;
    double magnitudes = 0;
    double products = 0;
    for (int i = 0; i < length; i += increment) {
      squares += x[i] * x[i];
      magnitudes += Math.abs(x[i]);
      products += x[i] * y[i];
    }
    var deviceX = device(x);
    var deviceY = device(y);
    var result = doubles(0);
    ok(Cublas.cublasDnrm2_v2(blas, count, deviceX, increment, result));
    Closeness.within(1e-13).check("norm", new double[] {Math.sqrt(squares)}, doublesOf(result));
    ok(Cublas.cublasDasum_v2(blas, count, deviceX, increment, result));
    Closeness.within(1e-13)
        .check("sum of magnitudes", new double[] {magnitudes}, doublesOf(result));
    ok(Cublas.cublasDdot_v2(blas, count, deviceX, increment, deviceY, increment, result));
    assertEquals(products, result.get(ValueLayout.JAVA_DOUBLE, 0), 1e-11 * count);
    var floatX = device(toFloats(x));
    var single = floats(0);
    ok(Cublas.cublasSnrm2_v2(blas, count, floatX, increment, single));
    double norm = Math.sqrt(squares);
    assertEquals(norm, single.get(ValueLayout.JAVA_FLOAT, 0), 1e-6 * norm);
    free(deviceX, deviceY, floatX);
  }

  private static double[] doublesOf(MemorySegment segment) {
    return Segments.doubles(segment);
  }

  @Test
  void normsNeitherOverflowNorVanish() {
    var result = doubles(0);
    for (double scale : new double[] {1e-300, 1e-160, 1, 1e160, 1e300}) {
      var x = device(3 * scale, 0, -4 * scale);
      ok(Cublas.cublasDnrm2_v2(blas, 3, x, 1, result));
      Closeness.within(1e-14)
          .check("norm of extremes", new double[] {5}, new double[] {doublesOf(result)[0] / scale});
      free(x);
    }
    var single = floats(0);
    for (float scale : new float[] {1e-30f, 1e30f}) {
      var x = device(3 * scale, 4 * scale);
      ok(Cublas.cublasSnrm2_v2(blas, 2, x, 1, single));
      assertEquals(5 * scale, single.get(ValueLayout.JAVA_FLOAT, 0), 1e-6 * scale);
      free(x);
    }
    var odd = device(1, Double.NaN, Double.POSITIVE_INFINITY);
    ok(Cublas.cublasDnrm2_v2(blas, 3, odd, 1, result));
    assertTrue(Double.isNaN(doublesOf(result)[0]));
    ok(Cublas.cublasDnrm2_v2(blas, 1, odd, 2, result));
    ok(Cublas.cublasDnrm2_v2(blas, 2, odd, 2, result));
    assertEquals(Double.POSITIVE_INFINITY, doublesOf(result)[0]);
    ok(Cublas.cublasDnrm2_v2(blas, 0, odd, 1, result));
    assertEquals(0, doublesOf(result)[0]);
    free(odd);
  }

  @Test
  void theNumberOfThreadsDoesNotChangeTheBits() {
    int count = 200_000;
    var x = device(toFloats(randoms(count)));
    var y = device(toFloats(randoms(count)));
    float expectedNorm = 0;
    float[] expectedSum = null;
    for (int threads : new int[] {1, 2, 5}) {
      host.threads(threads);
      var norm = floats(0);
      ok(Cublas.cublasSnrm2_v2(blas, count, x, 1, norm));
      var sum = device(count * 4L);
      ok(Cudart.cudaMemcpy(sum, y, count * 4L, Cudart.cudaMemcpyDeviceToDevice()));
      ok(Cublas.cublasSaxpy_v2(blas, count, floats(0.3f), x, 1, sum, 1));
      ok(Cublas.cublasSscal_v2(blas, count, floats(1.7f), sum, 1));
      if (expectedSum == null) {
        expectedNorm = norm.get(ValueLayout.JAVA_FLOAT, 0);
        expectedSum = read(sum, count);
      }
      assertEquals(expectedNorm, norm.get(ValueLayout.JAVA_FLOAT, 0));
      assertArrayEquals(expectedSum, read(sum, count));
      free(sum);
    }
    free(x, y);
  }

  @Test
  void deviceScalarsAreReadAndWrittenWhenTheTaskRuns() {
    ok(Cublas.cublasSetPointerMode_v2(blas, Cublas.CUBLAS_POINTER_MODE_DEVICE()));
    var x = device(3f, 4f);
    var norm = device(4);
    ok(Cublas.cublasSnrm2_v2(blas, 2, x, 1, norm));
    ok(Cublas.cublasSscal_v2(blas, 2, norm, x, 1));
    assertArrayEquals(new float[] {15, 20}, read(x, 2));
    assertEquals(5, read(norm, 1)[0]);
    assertEquals(INVALID, Cublas.cublasSscal_v2(blas, 2, floats(1), x, 1));
    ok(Cublas.cublasSetPointerMode_v2(blas, Cublas.CUBLAS_POINTER_MODE_HOST()));
    assertEquals(INVALID, Cublas.cublasSscal_v2(blas, 2, norm, x, 1));
    free(x, norm);
  }

  @Test
  void vectorsWithGaps() {
    var x = device(1f, 9f, 2f, 9f, 3f);
    var y = device(10f, 20f, 30f);
    ok(Cublas.cublasSaxpy_v2(blas, 3, floats(2), x, 2, y, -1));
    assertArrayEquals(new float[] {16, 24, 32}, read(y, 3));
    ok(Cublas.cublasSscal_v2(blas, 3, floats(-1), x, 2));
    assertArrayEquals(new float[] {-1, 9, -2, 9, -3}, read(x, 5));
    free(x, y);
  }

  @Test
  void badArgumentsAreRefused() {
    var a = device(randoms(16));
    var one = doubles(1);
    IntUnaryOperator leading =
        lda -> Cublas.cublasDgemm_v2(blas, PLAIN, PLAIN, 4, 4, 4, one, a, lda, a, 4, one, a, 4);
    assertEquals(INVALID, leading.applyAsInt(3));
    assertEquals(FAILED, leading.applyAsInt(5));
    IntUnaryOperator rows =
        m -> Cublas.cublasDgemm_v2(blas, PLAIN, PLAIN, m, 4, 4, one, a, 4, a, 4, one, a, 4);
    assertEquals(INVALID, rows.applyAsInt(-1));
    ok(rows.applyAsInt(0));
    assertEquals(INVALID, Cublas.cublasDgemv_v2(blas, 7, 4, 4, one, a, 4, a, 1, one, a, 1));
    assertEquals(INVALID, Cublas.cublasDgemv_v2(blas, PLAIN, 4, 4, one, a, 4, a, 0, one, a, 1));
    assertEquals(INVALID, Cublas.cublasDnrm2_v2(blas, 4, NULL, 1, one));
    assertEquals(INVALID, Cublas.cublasDnrm2_v2(blas, 4, a, 1, NULL));
    assertEquals(FAILED, Cublas.cublasDnrm2_v2(blas, 17, a, 1, one));
    assertEquals(FAILED, Cublas.cublasDnrm2_v2(blas, 1, arena.allocate(8), 1, one));
    assertEquals(Cublas.CUBLAS_STATUS_NOT_INITIALIZED(), Cublas.cublasDnrm2_v2(NULL, 4, a, 1, one));
    free(a);
  }
}
