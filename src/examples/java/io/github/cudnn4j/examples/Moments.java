package io.github.cudnn4j.examples;

import module java.base;

/**
 * The mean products of sequences at all pairs of steps, {@code [T * T]}. They tell how sequences go
 * on, and that they begin anywhere: those of a maker that always makes the same one are others.
 */
record Moments(int time, double[] products) {

  static Moments of(List<float[]> sequences) {
    int time = sequences.getFirst().length;
    var products = new double[time * time];
    for (float[] x : sequences) {
      Arrays.setAll(
          products, i -> products[i] + x[i / time] * x[i % time] / (double) sequences.size());
    }
    return new Moments(time, products);
  }

  /** Returns those of noise of the same power. */
  Moments white() {
    var white = new double[time * time];
    Arrays.setAll(white, i -> i / time == i % time ? products[i] : 0);
    return new Moments(time, white);
  }

  /** Returns the norm of the difference, as a part of that of the wanted ones. */
  double apart(Moments wanted) {
    double apart = 0, all = 0;
    for (int i = 0; i < products.length; i++) {
      apart += Math.pow(products[i] - wanted.products[i], 2);
      all += Math.pow(wanted.products[i], 2);
    }
    return Math.sqrt(apart / all);
  }

  /** Returns the means over steps that are one apart, two ..., up to half of all. */
  double[] later() {
    var later = new double[time / 2];
    Arrays.setAll(
        later,
        i ->
            IntStream.range(i + 1, time)
                .mapToDouble(t -> products[t * time + t - i - 1])
                .average()
                .orElseThrow());
    return later;
  }
}
