package io.github.cudnn4j.proof;

import io.github.cudnn4j.cudnn.CellClip;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.rnn.RnnConfig;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The published equations of the four cells, one row and one number at a time, in double.
 *
 * <p>Written for being read beside the papers, not for speed: vanilla RNN (Elman, 1990), LSTM with
 * forget gate (Gers et al., 2000), GRU with the reset gate behind the recurrent product (the
 * variant that cuDNN and PyTorch compute). Rows of a batch never meet, so every row is a plain
 * sequence of its own length, and a backward direction is the same loop over descending time.
 * LSTM's output may be projected (Sak et al., 2014) and its cell state read within bounds, as cuDNN
 * does both. Between layers, inputs may be multiplied by masks.
 *
 * <p>Parameters follow PyTorch: gates stacked by rows (LSTM i, f, g, o; GRU r, z, n), one entry a
 * pseudo-layer ({@code layer · directions + direction}).
 */
final class ReferenceRnn {

  /** One pseudo-layer's parameters, or their gradients: row-major matrices and bias vectors. */
  record Parameters(double[] wIh, double[] wHh, double[] bIh, double[] bHh, double[] wHr) {}

  /** What one step of one row leaves for its way back. */
  private record Step(int time, double[] x, double[] hBefore, double[] cBefore, double[] gates) {}

  /** States are [layers · directions][batch][hidden]; sequences are [time][batch][features]. */
  record Output(double[][][] y, double[][][] hy, double[][][] cy) {}

  record Gradients(double[][][] dx, double[][][] dhx, double[][][] dcx, Parameters[] dParameters) {}

  final RnnMode cell;
  final int layers;
  final int directions;
  final int input;
  final int hidden;

  /** The size of h: the projection's, or {@link #hidden} without one. */
  final int output;

  private final boolean skipsInput;
  private final double low;
  private final double high;
  final Parameters[] parameters;

  private Step[][][] steps;

  /**
   * One for each pseudo-layer, [time][batch][features], that its input is multiplied by, or null.
   */
  private final double @Nullable [][][][] masks;

  /**
   * The equations of a configuration.
   *
   * @param masks for each pseudo-layer, {@code [time][batch][features]}, what its input is
   *     multiplied by; null for nothing
   */
  ReferenceRnn(RnnConfig config, double @Nullable [][][][] masks) {
    this.masks = masks;
    cell = config.mode();
    layers = config.layers();
    directions = config.directions();
    input = config.inputSize();
    hidden = config.hiddenSize();
    output = config.projectionSize();
    skipsInput = config.inputSkipped();
    CellClip clip = config.clip();
    low = clip == null ? Double.NEGATIVE_INFINITY : (float) clip.low();
    high = clip == null ? Double.POSITIVE_INFINITY : (float) clip.high();
    parameters = zeros();
  }

  private Parameters[] zeros() {
    int rows = cell.gates() * hidden;
    Parameters[] zeros = new Parameters[layers * directions];
    for (int p = 0; p < zeros.length; p++) {
      int layer = p / directions;
      zeros[p] =
          new Parameters(
              new double[layer == 0 && skipsInput ? 0 : rows * inputOf(layer)],
              new double[rows * output],
              new double[rows],
              new double[rows],
              new double[output == hidden ? 0 : output * hidden]);
    }
    return zeros;
  }

  /** The width of a layer's input. */
  int inputOf(int layer) {
    return layer == 0 ? input : output * directions;
  }

  Output forward(double[][][] x, int[] lengths, double[][][] hx, double[][][] cx) {
    int time = x.length;
    int batch = lengths.length;
    int pseudoLayers = layers * directions;
    double[][][] y = new double[time][batch][directions * output];
    double[][][] hy = new double[pseudoLayers][batch][];
    double[][][] cy = new double[pseudoLayers][batch][];
    steps = new Step[pseudoLayers][batch][];
    for (int row = 0; row < batch; row++) {
      double[][] in = new double[lengths[row]][];
      for (int t = 0; t < in.length; t++) {
        in[t] = x[t][row];
      }
      for (int layer = 0; layer < layers; layer++) {
        double[][] out = new double[in.length][directions * output];
        for (int direction = 0; direction < directions; direction++) {
          int p = layer * directions + direction;
          double[] h = hx[p][row].clone();
          double[] c = cx[p][row].clone();
          steps[p][row] = new Step[in.length];
          for (int k = 0; k < in.length; k++) {
            int t = direction == 0 ? k : in.length - 1 - k;
            double[] v = masked(p, t, row, in[t]);
            double[] gates = gates(parameters[p], v, h);
            steps[p][row][k] = new Step(t, v, h, c, gates);
            double[][] next = advance(parameters[p], gates, h, c);
            h = next[0];
            c = next[1];
            System.arraycopy(h, 0, out[t], direction * output, output);
          }
          hy[p][row] = h;
          cy[p][row] = c;
        }
        in = out;
      }
      for (int t = 0; t < in.length; t++) {
        y[t][row] = in[t];
      }
    }
    return new Output(y, hy, cy);
  }

  /**
   * How far a row stayed in the last forward from where a derivative jumps: 0 of ReLU, and the
   * bounds of a cell state.
   */
  double distanceToJump(int row) {
    double nearest = Double.POSITIVE_INFINITY;
    for (Step[][] ofRow : steps) {
      for (Step step : ofRow[row]) {
        for (int j = 0; j < hidden; j++) {
          // An exact 0 is a sum of zeros, and is 0 in every precision.
          if (cell == RnnMode.RELU && step.gates[j] != 0) {
            nearest = Math.min(nearest, Math.abs(step.gates[j]));
          } else if (cell == RnnMode.LSTM) {
            for (double c : new double[] {step.cBefore[j], cellAfter(step, j)}) {
              nearest = Math.min(nearest, Math.min(Math.abs(c - low), Math.abs(c - high)));
            }
          }
        }
      }
    }
    return nearest;
  }

  /** Gradients of {@code Σ y·dy + Σ hy·dhy + Σ cy·dcy}; belongs to the last forward. */
  Gradients backward(double[][][] dy, double[][][] dhy, double[][][] dcy) {
    int batch = steps[0].length;
    Parameters[] dParameters = zeros();
    double[][][] dx = new double[dy.length][batch][input];
    double[][][] dhx = new double[parameters.length][batch][];
    double[][][] dcx = new double[parameters.length][batch][];
    for (int row = 0; row < batch; row++) {
      int length = steps[0][row].length;
      double[][] dOut = new double[length][];
      for (int t = 0; t < length; t++) {
        dOut[t] = dy[t][row];
      }
      for (int layer = layers - 1; layer >= 0; layer--) {
        double[][] dIn = new double[length][inputOf(layer)];
        for (int direction = 0; direction < directions; direction++) {
          int p = layer * directions + direction;
          double[] dh = dhy[p][row].clone();
          double[] dc = dcy[p][row].clone();
          for (int k = length - 1; k >= 0; k--) {
            Step step = steps[p][row][k];
            for (int j = 0; j < output; j++) {
              dh[j] += dOut[step.time][direction * output + j];
            }
            double[] dv = new double[inputOf(layer)];
            double[][] before = retreat(p, step, dh, dc, dv, dParameters[p]);
            double[] masked = masked(p, step.time, row, dv);
            Arrays.setAll(dIn[step.time], j -> dIn[step.time][j] + masked[j]);
            dh = before[0];
            dc = before[1];
          }
          dhx[p][row] = dh;
          dcx[p][row] = dc;
        }
        dOut = dIn;
      }
      for (int t = 0; t < length; t++) {
        dx[t][row] = dOut[t];
      }
    }
    return new Gradients(dx, dhx, dcx, dParameters);
  }

  private double[] masked(int p, int time, int row, double[] v) {
    if (masks == null || masks[p] == null) {
      return v;
    }
    double[] masked = v.clone();
    Arrays.setAll(masked, j -> v[j] * masks[p][time][row][j]);
    return masked;
  }

  /**
   * Gate values after their activations, but for ReLU, whose they are before. GRU adds a fourth
   * block, {@code R_n h + b_Rn}, which its way back needs.
   */
  private double[] gates(Parameters w, double[] x, double[] h) {
    int rows = cell.gates() * hidden;
    double[] fromInput =
        w.wIh.length == 0 ? Affine.repeated(w.bIh, x) : Affine.affine(w.wIh, w.bIh, x, rows);
    double[] fromHidden = Affine.affine(w.wHh, w.bHh, h, rows);
    double[] gates = new double[cell == RnnMode.GRU ? 4 * hidden : rows];
    for (int j = 0; j < rows; j++) {
      int gate = j / hidden;
      double sum = fromInput[j] + fromHidden[j];
      gates[j] =
          switch (cell) {
            case RELU -> sum;
            case TANH -> Math.tanh(sum);
            case LSTM -> gate == 2 ? Math.tanh(sum) : Affine.sigmoid(sum);
            case GRU ->
                gate < 2
                    ? Affine.sigmoid(sum)
                    : Math.tanh(fromInput[j] + gates[j - 2 * hidden] * fromHidden[j]);
          };
    }
    if (cell == RnnMode.GRU) {
      System.arraycopy(fromHidden, 2 * hidden, gates, 3 * hidden, hidden);
    }
    return gates;
  }

  /** The next h and c. */
  private double[][] advance(Parameters w, double[] gates, double[] hBefore, double[] cBefore) {
    double[] h = new double[hidden];
    double[] c = cBefore.clone();
    for (int j = 0; j < hidden; j++) {
      switch (cell) {
        case RELU -> h[j] = Math.max(0, gates[j]);
        case TANH -> h[j] = gates[j];
        case LSTM -> {
          c[j] = gates[hidden + j] * clip(cBefore[j]) + gates[j] * gates[2 * hidden + j];
          h[j] = gates[3 * hidden + j] * Math.tanh(clip(c[j]));
        }
        case GRU -> {
          double z = gates[hidden + j];
          h[j] = (1 - z) * gates[2 * hidden + j] + z * hBefore[j];
        }
      }
    }
    return new double[][] {
      output == hidden ? h : Affine.affine(w.wHr, new double[output], h, output), c
    };
  }

  private double clip(double c) {
    return Math.clamp(c, low, high);
  }

  /** The gradient of c from that of its clipped value. */
  private double within(double c, double gradient) {
    return c < low || c > high ? 0 : gradient;
  }

  /** The gradient of LSTM's unprojected output; adds to that of the projection. */
  private double[] unproject(Parameters w, Step step, double[] dh, Parameters d) {
    if (output == hidden) {
      return dh;
    }
    double[] unprojected = new double[hidden];
    for (int j = 0; j < hidden; j++) {
      unprojected[j] = step.gates[3 * hidden + j] * Math.tanh(clip(cellAfter(step, j)));
    }
    double[] result = new double[hidden];
    Affine.affineBack(w.wHr, dh, unprojected, result, d.wHr, new double[output]);
    return result;
  }

  private double cellAfter(Step step, int j) {
    double[] g = step.gates;
    return g[hidden + j] * clip(step.cBefore[j]) + g[j] * g[2 * hidden + j];
  }

  /** One step back: from (dh, dc) after the step to those before it; adds to dIn and to d. */
  private double[][] retreat(
      int p, Step step, double[] dhProjected, double[] dc, double[] dIn, Parameters d) {
    double[] dh = unproject(parameters[p], step, dhProjected, d);
    int rows = cell.gates() * hidden;
    double[] g = step.gates;
    double[] viaInput = new double[rows];
    double[] viaHidden = new double[rows];
    double[] dhBefore = new double[output];
    double[] dcBefore = new double[hidden];
    for (int j = 0; j < hidden; j++) {
      switch (cell) {
        case RELU -> viaInput[j] = g[j] > 0 ? dh[j] : 0;
        case TANH -> viaInput[j] = dh[j] * (1 - g[j] * g[j]);
        case LSTM -> {
          double i = g[j];
          double f = g[hidden + j];
          double candidate = g[2 * hidden + j];
          double o = g[3 * hidden + j];
          double c = cellAfter(step, j);
          double tanhC = Math.tanh(clip(c));
          double dCell = dc[j] + within(c, dh[j] * o * (1 - tanhC * tanhC));
          viaInput[j] = dCell * candidate * i * (1 - i);
          viaInput[hidden + j] = dCell * clip(step.cBefore[j]) * f * (1 - f);
          viaInput[2 * hidden + j] = dCell * i * (1 - candidate * candidate);
          viaInput[3 * hidden + j] = dh[j] * tanhC * o * (1 - o);
          dcBefore[j] = within(step.cBefore[j], dCell * f);
        }
        case GRU -> {
          double r = g[j];
          double z = g[hidden + j];
          double n = g[2 * hidden + j];
          double dn = dh[j] * (1 - z) * (1 - n * n);
          viaInput[j] = dn * g[3 * hidden + j] * r * (1 - r);
          viaInput[hidden + j] = dh[j] * (step.hBefore[j] - n) * z * (1 - z);
          viaInput[2 * hidden + j] = dn;
          viaHidden[2 * hidden + j] = dn * r;
          dhBefore[j] = dh[j] * z;
        }
      }
    }
    int shared = cell == RnnMode.GRU ? 2 * hidden : rows;
    System.arraycopy(viaInput, 0, viaHidden, 0, shared);
    if (parameters[p].wIh.length == 0) {
      for (int j = 0; j < rows; j++) {
        d.bIh[j] += viaInput[j];
        dIn[j % hidden] += viaInput[j];
      }
    } else {
      Affine.affineBack(parameters[p].wIh, viaInput, step.x, dIn, d.wIh, d.bIh);
    }
    Affine.affineBack(parameters[p].wHh, viaHidden, step.hBefore, dhBefore, d.wHh, d.bHh);
    return new double[][] {dhBefore, dcBefore};
  }
}
