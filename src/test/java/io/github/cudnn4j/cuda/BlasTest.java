package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.BFLOAT16;
import static io.github.cudnn4j.cuda.ElementType.FLOAT16;
import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static io.github.cudnn4j.cuda.ElementType.FLOAT64;
import static io.github.cudnn4j.cuda.ElementType.INT32;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Linear algebra against plain loops in double precision. */
class BlasTest {
  private final Random random = new Random(3);
  private Device device;

  @BeforeEach
  void open() {
    device = Device.open();
  }

  @AfterEach
  void close() {
    device.close();
  }

  /** Random numbers that every type holds exactly. */
  private double[] numbers(int count) {
    return random.ints(count, -64, 65).mapToDouble(i -> i / 32.0).toArray();
  }

  private DeviceBuffer upload(ElementType type, double[] values) {
    var buffer = DeviceBuffer.allocate(device, type, values.length);
    if (type == FLOAT64) {
      buffer.copyFrom(values);
    } else {
      var floats = new float[values.length];
      for (var i = 0; i < floats.length; i++) {
        floats[i] = (float) values[i];
      }
      buffer.copyFrom(floats);
    }
    return buffer;
  }

  private static double[] download(DeviceBuffer buffer) {
    if (buffer.type() == FLOAT64) {
      return buffer.toDoubles();
    }
    var floats = buffer.toFloats();
    var values = new double[floats.length];
    for (var i = 0; i < floats.length; i++) {
      values[i] = floats[i];
    }
    return values;
  }

  private static void check(String what, double[] expected, DeviceBuffer actual) {
    Closeness.within(
            switch (actual.type()) {
              case FLOAT64 -> 1e-13;
              case FLOAT32 -> 1e-5;
              case FLOAT16 -> 1e-3;
              default -> 8e-3;
            })
        .check(what, expected, download(actual));
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void gemmIsTheProductOfRowMajorMatrices(ElementType type) {
    checkGemm(type, type);
  }

  @Test
  void numbersOfFewBitsSurviveTensorCores() {
    device.blas().precision(Precision.TF32);
    checkGemm(FLOAT32, FLOAT32);
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT16", "BFLOAT16"})
  void productsOfHalfTypesCanStayInSingle(ElementType type) {
    checkGemm(type, FLOAT32);
    device.blas().precision(Precision.FP16_MATH);
    checkGemm(type, FLOAT32);
  }

  @Test
  void sumsAreInFloat32UnlessFloat16IsAskedFor() {
    // 1 is half of the distance between two numbers of FLOAT16 at 2048, so every sum there is even.
    var k = 3001;
    var ones = new double[k];
    Arrays.fill(ones, 1);
    try (var x = upload(FLOAT16, ones);
        var result = DeviceBuffer.allocate(device, FLOAT16, 1);
        var single = DeviceBuffer.allocate(device, FLOAT32, 1)) {
      device.blas().gemm(false, false, 1, 1, k, 1, x, x, 0, result);
      assertEquals(3000, result.toFloats()[0]);
      device.blas().gemm(false, false, 1, 1, k, 1, x, x, 0, single);
      assertEquals(3001, single.toFloats()[0]);
      device.blas().precision(Precision.FP16_MATH);
      device.blas().gemm(false, false, 1, 1, k, 0.5, x, x, 0, result);
      // How often a sum is rounded depends on the order of the terms.
      assertEquals(1500, result.toFloats()[0], 500);
    }
  }

  private void checkGemm(ElementType type, ElementType resultType) {
    for (var flags = 0; flags < 4; flags++) {
      var transA = (flags & 1) != 0;
      var transB = (flags & 2) != 0;
      var m = 5 + flags;
      var n = 17;
      var k = 9;
      var lda = (transA ? m : k) + 1;
      var ldb = (transB ? k : n) + 2;
      var ldc = n + 3;
      var a = numbers((transA ? k : m) * lda);
      var b = numbers((transB ? n : k) * ldb);
      var c = numbers(m * ldc);
      var expected = c.clone();
      for (var i = 0; i < m; i++) {
        for (var j = 0; j < n; j++) {
          var sum = 0.0;
          for (var l = 0; l < k; l++) {
            sum += a[transA ? l * lda + i : i * lda + l] * b[transB ? j * ldb + l : l * ldb + j];
          }
          expected[i * ldc + j] = 1.5 * sum - 0.5 * c[i * ldc + j];
        }
      }
      try (var da = upload(type, a);
          var db = upload(type, b);
          var dc = upload(resultType, c)) {
        device.blas().gemm(transA, transB, m, n, k, 1.5, da, lda, db, ldb, -0.5, dc, ldc);
        check("gemm transA " + transA + " transB " + transB, expected, dc);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void productsOfManyMatricesAreTheProductsOfEach(ElementType type) {
    int count = 3;
    int m = 5;
    int n = 7;
    int k = 4;
    for (var flags = 0; flags < 4; flags++) {
      var transA = (flags & 1) != 0;
      var transB = (flags & 2) != 0;
      try (var a = upload(type, numbers(count * m * k));
          var b = upload(type, numbers(count * k * n));
          var c = upload(type, new double[count * m * n]);
          var each = upload(type, new double[count * m * n])) {
        var as = Matrices.dense(a, transA ? k : m, transA ? m : k);
        var bs = Matrices.dense(b, transB ? n : k, transB ? k : n);
        var cs = Matrices.dense(c, m, n);
        device.blas().gemmBatched(count, transA, transB, m, n, k, 1.5, as, bs, 0, cs);
        for (var i = 0; i < count; i++) {
          device
              .blas()
              .gemm(
                  transA,
                  transB,
                  m,
                  n,
                  k,
                  1.5,
                  a.slice(i * m * k, m * k),
                  b.slice(i * k * n, k * n),
                  0,
                  each.slice(i * m * n, m * n));
        }
        check("transA " + transA + " transB " + transB, download(each), c);
        refuses(
            "C has 105 elements, too few for [4, 5, 7]",
            () -> device.blas().gemmBatched(4, transA, transB, m, n, k, 1, as, bs, 0, cs));
        var wide = new Matrices(a, Integer.MAX_VALUE, m * k);
        refuses(
            "A has 60 elements, too few for " + List.of(count, transA ? k : m, transA ? m : k),
            () -> device.blas().gemmBatched(count, transA, transB, m, n, k, 1, wide, bs, 0, cs));
        var narrow = new Matrices(b, 2, k * n);
        refuses(
            "B has rows 2 and matrices 28 elements apart, must be at least "
                + ((transB ? k : n) + " and 0"),
            () -> device.blas().gemmBatched(count, transA, transB, m, n, k, 1, as, narrow, 0, cs));
      }
    }
  }

  /** A batch of sequences, time first: one matrix is every third row. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64", "FLOAT16", "BFLOAT16"})
  void productsOfInterleavedMatrices(ElementType type) {
    int count = 3;
    int m = 5;
    int n = 7;
    int k = 4;
    for (var flags = 0; flags < 4; flags++) {
      var transA = (flags & 1) != 0;
      var transB = (flags & 2) != 0;
      int columnsOfA = transA ? m : k;
      int columnsOfB = transB ? k : n;
      double[] before = numbers(count * m * n);
      try (var a = upload(type, numbers(count * m * k));
          var b = upload(type, numbers(count * k * n));
          var c = upload(type, before);
          var each = upload(type, before)) {
        device
            .blas()
            .gemmBatched(
                count,
                transA,
                transB,
                m,
                n,
                k,
                1.5,
                Matrices.interleaved(a, count, columnsOfA),
                Matrices.interleaved(b, count, columnsOfB),
                1,
                Matrices.interleaved(c, count, n));
        for (var i = 0; i < count; i++) {
          device
              .blas()
              .gemm(
                  transA,
                  transB,
                  m,
                  n,
                  k,
                  1.5,
                  a.slice(i * columnsOfA, a.elements() - i * columnsOfA),
                  count * columnsOfA,
                  b.slice(i * columnsOfB, b.elements() - i * columnsOfB),
                  count * columnsOfB,
                  1,
                  each.slice(i * n, each.elements() - i * n),
                  count * n);
        }
        check("transA " + transA + " transB " + transB, download(each), c);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void betaZeroReadsNothing(ElementType type) {
    try (var a = upload(type, new double[] {1, 2, 3, 4, 5, 6});
        var b = upload(type, new double[] {1, 0, 0, 1, 1, 1});
        var c = upload(type, new double[] {Double.NaN, Double.NaN, Double.NaN, Double.NaN})) {
      device.blas().gemm(false, false, 2, 2, 3, 1, a, b, 0, c);
      check("gemm", new double[] {4, 5, 10, 11}, c);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void gemvIsTheProductWithAVector(ElementType type) {
    var m = 7;
    var n = 4;
    var a = numbers(m * n);
    var x = numbers(n);
    var y = numbers(m);
    var straight = new double[m];
    var transposed = new double[n];
    for (var i = 0; i < m; i++) {
      for (var j = 0; j < n; j++) {
        straight[i] += 2 * a[i * n + j] * x[j];
        transposed[j] += 2 * a[i * n + j] * y[i];
      }
      straight[i] += y[i];
    }
    for (var j = 0; j < n; j++) {
      transposed[j] += x[j];
    }
    try (var da = upload(type, a);
        var dx = upload(type, x);
        var dy = upload(type, y)) {
      device.blas().gemv(false, m, n, 2, da, dx, 1, dy);
      check("gemv", straight, dy);
    }
    try (var da = upload(type, a);
        var dx = upload(type, x);
        var dy = upload(type, y)) {
      device.blas().gemv(true, m, n, 2, da, dy, 1, dx);
      check("gemv transposed", transposed, dx);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "FLOAT64"})
  void vectorsAreAddedScaledAndMeasured(ElementType type) {
    var n = 1001;
    var x = numbers(n);
    var y = numbers(n);
    var sum = new double[n];
    var dot = 0.0;
    var squares = 0.0;
    var absolute = 0.0;
    for (var i = 0; i < n; i++) {
      sum[i] = (y[i] + 0.25 * x[i]) * 3;
      dot += x[i] * y[i];
      squares += x[i] * x[i];
      absolute += Math.abs(x[i]);
    }
    try (var dx = upload(type, x);
        var dy = upload(type, y);
        var results = DeviceBuffer.allocate(device, type, 3)) {
      var blas = device.blas();
      blas.dot(dx, dy, results.slice(0, 1));
      blas.nrm2(dx, results.slice(1, 1));
      blas.asum(dx, results.slice(2, 1));
      blas.axpy(0.25, dx, dy);
      blas.scal(3, dy);
      check("dot, nrm2, asum", new double[] {dot, Math.sqrt(squares), absolute}, results);
      check("axpy, scal", sum, dy);
    }
  }

  @Test
  void worksOnAnotherStream() {
    try (var stream = Stream.create(device);
        var blas = Blas.create(stream);
        var x = upload(FLOAT32, new double[] {1, 2})) {
      blas.scal(2, x);
      stream.synchronize();
      check("scal", new double[] {2, 4}, x);
      assertEquals(Precision.FP32, blas.precision(FLOAT32));
      assertEquals(Precision.FP16, blas.precision(FLOAT16));
      blas.precision(Precision.TF32);
      blas.precision(Precision.FP16_MATH);
      blas.precision(Precision.BF16);
      blas.precision(Precision.FP64);
      assertEquals(Precision.TF32, blas.precision(FLOAT32));
      assertEquals(Precision.FP16_MATH, blas.precision(FLOAT16));
      assertEquals(Precision.BF16, blas.precision(BFLOAT16));
      assertEquals(Precision.FP64, blas.precision(FLOAT64));
    }
  }

  @Test
  void misfitsAreRefused() {
    var blas = device.blas();
    try (var six = DeviceBuffer.allocate(device, FLOAT32, 6);
        var four = DeviceBuffer.allocate(device, FLOAT32, 4);
        var wide = DeviceBuffer.allocate(device, FLOAT64, 6);
        var half = DeviceBuffer.allocate(device, FLOAT16, 6);
        var brain = DeviceBuffer.allocate(device, BFLOAT16, 4);
        var ints = DeviceBuffer.allocate(device, INT32, 6)) {
      refuses(
          "m = 0, must be from 1 to 2147483647",
          () -> blas.gemm(false, false, 0, 2, 3, 1, six, six, 0, four));
      refuses(
          "C has 4 elements, [3,2] needs 6",
          () -> blas.gemm(false, false, 3, 2, 2, 1, six, four, 0, four));
      refuses(
          "the C has type FLOAT32, must be FLOAT64",
          () -> blas.gemm(false, false, 2, 2, 3, 1, wide, six, 0, four));
      refuses(
          "the B has type FLOAT64, must be FLOAT32",
          () -> blas.gemm(false, false, 2, 2, 3, 1, six, wide, 0, four));
      refuses(
          "matrices of INT32 are not multiplied",
          () -> blas.gemm(false, false, 2, 2, 3, 1, ints, six, 0, six));
      refuses(
          "the C has type BFLOAT16, must be FLOAT16",
          () -> blas.gemm(false, false, 2, 2, 3, 1, half, half, 0, brain));
      refuses(
          "the C has type FLOAT64, must be FLOAT16",
          () -> blas.gemm(false, false, 2, 2, 3, 1, half, half, 0, wide));
      refuses(
          "y has type FLOAT16, must be FLOAT32 or FLOAT64",
          () -> blas.gemv(false, 1, 6, 1, half, half, 0, half.slice(0, 1)));
      refuses("x has type FLOAT16, must be FLOAT32 or FLOAT64", () -> blas.scal(2, half));
      refuses(
          "the leading dimension of B is 1, must be at least its columns, 2",
          () -> blas.gemm(false, false, 2, 2, 3, 1, six, 3, six, 1, 0, four, 2));
      refuses(
          "A has 6 elements, [2,2000000000] needs 4000000000",
          () -> blas.gemm(false, true, 2, 2, 2_000_000_000, 1, six, six, 0, four));
      refuses("the x has 4 elements, must be 6", () -> blas.axpy(1, four, six));
      refuses("the result has 4 elements, must be 1", () -> blas.nrm2(six, four));
    }
  }
}
