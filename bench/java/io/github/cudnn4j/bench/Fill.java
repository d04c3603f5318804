package io.github.cudnn4j.bench;

import io.github.cudnn4j.tape.Parameters;
import java.util.stream.IntStream;

/** Numbers that look random and are the same in every language that a peer is written in. */
public final class Fill {
  /** Which numbers x gets. */
  public static final int X = 1;

  /** Which numbers the gradient of y gets. */
  public static final int DY = 2;

  /** Which numbers {@code linear.weight} gets. */
  public static final int LINEAR_WEIGHT = 3;

  /** Which numbers {@code linear.bias} gets. */
  public static final int LINEAR_BIAS = 4;

  /** Which numbers the tokens get. */
  public static final int TOKENS = 5;

  /** Which numbers make the lengths of rows. */
  public static final int LENGTHS = 6;

  /** Which numbers the labels get. */
  public static final int LABELS = 7;

  /** Which numbers the first parameter gets, by PyTorch's order; the others get those after it. */
  public static final int PARAMETERS = 10;

  private Fill() {}

  /** {@code n} numbers between −scale and scale. */
  public static float[] floats(int salt, int n, double scale) {
    var values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) ((bits(salt, i) / (double) (1 << 23) - 1) * scale);
    }
    return values;
  }

  /** {@code n} numbers from 0 to {@code limit} − 1. */
  public static int[] ints(int salt, int n, int limit) {
    var values = new int[n];
    for (int i = 0; i < n; i++) {
      values[i] = bits(salt, i) % limit;
    }
    return values;
  }

  /**
   * Sets all parameters of a model, the same as a peer's.
   *
   * @param hidden of its network: all but vectors are between ±1/√hidden
   */
  public static void set(Parameters parameters, int hidden) {
    double scale = 1 / Math.sqrt(hidden);
    int salt = PARAMETERS;
    for (String name : parameters.names()) {
      int elements = Math.toIntExact(parameters.parameter(name).elements());
      float[] values =
          switch (name) {
            case "embedding.weight" -> floats(X, elements, 1);
            case "linear.weight" -> floats(LINEAR_WEIGHT, elements, scale);
            case "linear.bias" -> floats(LINEAR_BIAS, elements, scale);
            default -> floats(salt++, elements, scale);
          };
      parameters.write(name, IntStream.range(0, elements).mapToDouble(i -> values[i]).toArray());
    }
  }

  /** 24 bits. */
  private static int bits(int salt, int index) {
    int hash = index * 0x9E3779B1 + salt * 0x85EBCA6B;
    hash = (hash ^ hash >>> 15) * 0x2C1B3C6D;
    hash ^= hash >>> 12;
    return hash >>> 8;
  }
}
