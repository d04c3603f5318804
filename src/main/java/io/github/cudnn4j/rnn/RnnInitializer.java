package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.RnnMode;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * First weights beside {@link Rnn#initialize}, drawn in double on the host: the same seed gives the
 * same values on every device, rounded to the network's type.
 *
 * <pre>{@code
 * RnnInitializer.orthogonal(rnn, 1);
 * RnnInitializer.forgetBias(rnn, 1); // an LSTM that starts by remembering
 * }</pre>
 *
 * <p>Every gate has a matrix of its own here, as if it stood alone. All methods wait for the
 * device's stream.
 */
public final class RnnInitializer {
  private RnnInitializer() {}

  /**
   * Draws each gate's matrix {@code [rows, columns]} uniformly from {@code ±sqrt(6 / (rows +
   * columns))} and sets the biases to 0.
   *
   * @throws IllegalStateException if the network is closed
   * @see <a href="https://proceedings.mlr.press/v9/glorot10a.html">Glorot and Bengio, 2010</a>
   */
  public static void xavier(Rnn rnn, long seed) {
    draw(rnn, seed, false);
  }

  /**
   * Makes the rows or the columns, whichever are fewer, of each gate's matrix of the state
   * orthonormal, and draws the rest as {@link #xavier}.
   *
   * @throws IllegalStateException if the network is closed
   * @see <a href="https://arxiv.org/abs/1312.6120">Saxe et al., 2013</a>
   */
  public static void orthogonal(Rnn rnn, long seed) {
    draw(rnn, seed, true);
  }

  private static void draw(Rnn rnn, long seed, boolean orthogonal) {
    SplittableRandom random = new SplittableRandom(seed);
    for (RnnParameter parameter : rnn.weights().parameters()) {
      int[] shape = parameter.shape();
      int rows = shape[0] / parameter.slices().size();
      for (DeviceBuffer slice : parameter.slices()) {
        if (shape.length == 1) {
          slice.clear();
        } else if (orthogonal && parameter.name().startsWith("weight_hh")) {
          set(slice, orthogonal(random, rows, shape[1]));
        } else {
          double bound = Math.sqrt(6.0 / (rows + shape[1]));
          set(slice, random.doubles(slice.elements(), -bound, bound).toArray());
        }
      }
    }
  }

  /**
   * Sets what an LSTM's forget gates have as bias, in sum of both biases if there are two: the one
   * of the input, or the only one, gets the value and the other 0.
   *
   * @throws IllegalArgumentException if the network is not an LSTM or has no biases
   * @throws IllegalStateException if the network is closed
   * @see <a href="https://proceedings.mlr.press/v37/jozefowicz15.html">Jozefowicz et al., 2015</a>
   */
  public static void forgetBias(Rnn rnn, double value) {
    RnnWeights weights = rnn.weights();
    RnnConfig config = rnn.config();
    if (config.mode() != RnnMode.LSTM) {
      throw new IllegalArgumentException(
          "a cell of kind " + config.mode() + " has no forget gate; only an LSTM has");
    }
    if (!config.bias().onInput() && !config.bias().onState()) {
      throw new IllegalArgumentException(
          "the forget gate has no bias with bias mode " + config.bias());
    }
    for (RnnParameter parameter : weights.parameters()) {
      if (parameter.name().startsWith("bias_")) {
        boolean carries = parameter.name().startsWith("bias_ih") || !config.bias().onInput();
        DeviceBuffer forget = parameter.slices().get(1);
        double[] values = new double[Math.toIntExact(forget.elements())];
        Arrays.fill(values, carries ? value : 0);
        set(forget, values);
      }
    }
  }

  private static void set(DeviceBuffer slice, double[] values) {
    if (slice.type() == ElementType.FLOAT64) {
      slice.copyFrom(values);
    } else {
      float[] narrow = new float[values.length];
      for (int i = 0; i < values.length; i++) {
        narrow[i] = (float) values[i];
      }
      slice.copyFrom(narrow);
    }
  }

  /**
   * A matrix, row-major, whose rows or columns, whichever are fewer, are orthonormal, of uniform
   * direction.
   */
  public static double[] orthogonal(RandomGenerator random, int rows, int columns) {
    int count = Math.min(rows, columns);
    int length = Math.max(rows, columns);
    double[][] vectors = new double[count][length];
    for (int k = 0; k < count; k++) {
      double norm;
      do {
        for (int i = 0; i < length; i++) {
          vectors[k][i] = random.nextGaussian();
        }
        // Once more, because the first projection leaves what rounding made of it.
        removeEarlier(vectors, k);
        removeEarlier(vectors, k);
        norm = Math.sqrt(dot(vectors[k], vectors[k]));
      } while (norm < 1e-6);
      for (int i = 0; i < length; i++) {
        vectors[k][i] /= norm;
      }
    }
    double[] matrix = new double[rows * columns];
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        matrix[row * columns + column] =
            rows <= columns ? vectors[row][column] : vectors[column][row];
      }
    }
    return matrix;
  }

  private static void removeEarlier(double[][] vectors, int k) {
    for (int j = 0; j < k; j++) {
      double along = dot(vectors[j], vectors[k]);
      for (int i = 0; i < vectors[k].length; i++) {
        vectors[k][i] -= along * vectors[j][i];
      }
    }
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
