package io.github.cudnn4j.cuda;

import static io.github.cudnn4j.cuda.ElementType.BFLOAT16;
import static io.github.cudnn4j.cuda.ElementType.FLOAT16;
import static io.github.cudnn4j.cuda.ElementType.FLOAT32;
import static io.github.cudnn4j.cuda.ElementType.FLOAT64;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Linear algebra on device buffers, by cuBLAS: products of matrices of any floating-point type,
 * everything else of FLOAT32 or FLOAT64. Matrices are row-major.
 *
 * <p>Everything is queued on one stream and can be captured; results that are one number go to
 * device memory, so that nothing waits. All operands of a call have one type, unless it says
 * otherwise, and one device. The scalars {@code alpha} and {@code beta} are rounded to the type in
 * which is summed up.
 *
 * <p>Belongs to the device's thread. An owner; {@link Device#blas} is closed with its device.
 */
public final class Blas extends DeviceResource {
  // The sizes that cuBLAS recommends: section "cublasSetWorkspace" of its documentation.
  private static final long WORKSPACE_BYTES = 4L << 20;
  private static final long WORKSPACE_BYTES_HOPPER = 32L << 20;
  private static final int HOPPER = 90;

  private final Stream stream;
  private final MemorySegment handle;
  private final DeviceBuffer workspace;
  private final BlasOperands operands;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment alpha = arena.allocate(Double.BYTES, Double.BYTES);
  private final MemorySegment beta = arena.allocate(Double.BYTES, Double.BYTES);
  private Precision ofSingles = Precision.FP32;
  private Precision ofHalves = Precision.FP16;
  private boolean resultsOnDevice;

  private Blas(Stream stream, MemorySegment handle, DeviceBuffer workspace) {
    super(stream.device());
    this.stream = stream;
    this.handle = handle;
    this.workspace = workspace;
    operands = new BlasOperands(stream.device());
  }

  /**
   * Makes another one, for work on another stream.
   *
   * @throws IllegalStateException if the stream is closed or this thread captures
   * @throws CudaException if it cannot be made
   */
  public static Blas create(Stream stream) {
    var device = stream.device();
    var streamHandle = stream.handle();
    Recording.refuse("making a cuBLAS handle");
    var out = device.scratch();
    CudaException.checkCublas(Cublas.cublasCreate_v2(out), "cublasCreate_v2");
    var handle = MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
    var parts = new Parts();
    parts.add(() -> CudaException.checkCublas(Cublas.cublasDestroy_v2(handle), "cublasDestroy_v2"));
    try {
      CudaException.checkCublas(
          Cublas.cublasSetStream_v2(handle, streamHandle), "cublasSetStream_v2");
      // cuBLAS's own workspace is allocated at first use, which a capture does not allow. Setting
      // the stream forgets a workspace, hence the order.
      var bytes = device.computeCapability() >= HOPPER ? WORKSPACE_BYTES_HOPPER : WORKSPACE_BYTES;
      var workspace = parts.add(DeviceBuffer.allocate(device, ElementType.UINT8, bytes));
      CudaException.checkCublas(
          Cublas.cublasSetWorkspace_v2(handle, workspace.pointer(), workspace.bytes()),
          "cublasSetWorkspace_v2");
      // Otherwise sums of a product of half types may pass through the type of the result.
      CudaException.checkCublas(
          Cublas.cublasSetMathMode(
              handle,
              Cublas.CUBLAS_DEFAULT_MATH()
                  | Cublas.CUBLAS_MATH_DISALLOW_REDUCED_PRECISION_REDUCTION()),
          "cublasSetMathMode");
      return new Blas(stream, handle, workspace);
    } catch (RuntimeException failure) {
      throw parts.abandon(failure);
    }
  }

  /**
   * Returns how matrices of a type are multiplied.
   *
   * @throws IllegalArgumentException if matrices of this type are not multiplied
   */
  public Precision precision(ElementType type) {
    return switch (type) {
      case FLOAT32 -> ofSingles;
      case FLOAT16 -> ofHalves;
      case BFLOAT16 -> Precision.BF16;
      case FLOAT64 -> Precision.FP64;
      case INT32, INT64, UINT8 ->
          throw new IllegalArgumentException("matrices of " + type + " are not multiplied");
    };
  }

  /**
   * Sets how matrices of the precision's type are multiplied from now on. At first it is {@link
   * Precision#FP32} for FLOAT32 and {@link Precision#FP16} for FLOAT16; the other types have one
   * precision each.
   *
   * @throws IllegalStateException if this is closed
   */
  public void precision(Precision precision) {
    checkOpen();
    switch (precision) {
      case FP32, TF32 -> ofSingles = precision;
      case FP16, FP16_MATH -> ofHalves = precision;
      case BF16, FP64 -> {}
    }
  }

  /**
   * Computes {@code C[m,n] = alpha op(A) op(B) + beta C} of dense matrices, where {@code op(A)} is
   * {@code [m,k]} and {@code op(B)} is {@code [k,n]}.
   *
   * @param transA whether op(A) is the transpose of A, which then is {@code [k,m]}
   * @param transB whether op(B) is the transpose of B, which then is {@code [n,k]}
   * @param beta 0 if what C holds is not to be read
   * @param c of the type of A and B; FLOAT32 if they are FLOAT16 or BFLOAT16 and the product is not
   *     to be rounded, which is then summed up in FLOAT32
   * @throws IllegalArgumentException if an extent is below 1, or a buffer is too small or of
   *     another type or device
   * @throws IllegalStateException if this or a buffer is closed
   * @see <a href="https://docs.nvidia.com/cuda/cublas/">cublasGemmEx</a>
   */
  public void gemm(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      double alpha,
      DeviceBuffer a,
      DeviceBuffer b,
      double beta,
      DeviceBuffer c) {
    gemm(transA, transB, m, n, k, alpha, a, transA ? m : k, b, transB ? k : n, beta, c, n);
  }

  /**
   * As {@link #gemm(boolean, boolean, int, int, int, double, DeviceBuffer, DeviceBuffer, double,
   * DeviceBuffer)}, with rows that do not follow each other at once.
   *
   * @param lda elements from one row of A to the next, at least its columns; {@code ldb} and {@code
   *     ldc} likewise
   */
  public void gemm(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      double alpha,
      DeviceBuffer a,
      int lda,
      DeviceBuffer b,
      int ldb,
      double beta,
      DeviceBuffer c,
      int ldc) {
    var precision = product(m, n, k, a, b, c);
    operands.matrix(c, m, n, ldc, "C");
    operands.matrix(a, transA ? k : m, transA ? m : k, lda, "A");
    operands.matrix(b, transB ? n : k, transB ? k : n, ldb, "B");
    prepare(false);
    BlasTypes.scalar(this.alpha, precision, alpha);
    BlasTypes.scalar(this.beta, precision, beta);
    // A row-major matrix is its transpose to cuBLAS, and the transpose of AB is B'A'.
    CudaException.checkCublas(
        Cublas.cublasGemmEx(
            handle,
            operation(transB),
            operation(transA),
            n,
            m,
            k,
            this.alpha,
            b.pointer(),
            BlasTypes.data(b.type()),
            ldb,
            a.pointer(),
            BlasTypes.data(a.type()),
            lda,
            this.beta,
            c.target(),
            BlasTypes.data(c.type()),
            ldc,
            BlasTypes.compute(precision),
            Cublas.CUBLAS_GEMM_DEFAULT()),
        "cublasGemmEx");
  }

  /**
   * As {@link #gemm(boolean, boolean, int, int, int, double, DeviceBuffer, DeviceBuffer, double,
   * DeviceBuffer)}, of {@code count} products.
   *
   * @see <a href="https://docs.nvidia.com/cuda/cublas/">cublasGemmStridedBatchedEx</a>
   */
  public void gemmBatched(
      int count,
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      double alpha,
      Matrices a,
      Matrices b,
      double beta,
      Matrices c) {
    BlasOperands.extent(count, "count");
    var precision = product(m, n, k, a.buffer(), b.buffer(), c.buffer());
    c.check(device(), count, m, n, "C");
    a.check(device(), count, transA ? k : m, transA ? m : k, "A");
    b.check(device(), count, transB ? n : k, transB ? k : n, "B");
    prepare(false);
    BlasTypes.scalar(this.alpha, precision, alpha);
    BlasTypes.scalar(this.beta, precision, beta);
    CudaException.checkCublas(
        Cublas.cublasGemmStridedBatchedEx(
            handle,
            operation(transB),
            operation(transA),
            n,
            m,
            k,
            this.alpha,
            b.buffer().pointer(),
            BlasTypes.data(b.buffer().type()),
            b.leading(),
            b.stride(),
            a.buffer().pointer(),
            BlasTypes.data(a.buffer().type()),
            a.leading(),
            a.stride(),
            this.beta,
            c.buffer().target(),
            BlasTypes.data(c.buffer().type()),
            c.leading(),
            c.stride(),
            count,
            BlasTypes.compute(precision),
            Cublas.CUBLAS_GEMM_DEFAULT()),
        "cublasGemmStridedBatchedEx");
  }

  /**
   * Computes {@code y = alpha op(A) x + beta y} of a dense matrix.
   *
   * @param transA whether op(A) is the transpose of A
   * @param m rows of A
   * @param n columns of A
   * @param beta 0 if what y holds is not to be read
   * @throws IllegalArgumentException if an extent is below 1, or a buffer is too small or of
   *     another type or device
   * @throws IllegalStateException if this or a buffer is closed
   */
  public void gemv(
      boolean transA,
      int m,
      int n,
      double alpha,
      DeviceBuffer a,
      DeviceBuffer x,
      double beta,
      DeviceBuffer y) {
    BlasOperands.extent(m, "m");
    BlasOperands.extent(n, "n");
    var single = BlasOperands.isSingle(y, "y");
    Arguments.type(y.type(), a.type(), "A");
    Arguments.type(y.type(), x.type(), "x");
    operands.matrix(a, m, n, n, "A");
    operands.matrix(x, 1, transA ? m : n, transA ? m : n, "x");
    operands.matrix(y, 1, transA ? n : m, transA ? n : m, "y");
    prepare(false);
    BlasTypes.scalar(this.alpha, precision(y.type()), alpha);
    BlasTypes.scalar(this.beta, precision(y.type()), beta);
    var operation = operation(!transA);
    CudaException.checkCublas(
        single
            ? Cublas.cublasSgemv_v2(
                handle,
                operation,
                n,
                m,
                this.alpha,
                a.pointer(),
                n,
                x.pointer(),
                1,
                this.beta,
                y.target(),
                1)
            : Cublas.cublasDgemv_v2(
                handle,
                operation,
                n,
                m,
                this.alpha,
                a.pointer(),
                n,
                x.pointer(),
                1,
                this.beta,
                y.target(),
                1),
        single ? "cublasSgemv_v2" : "cublasDgemv_v2");
  }

  /**
   * Computes {@code y = alpha x + y}.
   *
   * @throws IllegalArgumentException if x and y differ in elements, type or device
   * @throws IllegalStateException if this or a buffer is closed
   */
  public void axpy(double alpha, DeviceBuffer x, DeviceBuffer y) {
    var single = BlasOperands.isSingle(y, "y");
    var n = operands.vector(y, y, "y");
    operands.vector(x, y, "x");
    prepare(false);
    BlasTypes.scalar(this.alpha, precision(y.type()), alpha);
    CudaException.checkCublas(
        single
            ? Cublas.cublasSaxpy_v2(handle, n, this.alpha, x.pointer(), 1, y.target(), 1)
            : Cublas.cublasDaxpy_v2(handle, n, this.alpha, x.pointer(), 1, y.target(), 1),
        single ? "cublasSaxpy_v2" : "cublasDaxpy_v2");
  }

  /**
   * Computes {@code x = alpha x}.
   *
   * @throws IllegalArgumentException if x is of another type or device
   * @throws IllegalStateException if this or the buffer is closed
   */
  public void scal(double alpha, DeviceBuffer x) {
    var single = BlasOperands.isSingle(x, "x");
    var n = operands.vector(x, x, "x");
    prepare(false);
    BlasTypes.scalar(this.alpha, precision(x.type()), alpha);
    CudaException.checkCublas(
        single
            ? Cublas.cublasSscal_v2(handle, n, this.alpha, x.target(), 1)
            : Cublas.cublasDscal_v2(handle, n, this.alpha, x.target(), 1),
        single ? "cublasSscal_v2" : "cublasDscal_v2");
  }

  /**
   * Computes the Euclidean norm of x.
   *
   * @param result one element
   * @throws IllegalArgumentException if the result does not have one element, or type or device
   *     differ
   * @throws IllegalStateException if this or a buffer is closed
   */
  public void nrm2(DeviceBuffer x, DeviceBuffer result) {
    var single = BlasOperands.isSingle(x, "x");
    var n = operands.vector(x, x, "x");
    operands.result(result, x);
    prepare(true);
    CudaException.checkCublas(
        single
            ? Cublas.cublasSnrm2_v2(handle, n, x.pointer(), 1, result.target())
            : Cublas.cublasDnrm2_v2(handle, n, x.pointer(), 1, result.target()),
        single ? "cublasSnrm2_v2" : "cublasDnrm2_v2");
  }

  /**
   * Computes the sum of the absolute values of x.
   *
   * @param result one element
   * @throws IllegalArgumentException if the result does not have one element, or type or device
   *     differ
   * @throws IllegalStateException if this or a buffer is closed
   */
  public void asum(DeviceBuffer x, DeviceBuffer result) {
    var single = BlasOperands.isSingle(x, "x");
    var n = operands.vector(x, x, "x");
    operands.result(result, x);
    prepare(true);
    CudaException.checkCublas(
        single
            ? Cublas.cublasSasum_v2(handle, n, x.pointer(), 1, result.target())
            : Cublas.cublasDasum_v2(handle, n, x.pointer(), 1, result.target()),
        single ? "cublasSasum_v2" : "cublasDasum_v2");
  }

  /**
   * Computes the inner product of x and y.
   *
   * @param result one element
   * @throws IllegalArgumentException if x and y differ in elements, the result does not have one
   *     element, or type or device differ
   * @throws IllegalStateException if this or a buffer is closed
   */
  public void dot(DeviceBuffer x, DeviceBuffer y, DeviceBuffer result) {
    var single = BlasOperands.isSingle(x, "x");
    var n = operands.vector(x, x, "x");
    operands.vector(y, x, "y");
    operands.result(result, x);
    prepare(true);
    CudaException.checkCublas(
        single
            ? Cublas.cublasSdot_v2(handle, n, x.pointer(), 1, y.pointer(), 1, result.target())
            : Cublas.cublasDdot_v2(handle, n, x.pointer(), 1, y.pointer(), 1, result.target()),
        single ? "cublasSdot_v2" : "cublasDdot_v2");
  }

  /** Checks that calls can be made, and says where their scalars are. */
  private void prepare(boolean onDevice) {
    checkOpen();
    stream.handle();
    workspace.pointer();
    if (resultsOnDevice != onDevice) {
      CudaException.checkCublas(
          Cublas.cublasSetPointerMode_v2(
              handle,
              onDevice ? Cublas.CUBLAS_POINTER_MODE_DEVICE() : Cublas.CUBLAS_POINTER_MODE_HOST()),
          "cublasSetPointerMode_v2");
      resultsOnDevice = onDevice;
    }
  }

  private static int operation(boolean transposed) {
    return transposed ? Cublas.CUBLAS_OP_T() : Cublas.CUBLAS_OP_N();
  }

  /** Checks what all products have in common; returns how this one computes. */
  private Precision product(int m, int n, int k, DeviceBuffer a, DeviceBuffer b, DeviceBuffer c) {
    BlasOperands.extent(m, "m");
    BlasOperands.extent(n, "n");
    BlasOperands.extent(k, "k");
    var precision = precision(a.type());
    if (c.type() == FLOAT32 && a.type() == FLOAT16) {
      precision = Precision.FP16;
    } else if (c.type() != FLOAT32 || a.type() != BFLOAT16) {
      Arguments.type(a.type(), c.type(), "C");
    }
    Arguments.type(a.type(), b.type(), "B");
    return precision;
  }

  @Override
  protected void release() {
    try (workspace) {
      CudaException.checkCublas(Cublas.cublasDestroy_v2(handle), "cublasDestroy_v2");
    } finally {
      arena.close();
    }
  }
}
