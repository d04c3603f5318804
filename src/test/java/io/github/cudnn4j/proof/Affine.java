package io.github.cudnn4j.proof;

import java.util.Arrays;

/** The products with row-major matrices that {@link ReferenceRnn} is made of. */
final class Affine {
  private Affine() {}

  /** Every gate's bias plus the vector itself. */
  static double[] repeated(double[] b, double[] v) {
    double[] out = b.clone();
    Arrays.setAll(out, r -> b[r] + v[r % v.length]);
    return out;
  }

  /** {@code W v + b}, W having {@code rows} rows. */
  static double[] affine(double[] w, double[] b, double[] v, int rows) {
    double[] out = b.clone();
    for (int r = 0; r < rows; r++) {
      for (int k = 0; k < v.length; k++) {
        out[r] += w[r * v.length + k] * v[k];
      }
    }
    return out;
  }

  /** The way back through {@link #affine}; adds to dv, dw and db. */
  static void affineBack(
      double[] w, double[] dOut, double[] v, double[] dv, double[] dw, double[] db) {
    for (int r = 0; r < dOut.length; r++) {
      db[r] += dOut[r];
      for (int k = 0; k < v.length; k++) {
        dv[k] += w[r * v.length + k] * dOut[r];
        dw[r * v.length + k] += dOut[r] * v[k];
      }
    }
  }

  /** {@code 1 / (1 + e^-v)}. */
  static double sigmoid(double v) {
    return 1 / (1 + Math.exp(-v));
  }
}
