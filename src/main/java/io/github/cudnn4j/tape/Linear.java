package io.github.cudnn4j.tape;

import io.github.cudnn4j.cuda.Blas;
import io.github.cudnn4j.cuda.Launch;
import org.jspecify.annotations.Nullable;

/** y = x · Wᵀ + b over the last extent. */
final class Linear implements Operation {

  /** See column_sums in dialect.cuh. */
  private static final int COLUMNS_OF_A_BLOCK = 32;

  private final Blas blas;
  private final Tensor x;
  private final Tensor weight;
  private final Tensor y;
  private @Nullable Launch addBias;
  private @Nullable Launch sumBias;

  Linear(Tape tape, Tensor x, Tensor weight, @Nullable Tensor bias, Tensor y) {
    this.blas = tape.device().blas();
    this.x = x;
    this.weight = weight;
    this.y = y;
    int rows = y.rows();
    int columns = y.columns();
    if (bias != null) {
      addBias =
          tape.own(
              tape.kernel("linear", "add_bias")
                  .overRows(rows, bias.value(), y.value(), rows, columns));
      if (y.gradient() != null && bias.gradient() != null) {
        sumBias =
            tape.own(
                tape.kernel("linear", "bias_gradient")
                    .overRows(
                        Math.ceilDiv(columns, COLUMNS_OF_A_BLOCK),
                        y.gradient(),
                        bias.gradient(),
                        rows,
                        columns));
      }
    }
  }

  @Override
  public void forward() {
    blas.gemm(
        false,
        true,
        y.rows(),
        y.columns(),
        x.columns(),
        1,
        x.value(),
        weight.value(),
        0,
        y.value());
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
      blas.gemm(true, false, outputs, inputs, rows, 1, dy, x.value(), 1, weight.gradient());
    }
    if (x.gradient() != null) {
      blas.gemm(false, false, rows, inputs, outputs, 1, dy, weight.value(), 0, x.gradient());
    }
  }
}
