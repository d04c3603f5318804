package io.github.cudnn4j.bench;

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

  /** 24 bits. */
  private static int bits(int salt, int index) {
    int hash = index * 0x9E3779B1 + salt * 0x85EBCA6B;
    hash = (hash ^ hash >>> 15) * 0x2C1B3C6D;
    hash ^= hash >>> 12;
    return hash >>> 8;
  }
}
