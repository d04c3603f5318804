package io.github.cudnn4j.model;

import io.github.cudnn4j.tape.Indices;
import io.github.cudnn4j.tape.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What is on the device, as arrays; reading waits for the device. */
final class Values {

  private Values() {}

  /** Returns the rows of the last extent. */
  static double[][] matrix(Tensor x) {
    double[] all = x.read();
    double[][] rows = new double[x.rows()][];
    Arrays.setAll(rows, i -> Arrays.copyOfRange(all, i * x.columns(), (i + 1) * x.columns()));
    return rows;
  }

  /** Writes sequences of vectors as the first rows of {@code [T, B, F]}, with zeros behind them. */
  static void write(Tensor x, List<float[][]> sequences) {
    int batch = x.dim(1);
    int columns = x.columns();
    float[] all = new float[(int) x.elements()];
    for (int row = 0; row < sequences.size(); row++) {
      float[][] vectors = sequences.get(row);
      for (int t = 0; t < vectors.length; t++) {
        if (vectors[t].length != columns) {
          throw new IllegalArgumentException(
              "a vector of " + vectors[t].length + " elements, must be of " + columns);
        }
        System.arraycopy(vectors[t], 0, all, (t * batch + row) * columns, columns);
      }
    }
    x.value().copyFrom(all);
  }

  /** Returns the sequences of {@code [T, B]}, each up to its first negative number. */
  static List<int[]> rows(Indices x) {
    int[] all = x.buffer().toInts();
    int batch = x.dim(1);
    List<int[]> rows = new ArrayList<>();
    for (int row = 0; row < batch; row++) {
      int[] values = new int[x.dim(0)];
      int count = 0;
      while (count < values.length && all[count * batch + row] >= 0) {
        values[count] = all[count * batch + row];
        count++;
      }
      rows.add(Arrays.copyOf(values, count));
    }
    return rows;
  }
}
