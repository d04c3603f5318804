package io.github.cudnn4j.examples;

import module java.base;

/** What examples do with vectors that stand for sequences. */
final class Vectors {

  private static final int ITERATIONS = 200;

  private Vectors() {}

  /** Returns the directions in which vectors differ most, by power iteration. */
  static List<double[]> components(List<double[]> vectors, int count) {
    int size = vectors.getFirst().length;
    var mean = new double[size];
    vectors.forEach(vector -> Arrays.setAll(mean, i -> mean[i] + vector[i] / vectors.size()));
    var rest =
        vectors.stream()
            .map(x -> IntStream.range(0, size).mapToDouble(i -> x[i] - mean[i]).toArray())
            .toList();
    var components = new ArrayList<double[]>();
    var random = new SplittableRandom(1);
    for (int k = 0; k < count; k++) {
      double[] axis = random.doubles(size, -1, 1).toArray();
      for (int n = 0; n < ITERATIONS; n++) {
        var next = new double[size];
        for (double[] x : rest) {
          double along = dot(x, axis);
          Arrays.setAll(next, i -> next[i] + along * x[i]);
        }
        double length = Math.sqrt(dot(next, next));
        Arrays.setAll(axis, i -> next[i] / length);
      }
      components.add(axis);
      for (double[] x : rest) {
        double along = dot(x, axis);
        Arrays.setAll(x, i -> x[i] - along * axis[i]);
      }
    }
    return components;
  }

  static double dot(double[] x, double[] y) {
    return IntStream.range(0, x.length).mapToDouble(i -> x[i] * y[i]).sum();
  }

  /** Returns the vectors, changed so that each element has mean 0 and deviation 1. */
  static List<double[]> standard(List<double[]> vectors) {
    int size = vectors.getFirst().length;
    var mean = new double[size];
    var square = new double[size];
    for (double[] x : vectors) {
      Arrays.setAll(mean, i -> mean[i] + x[i] / vectors.size());
      Arrays.setAll(square, i -> square[i] + x[i] * x[i] / vectors.size());
    }
    for (double[] x : vectors) {
      Arrays.setAll(x, i -> (x[i] - mean[i]) / Math.sqrt(square[i] - mean[i] * mean[i] + 1e-9));
    }
    return vectors;
  }

  static double distance(double[] x, double[] y) {
    return IntStream.range(0, x.length).mapToDouble(i -> (x[i] - y[i]) * (x[i] - y[i])).sum();
  }

  /** How often the nearest vector is that of the same place; among equal ones it is drawn. */
  static double found(List<double[]> from, List<double[]> to) {
    double right = 0;
    for (int i = 0; i < from.size(); i++) {
      double[] one = from.get(i);
      double[] far = to.stream().mapToDouble(other -> Vectors.distance(one, other)).toArray();
      double least = DoubleStream.of(far).min().orElseThrow();
      right += far[i] == least ? 1.0 / DoubleStream.of(far).filter(x -> x == least).count() : 0;
    }
    return right / from.size();
  }
}
