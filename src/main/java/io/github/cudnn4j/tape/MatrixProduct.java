package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Blas;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Matrices;
import io.github.cudnn4j.cuda.Precision;

/**
 * Products of matrices, as many as there are in a batch: Z = factor · op(X) op(Y).
 *
 * @param sumsUp whether dY is added to what is there
 */
record MatrixProduct(
    Blas blas, Precision precision, double factor, Operand x, Operand y, boolean sumsUp, Operand z)
    implements Operation {

  /**
   * A matrix for each of a batch.
   *
   * @param tensor {@code [N, R, C]}, or {@code [R, N, C]} with time first
   * @param transposed whether the product is of its transpose
   */
  record Operand(Tensor tensor, boolean timeFirst, boolean transposed) {

    int count() {
      return tensor.dim(timeFirst ? 1 : 0);
    }

    /** The rows of what is multiplied. */
    int rows() {
      return transposed ? tensor.columns() : tensor.dim(timeFirst ? 0 : 1);
    }

    int columns() {
      return transposed ? tensor.dim(timeFirst ? 0 : 1) : tensor.columns();
    }

    Matrices of(DeviceBuffer buffer) {
      return timeFirst
          ? Matrices.interleaved(buffer, count(), tensor.columns())
          : Matrices.dense(buffer, tensor.dim(1), tensor.columns());
    }

    Matrices values() {
      return of(tensor.value());
    }

    Operand with(Tensor other) {
      return new Operand(other, timeFirst, transposed);
    }

    @Override
    public String toString() {
      return tensor + (transposed ? " transposed" : "");
    }
  }

  static Tensor record(Tape tape, Tensor x, boolean transX, Tensor y, boolean transY) {
    tape.checkTensor("x", x, 3);
    tape.checkTensor("y", y, 3);
    var left = new Operand(x, false, transX);
    var right = new Operand(y, false, transY);
    if (left.count() != right.count() || left.columns() != right.rows()) {
      throw new IllegalArgumentException(left + " times " + right);
    }
    int[] shape = {left.count(), left.rows(), right.columns()};
    return tape.record(
        shape,
        (in, z) ->
            new MatrixProduct(
                tape.device().blas(),
                tape.precision(),
                1,
                left.with(in.get(0)),
                right.with(in.get(1)),
                false,
                new Operand(z, false, false)),
        x,
        y);
  }

  /**
   * Records the product with something that others multiply too, to whose gradient each adds.
   *
   * @param timeFirst whether the result is {@code [M, N, C]}
   */
  static Tensor record(Tape tape, double factor, Operand x, Operand shared, boolean timeFirst) {
    int[] shape = {x.count(), x.rows(), shared.columns()};
    if (timeFirst) {
      shape = new int[] {x.rows(), x.count(), shared.columns()};
    }
    boolean differentiable = x.tensor.gradient() != null || shared.tensor.gradient() != null;
    return tape.record(
        (in, z) ->
            new MatrixProduct(
                tape.device().blas(),
                tape.precision(),
                factor,
                x.with(in.get(0)),
                shared,
                true,
                new Operand(z, timeFirst, false)),
        tape.output(differentiable, shape),
        x.tensor);
  }

  @Override
  public void forward() {
    multiply(x.values(), x.transposed, y.values(), y.transposed, y.rows(), 0, z, z.values());
  }

  /** For Z = op(X) op(Y): dop(X) = dZ op(Y)ᵀ and dop(Y) = op(X)ᵀ dZ, transposed where X or Y is. */
  @Override
  public void backward() {
    if (z.tensor.gradient() == null) {
      return;
    }
    Matrices dz = z.of(z.tensor.gradient());
    DeviceBuffer dx = x.tensor.gradient();
    DeviceBuffer dy = y.tensor.gradient();
    if (dx != null && x.transposed) {
      multiply(y.values(), y.transposed, dz, true, z.columns(), 0, x, x.of(dx));
    } else if (dx != null) {
      multiply(dz, false, y.values(), !y.transposed, z.columns(), 0, x, x.of(dx));
    }
    double kept = sumsUp ? 1 : 0;
    if (dy != null && y.transposed) {
      multiply(dz, true, x.values(), x.transposed, z.rows(), kept, y, y.of(dy));
    } else if (dy != null) {
      multiply(x.values(), !x.transposed, dz, false, z.rows(), kept, y, y.of(dy));
    }
  }

  /** Computes op(A) op(B), the inner extent being k, into c, which has the extents of a factor. */
  private void multiply(
      Matrices a,
      boolean transA,
      Matrices b,
      boolean transB,
      int k,
      double kept,
      Operand like,
      Matrices c) {
    int rows = like.transposed ? like.columns() : like.rows();
    int columns = like.tensor.columns();
    Precision others = Linear.exchange(blas, like.tensor.type(), precision);
    try {
      blas.gemmBatched(like.count(), transA, transB, rows, columns, k, factor, a, b, kept, c);
    } finally {
      blas.precision(others);
    }
  }
}
