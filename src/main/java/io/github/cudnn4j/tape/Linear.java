package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Blas;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Precision;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** y = x · Wᵀ + b over the last extent. */
final class Linear implements Operation {

  /** See column_sums in dialect.cuh. */
  private static final int COLUMNS_OF_A_BLOCK = 32;

  private final Blas blas;
  private final Precision precision;
  private final Tensor x;
  private final Tensor weight;
  private final Tensor y;
  private @Nullable Launch addBias;
  private @Nullable Launch sumBias;

  private Linear(Tape tape, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    this.blas = tape.device().blas();
    this.precision = tape.precision();
    this.x = x;
    this.weight = weight;
    this.y = y;
    int rows = y.rows();
    int columns = y.columns();
    if (bias != null) {
      addBias =
          tape.own(
              tape.kernel("linear", "add_bias", tape.type())
                  .overRows(rows, bias.value(), y.value(), rows, columns));
      if (y.gradient() != null && bias.gradient() != null) {
        sumBias = biasGradient(tape, y.gradient(), bias.gradient(), rows, columns);
      }
    }
  }

  /** Returns how many blocks sum up that many columns. */
  static int blocks(int columns) {
    return Math.ceilDiv(columns, COLUMNS_OF_A_BLOCK);
  }

  /** Makes the launch that adds the column sums of {@code dy} to {@code gradient}. */
  static Launch biasGradient(
      Tape tape, DeviceBuffer dy, DeviceBuffer gradient, int rows, int columns) {
    return tape.own(
        tape.kernel("linear", "bias_gradient", tape.type())
            .overLongRows(blocks(columns), dy, gradient, rows, columns));
  }

  static Tensor record(Tape tape, Tensor x, Tensor weight, @Nullable Tensor bias) {
    tape.checkTensor("weight", weight, 2);
    tape.checkTensor("x", x, x.rank());
    if (weight.columns() != x.columns()) {
      throw new IllegalArgumentException(
          "weight " + weight + " for x " + x + ", needed is [O, " + x.columns() + "]");
    }
    if (bias != null) {
      tape.checkTensor("bias", bias, 1);
      if (bias.columns() != weight.dim(0)) {
        throw new IllegalArgumentException(
            "bias " + bias + " for weight " + weight + ", needed is [" + weight.dim(0) + "]");
      }
    }
    int[] shape = x.shape();
    shape[shape.length - 1] = weight.dim(0);
    boolean differentiable =
        x.gradient() != null
            || weight.gradient() != null
            || (bias != null && bias.gradient() != null);
    return tape.record(
        (in, y) -> new Linear(tape, in.get(0), in.get(1), bias == null ? null : in.get(2), y),
        tape.output(differentiable, shape),
        List.of(x),
        bias == null ? List.of(weight) : List.of(weight, bias));
  }

  @Override
  public void forward() {
    multiply(
        false, true, y.rows(), y.columns(), x.columns(), x.value(), weight.value(), 0, y.value());
    if (addBias != null) {
      addBias.run();
    }
  }

  @Override
  public void backward() {
    var dy = y.gradient();
    if (dy == null) {
      return;
    }
    int rows = y.rows();
    int outputs = y.columns();
    int inputs = x.columns();
    if (sumBias != null) {
      sumBias.run();
    }
    if (weight.gradient() != null) {
      multiply(true, false, outputs, inputs, rows, dy, x.value(), 1, weight.gradient());
    }
    if (x.gradient() != null) {
      multiply(false, false, rows, inputs, outputs, dy, weight.value(), 0, x.gradient());
    }
  }

  private void multiply(
      boolean transA,
      boolean transB,
      int m,
      int n,
      int k,
      DeviceBuffer a,
      DeviceBuffer b,
      double beta,
      DeviceBuffer c) {
    Precision others = exchange(blas, a.type(), precision);
    try {
      blas.gemm(transA, transB, m, n, k, 1, a, b, beta, c);
    } finally {
      blas.precision(others);
    }
  }

  /** The device's products are as precise as someone else has set them: returns that, to set it. */
  static Precision exchange(Blas blas, ElementType type, Precision precision) {
    Precision others = blas.precision(type);
    blas.precision(precision);
    return others;
  }
}
