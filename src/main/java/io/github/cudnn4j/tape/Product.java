package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Blas;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Precision;

/** Products of matrices, as many as there are in a batch. */
record Product(
    Blas blas, Precision precision, boolean transX, boolean transY, Tensor x, Tensor y, Tensor z)
    implements Operation {

  static Tensor record(Tape tape, Tensor x, boolean transX, Tensor y, boolean transY) {
    tape.checkTensor("x", x, 3);
    tape.checkTensor("y", y, 3);
    if (x.dim(0) != y.dim(0) || x.dim(transX ? 1 : 2) != y.dim(transY ? 2 : 1)) {
      throw new IllegalArgumentException(
          x + (transX ? " transposed" : "") + " times " + y + (transY ? " transposed" : ""));
    }
    int[] shape = {x.dim(0), x.dim(transX ? 2 : 1), y.dim(transY ? 1 : 2)};
    return tape.record(
        shape,
        (in, z) ->
            new Product(
                tape.device().blas(), tape.precision(), transX, transY, in.get(0), in.get(1), z),
        x,
        y);
  }

  @Override
  public void forward() {
    multiply(x.value(), transX, y.value(), transY, x.dim(transX ? 1 : 2), z, z.value());
  }

  /** For Z = op(X) op(Y): dop(X) = dZ op(Y)ᵀ and dop(Y) = op(X)ᵀ dZ, transposed where X or Y is. */
  @Override
  public void backward() {
    DeviceBuffer dz = z.gradient();
    if (dz == null) {
      return;
    }
    DeviceBuffer dx = x.gradient();
    DeviceBuffer dy = y.gradient();
    if (dx != null && transX) {
      multiply(y.value(), transY, dz, true, z.dim(2), x, dx);
    } else if (dx != null) {
      multiply(dz, false, y.value(), !transY, z.dim(2), x, dx);
    }
    if (dy != null && transY) {
      multiply(dz, true, x.value(), transX, z.dim(1), y, dy);
    } else if (dy != null) {
      multiply(x.value(), !transX, dz, false, z.dim(1), y, dy);
    }
  }

  /** Computes op(A) op(B), the inner extent being k, into c, which has the extents of another. */
  private void multiply(
      DeviceBuffer a,
      boolean transA,
      DeviceBuffer b,
      boolean transB,
      int k,
      Tensor like,
      DeviceBuffer c) {
    Precision others = Linear.exchange(blas, a.type(), precision);
    try {
      blas.gemmBatched(like.dim(0), transA, transB, like.dim(1), like.dim(2), k, 1, a, b, 0, c);
    } finally {
      blas.precision(others);
    }
  }
}
