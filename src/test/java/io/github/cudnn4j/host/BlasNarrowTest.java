package io.github.cudnn4j.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.testing.Closeness;
import io.github.cudnn4j.testing.InOneMode;
import io.github.cudnn4j.testing.JavaProcess;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** cuBLAS with numbers of 16 bits against plain loops in double that get the same numbers. */
class BlasNarrowTest {
  private static final int FLOAT = Cudnn.CUDNN_DATA_FLOAT();
  private static final int HALF = Cudnn.CUDNN_DATA_HALF();
  private static final int BFLOAT16 = Cudnn.CUDNN_DATA_BFLOAT16();
  private static final int PLAIN = Cublas.CUBLAS_OP_N();
  private static final int TRANSPOSED = Cublas.CUBLAS_OP_T();
  private static final int SUCCESS = Cublas.CUBLAS_STATUS_SUCCESS();
  private static final int UNSUPPORTED = Cublas.CUBLAS_STATUS_NOT_SUPPORTED();

  /** The types of A and B, of C, of alpha and beta, and what they are computed in. */
  enum Types {
    HALF_TO_HALF(HALF, HALF, FLOAT, Cublas.CUBLAS_COMPUTE_32F()),
    HALF_TO_FLOAT(HALF, FLOAT, FLOAT, Cublas.CUBLAS_COMPUTE_32F()),
    BFLOAT16_TO_BFLOAT16(BFLOAT16, BFLOAT16, FLOAT, Cublas.CUBLAS_COMPUTE_32F()),
    BFLOAT16_TO_FLOAT(BFLOAT16, FLOAT, FLOAT, Cublas.CUBLAS_COMPUTE_32F()),
    HALF_IN_HALF(HALF, HALF, HALF, Cublas.CUBLAS_COMPUTE_16F());

    private final int in;
    private final int out;
    private final int factor;
    private final int compute;

    Types(int in, int out, int factor, int compute) {
      this.in = in;
      this.out = out;
      this.factor = factor;
      this.compute = compute;
    }

    /** Rounding of the result, and of sums in the order of the largest that the test has. */
    Closeness closeness(int k) {
      double result = out == FLOAT ? 0 : out == HALF ? 0x1p-11 : 0x1p-8;
      double sums = !RawCudnn.onHost() && factor == HALF ? 0x1p-11 : 1e-7;
      return new Closeness(sums * (k + 1), 1.01 * result + sums);
    }
  }

  private final Random random = new Random(7);
  private RawCudnn memory;
  private MemorySegment blas;

  @BeforeEach
  void open() {
    memory = new RawCudnn();
    blas = memory.create(Cublas::cublasCreate_v2, Cublas::cublasDestroy_v2);
  }

  @AfterEach
  void close() {
    memory.close();
  }

  private static int cuda(int type) {
    if (type == FLOAT) {
      return Cublas.CUDA_R_32F();
    }
    return type == HALF ? Cublas.CUDA_R_16F() : Cublas.CUDA_R_16BF();
  }

  /** Random numbers that a type holds. */
  private double[] randoms(int type, int count) {
    return random.doubles(count, -1, 1).map(v -> RawCudnn.rounded(type, v)).toArray();
  }

  /** Matrices of a batch: leading dimension, elements from one to the next, and all numbers. */
  private record Matrices(int leading, int stride, double[] values) {
    double get(int batch, int row, int column) {
      return values[batch * stride + column * leading + row];
    }
  }

  /** With a gap of two between columns and of three between matrices, which show overruns. */
  private Matrices matrices(int type, int rows, int columns, int batch) {
    int leading = Math.max(1, rows) + 2;
    int stride = leading * columns + 3;
    return new Matrices(leading, stride, randoms(type, stride * batch));
  }

  private void check(Types types, int m, int n, int k, int batch, double alpha, double beta) {
    for (int opA : new int[] {PLAIN, TRANSPOSED}) {
      for (int opB : new int[] {PLAIN, TRANSPOSED}) {
        var a = matrices(types.in, opA == PLAIN ? m : k, opA == PLAIN ? k : m, batch);
        var b = matrices(types.in, opB == PLAIN ? k : n, opB == PLAIN ? n : k, batch);
        var c = matrices(types.out, m, n, batch);
        var expected = c.values.clone();
        for (int i = 0; i < batch; i++) {
          for (int column = 0; column < n; column++) {
            for (int row = 0; row < m; row++) {
              double sum = 0;
              for (int p = 0; p < k; p++) {
                sum +=
                    (opA == PLAIN ? a.get(i, row, p) : a.get(i, p, row))
                        * (opB == PLAIN ? b.get(i, p, column) : b.get(i, column, p));
              }
              expected[i * c.stride + column * c.leading + row] =
                  alpha * sum + (beta == 0 ? 0 : beta * c.get(i, row, column));
            }
          }
        }
        if (beta == 0) {
          // What C holds is not read.
          for (int i = 0; i < c.values.length; i++) {
            int at = i % c.stride;
            if (at < c.leading * n && at % c.leading < m) {
              c.values[i] = Double.NaN;
            }
          }
        }
        try (var scope = new RawCudnn()) {
          var result = scope.upload(types.out, c.values);
          assertEquals(
              SUCCESS,
              Cublas.cublasGemmStridedBatchedEx(
                  blas,
                  opA,
                  opB,
                  m,
                  n,
                  k,
                  scope.scalar(types.factor, alpha),
                  scope.upload(types.in, a.values),
                  cuda(types.in),
                  a.leading,
                  a.stride,
                  scope.upload(types.in, b.values),
                  cuda(types.in),
                  b.leading,
                  b.stride,
                  scope.scalar(types.factor, beta),
                  result,
                  cuda(types.out),
                  c.leading,
                  c.stride,
                  batch,
                  types.compute,
                  Cublas.CUBLAS_GEMM_DEFAULT()));
          types
              .closeness(k)
              .check(
                  types + " " + m + " " + n + " " + k + " " + opA + " " + opB,
                  expected,
                  scope.read(result, types.out, expected.length));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void productsOfAllTransposes(Types types) {
    check(types, 1, 1, 1, 1, 1.5, -0.5);
    check(types, 17, 33, 9, 1, 1.5, -0.5);
    check(types, 64, 64, 64, 1, 1, 0);
    check(types, 5, 4, 0, 1, 1, 0.5);
    // Deeper, higher and wider than what is multiplied at a time.
    check(types, 9, 130, 1100, 1, 1, 0);
    check(types, 9, 130, 1100, 1, 0.5, 0.25);
    check(types, 130, 9, 1100, 1, 1, 0);
    check(types, 2100, 3, 7, 1, 1, 1);
  }

  @ParameterizedTest
  @EnumSource
  void batches(Types types) {
    check(types, 6, 5, 4, 3, 2, 0);
    check(types, 6, 5, 4, 9, 2, 0.5);
    check(types, 33, 40, 70, 9, 1, 0);
  }

  @Test
  void combinationsOfTypesThatCublasLacksAreRefused() {
    var buffer = memory.allocate(64);
    var one = memory.scalar(FLOAT, 1);
    int[] types = {FLOAT, HALF, BFLOAT16};
    int[] computations = {
      Cublas.CUBLAS_COMPUTE_32F(),
      Cublas.CUBLAS_COMPUTE_16F(),
      Cublas.CUBLAS_COMPUTE_32F_FAST_16F(),
      Cublas.CUBLAS_COMPUTE_32F_FAST_TF32(),
      Cublas.CUBLAS_COMPUTE_64F()
    };
    for (int a : types) {
      for (int b : types) {
        for (int c : types) {
          for (int compute : computations) {
            boolean full = compute == computations[0];
            boolean fast = compute == computations[2] || compute == computations[3];
            boolean supported =
                a == b
                    && (full && (c == a || c == FLOAT)
                        || fast && a == FLOAT && c == FLOAT
                        || compute == computations[1] && a == HALF && c == HALF);
            int status =
                Cublas.cublasGemmEx(
                    blas,
                    PLAIN,
                    PLAIN,
                    1,
                    1,
                    1,
                    one,
                    buffer,
                    cuda(a),
                    1,
                    buffer,
                    cuda(b),
                    1,
                    one,
                    buffer,
                    cuda(c),
                    1,
                    compute,
                    Cublas.CUBLAS_GEMM_DEFAULT());
            assertEquals(
                supported ? SUCCESS : UNSUPPORTED, status, a + " " + b + " " + c + " " + compute);
          }
        }
      }
    }
  }

  @Test
  void norms() {
    for (int type : new int[] {HALF, BFLOAT16}) {
      var x = randoms(type, 50_000);
      double norm = Math.sqrt(Arrays.stream(x).map(v -> v * v).sum());
      var result = memory.scalar(type, 0);
      assertEquals(
          SUCCESS,
          Cublas.cublasNrm2Ex(
              blas,
              x.length,
              memory.upload(type, x),
              cuda(type),
              1,
              result,
              cuda(type),
              Cublas.CUDA_R_32F()));
      assertEquals(RawCudnn.rounded(type, norm), RawCudnn.get(result, type, 0));
      assertEquals(
          UNSUPPORTED,
          Cublas.cublasNrm2Ex(
              blas, 1, memory.upload(type, x), cuda(type), 1, result, cuda(type), cuda(type)));
    }
  }

  @InOneMode
  @ParameterizedTest
  @ValueSource(strings = {"v2", "v3", "v4"})
  void everyInstructionSetConvertsEveryNumber(String set) throws Exception {
    assumeTrue(RawCudnn.onHost(), "only the host device has a choice of instructions");
    var process =
        JavaProcess.run(
            Conversions.class, JavaProcess.sameProperties(), Map.of("CUDNN4J_ISA", set));
    assertEquals(0, process.status(), process.errors());
  }

  /** Multiplies every number of 16 bits by some others and compares with Java's rounding. */
  static final class Conversions {
    private static final int COUNT = 1 << 16;

    /** The second makes ties of numbers with an odd last place, the others subnormal ones. */
    private static final float[] FACTORS = {
      1, 1 + 0x1p-11f, 1 + 0x1p-8f, 0x1.8p-9f, 0x1.1p-120f, 3
    };

    public static void main(String[] arguments) {
      try (var cudnn = new RawCudnn()) {
        var blas = cudnn.create(Cublas::cublasCreate_v2, Cublas::cublasDestroy_v2);
        for (int type : new int[] {HALF, BFLOAT16}) {
          var all = new double[COUNT];
          Arrays.setAll(all, i -> RawCudnn.widen(type, (short) i));
          var a = cudnn.upload(type, all);
          var one = cudnn.upload(type, 1);
          for (float factor : FACTORS) {
            for (int out : new int[] {type, FLOAT}) {
              var c = cudnn.allocate(RawCudnn.bytes(out, COUNT));
              int status =
                  Cublas.cublasGemmEx(
                      blas,
                      PLAIN,
                      PLAIN,
                      COUNT,
                      1,
                      1,
                      cudnn.scalar(FLOAT, factor),
                      a,
                      cuda(type),
                      COUNT,
                      one,
                      cuda(type),
                      1,
                      cudnn.scalar(FLOAT, 0),
                      c,
                      cuda(out),
                      COUNT,
                      Cublas.CUBLAS_COMPUTE_32F(),
                      Cublas.CUBLAS_GEMM_DEFAULT());
              assertEquals(SUCCESS, status);
              var expected = new double[COUNT];
              Arrays.setAll(expected, i -> RawCudnn.rounded(out, (float) all[i] * (double) factor));
              // The sum that begins with 0 may end with either zero; all else is exact.
              new Closeness(Double.MIN_VALUE, 0)
                  .check(type + " times " + factor, expected, cudnn.read(c, out, COUNT));
            }
          }
        }
      }
    }
  }
}
