package io.github.cudnn4j.proof;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.CtcGradientMode;
import io.github.cudnn4j.cudnn.CtcLoss;
import io.github.cudnn4j.cudnn.LossNormalization;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.testing.Closeness;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The CTC loss against the sum over all alignments, its finite differences, and PyTorch's {@code
 * ctc_loss}: every case of {@code pytorch-ctc.safetensors}, which {@code pytorch_ctc.py} made.
 */
class CtcTest {
  private static final Closeness CLOSE = Closeness.within(2e-6);

  private static Device device;

  @BeforeAll
  static void open() {
    device = Device.open();
  }

  @AfterAll
  static void close() {
    device.close();
  }

  private record Case(int time, int symbols, int[][] labels, int[] inputLengths) {
    int[] flat() {
      return Arrays.stream(labels).flatMapToInt(Arrays::stream).toArray();
    }

    int[] labelLengths() {
      return Arrays.stream(labels).mapToInt(l -> l.length).toArray();
    }

    int elements() {
      return time * labels.length * symbols;
    }
  }

  private record Result(double[] costs, double[] gradients) {}

  private static Result run(LossNormalization normalization, Case c, double[] x) {
    int batch = c.labels.length;
    try (CtcLoss loss =
            CtcLoss.create(
                device, normalization, CtcGradientMode.ZERO, c.time, batch, c.symbols, c.time);
        DeviceBuffer in = DeviceBuffer.allocate(device, ElementType.FLOAT32, c.elements());
        DeviceBuffer costs = DeviceBuffer.allocate(device, ElementType.FLOAT32, batch);
        DeviceBuffer dx = DeviceBuffer.allocate(device, ElementType.FLOAT32, c.elements())) {
      loss.labels(c.flat(), c.labelLengths(), c.inputLengths);
      Numbers.write(in, x);
      loss.forward(in, costs, dx);
      return new Result(Numbers.read(costs), Numbers.read(dx));
    }
  }

  /** The probability of one sequence's labels: the sum over every alignment that leads to them. */
  private static double probability(LossNormalization normalization, Case c, double[] x, int n) {
    double[][] p = new double[c.inputLengths[n]][];
    for (int t = 0; t < p.length; t++) {
      int start = (t * c.labels.length + n) * c.symbols;
      p[t] = Arrays.copyOfRange(x, start, start + c.symbols);
      if (normalization == LossNormalization.SOFTMAX) {
        double sum = Arrays.stream(p[t]).map(Math::exp).sum();
        p[t] = Arrays.stream(p[t]).map(v -> Math.exp(v) / sum).toArray();
      }
    }
    double total = 0;
    int[] path = new int[p.length];
    long paths = Math.round(Math.pow(c.symbols, p.length));
    for (long i = 0; i < paths; i++) {
      double product = 1;
      long rest = i;
      for (int t = 0; t < p.length; t++) {
        path[t] = (int) (rest % c.symbols);
        rest /= c.symbols;
        product *= p[t][path[t]];
      }
      total += Arrays.equals(collapse(path), c.labels[n]) ? product : 0;
    }
    return total;
  }

  private static int[] collapse(int[] path) {
    int[] labels = new int[path.length];
    int count = 0;
    for (int t = 0; t < path.length; t++) {
      if (path[t] != 0 && (t == 0 || path[t] != path[t - 1])) {
        labels[count++] = path[t];
      }
    }
    return Arrays.copyOf(labels, count);
  }

  /** Repeated labels, none, as many as there are steps, and more than fit. */
  private static final Case MIXED =
      new Case(
          6,
          3,
          new int[][] {{1, 2}, {1, 1, 2}, {}, {2, 2}, {1, 2, 1}, {1, 1}, {2}},
          new int[] {6, 6, 5, 3, 3, 2, 1});

  private static double[] input(LossNormalization normalization, Case c) {
    SplittableRandom random = new SplittableRandom(9);
    // Probabilities need not sum to 1 for the loss to be defined.
    return normalization == LossNormalization.SOFTMAX
        ? random.doubles(c.elements(), -3, 3).map(v -> (float) v).toArray()
        : random.doubles(c.elements(), 0.05, 0.6).map(v -> (float) v).toArray();
  }

  private static double cost(LossNormalization normalization, Case c, double[] x, int n) {
    double probability = probability(normalization, c, x, n);
    return probability == 0 ? 0 : -Math.log(probability);
  }

  @ParameterizedTest
  @EnumSource(LossNormalization.class)
  void agreesWithEveryAlignmentAndFiniteDifferences(LossNormalization normalization) {
    double[] x = input(normalization, MIXED);
    int batch = MIXED.labels.length;
    double[] costs = new double[batch];
    Arrays.setAll(costs, n -> cost(normalization, MIXED, x, n));
    assertEquals(0, costs[5], "two equal labels do not fit into two steps");
    double step = 1e-5;
    double[] gradients = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      int n = i / MIXED.symbols % batch;
      double value = x[i];
      x[i] = value + step;
      double above = cost(normalization, MIXED, x, n);
      x[i] = value - step;
      double below = cost(normalization, MIXED, x, n);
      x[i] = value;
      gradients[i] = (above - below) / (2 * step);
      boolean taken =
          above != below || costs[n] == 0 || i / MIXED.symbols / batch >= MIXED.inputLengths[n];
      if (normalization == LossNormalization.NONE && !taken) {
        // cuDNN's own: a symbol that no alignment takes has its probability.
        gradients[i] = value;
      }
    }

    Result result = run(normalization, MIXED, x);

    CLOSE.check("costs", costs, result.costs);
    CLOSE.check("gradients", gradients, result.gradients);
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "repeats", "lengths", "empty", "impossible", "long"})
  void agreesWithPyTorch(String name) throws IOException, URISyntaxException {
    Path file = Path.of(CtcTest.class.getResource("pytorch-ctc.safetensors").toURI());
    try (SafeTensors vectors = SafeTensors.open(file)) {
      long[] shape = vectors.shape(name + ".x");
      int[] flat = ints(vectors, name + ".labels");
      int[] labelLengths = ints(vectors, name + ".labelLengths");
      int[][] labels = new int[labelLengths.length][];
      int at = 0;
      for (int n = 0; n < labels.length; n++) {
        labels[n] = Arrays.copyOfRange(flat, at, at + labelLengths[n]);
        at += labelLengths[n];
      }
      int[] steps = ints(vectors, name + ".inputLengths");
      for (int n = 0; n < labels.length; n++) {
        if (labels[n].length > steps[n]) {
          // Refused; as many equal labels as there are steps have no alignment either.
          labels[n] = new int[steps[n]];
          Arrays.fill(labels[n], 1);
          assertTrue(CtcLoss.neededSteps(labels[n]) > steps[n]);
        }
      }
      Case c = new Case((int) shape[0], (int) shape[2], labels, steps);

      Result result = run(LossNormalization.SOFTMAX, c, vectors.doubles(name + ".x"));

      CLOSE.check(name + " costs", vectors.doubles(name + ".costs"), result.costs);
      CLOSE.check(name + " dx", vectors.doubles(name + ".dx"), result.gradients);
    }
  }

  private static int[] ints(SafeTensors vectors, String name) throws IOException {
    return Arrays.stream(vectors.longs(name)).mapToInt(Math::toIntExact).toArray();
  }
}
