package io.github.cudnn4j.tape;

import static io.github.cudnn4j.proof.Numbers.read;
import static io.github.cudnn4j.proof.Numbers.round;
import static io.github.cudnn4j.testing.Refusals.refuses;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.testing.Closeness;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Connectionist temporal classification against the sum over all ways to read labels. */
class CtcTest {

  private Device device;
  private DrawnParameters parameters;

  @BeforeEach
  void open() {
    device = Device.open();
    parameters = new DrawnParameters(device, new SplittableRandom(7));
  }

  @AfterEach
  void close() {
    parameters.close();
    device.close();
  }

  /** The probability that steps are read as labels, by the sum over all ways to read them. */
  private static double probability(double[][] p, int[] labels) {
    int symbols = p[0].length;
    double total = 0;
    for (long path = 0; path < Math.pow(symbols, p.length); path++) {
      double product = 1;
      int before = 0;
      int read = 0;
      long rest = path;
      for (double[] step : p) {
        int symbol = (int) (rest % symbols);
        rest /= symbols;
        product *= step[symbol];
        if (symbol != 0 && symbol != before) {
          read = read >= 0 && read < labels.length && labels[read] == symbol ? read + 1 : -1;
          if (read < 0) {
            break;
          }
        }
        before = symbol;
      }
      total += read == labels.length ? product : 0;
    }
    return total;
  }

  /** Costs of the sequences of logits [T, B, 3], NaN for what has no alignment. */
  private static double[] costs(double[] logits, int[] steps, int[][] labels) {
    var costs = new double[steps.length];
    for (int b = 0; b < steps.length; b++) {
      var p = new double[steps[b]][3];
      for (int t = 0; t < steps[b]; t++) {
        int first = (t * steps.length + b) * 3;
        double[] row = Arrays.copyOfRange(logits, first, first + 3);
        double sum = Arrays.stream(row).map(Math::exp).sum();
        p[t] = Arrays.stream(row).map(v -> Math.exp(v) / sum).toArray();
      }
      double probability = steps[b] == 0 ? 0 : probability(p, labels[b]);
      costs[b] = probability == 0 ? Double.NaN : -Math.log(probability);
    }
    return costs;
  }

  private static double meanCost(double[] logits, int[] steps, int[][] labels) {
    return Arrays.stream(costs(logits, steps, labels)).filter(Double::isFinite).average().orElse(0);
  }

  /** Labels and lengths change between replays of one graph; some sequences have no alignment. */
  @Test
  void alignmentsOfLabels() {
    var x = parameters.draw(ElementType.FLOAT64, 4, 4, 3);
    var random = new SplittableRandom(3);
    try (var tape = Tape.training(device, Precision.FP64)) {
      var labels = tape.indices(3, 4);
      var labelLengths = tape.lengths(4);
      var steps = tape.lengths(4);
      var loss = tape.ctc(tape.scale(x, 2), steps, labels, labelLengths);
      tape.forward();
      assertEquals(0, loss.read(), "nothing counts");
      Gradients.play(tape);
      try (var graph = device.stream().capture(() -> Gradients.play(tape))) {
        for (int round = 0; round < 6; round++) {
          int[] lengths = random.ints(4, 0, 5).toArray();
          var taken = new int[4][];
          var packed = new int[12];
          Arrays.fill(packed, -1);
          for (int b = 0; b < 4; b++) {
            taken[b] = random.ints(random.nextInt(4), 1, 3).toArray();
            for (int l = 0; l < taken[b].length; l++) {
              packed[l * 4 + b] = taken[b][l];
            }
          }
          labels.buffer().copyFrom(packed);
          // A label sequence ends at its length or at a negative label.
          labelLengths.set(3, taken[1].length, 3, taken[3].length);
          steps.set(lengths);
          loss.meter().clear();
          double[] gradient = Gradients.of(parameters.all(), graph::launch)[0];
          double[] logits = Arrays.stream(read(x.value())).map(v -> 2 * v).toArray();
          double[] costs = costs(logits, lengths, taken);
          assertEquals(
              Arrays.stream(costs).filter(Double::isFinite).count(), loss.meter().toDoubles()[1]);
          assertEquals(meanCost(logits, lengths, taken), loss.read(), 1e-5);
          var differences = new double[gradient.length];
          for (int i = 0; i < differences.length; i++) {
            double[] moved = logits.clone();
            moved[i] = logits[i] + 1e-5;
            double above = meanCost(moved, lengths, taken);
            moved[i] = logits[i] - 1e-5;
            differences[i] = 2 * (above - meanCost(moved, lengths, taken)) / 2e-5;
          }
          // cuDNN computes in FLOAT32.
          Closeness.within(1e-5).check("round " + round, differences, gradient);
        }
        // A label that is the blank, or no symbol, is no number, so that the step is refused.
        steps.set(4, 4, 4, 4);
        for (int wrong : new int[] {0, 3}) {
          labels.buffer().copyFrom(new int[] {1, 1, wrong, 1, 2, 2, 2, 2, 1, 1, 1, 1});
          labelLengths.set(1, 1, 1, 1);
          graph.launch();
          assertEquals(Double.NaN, loss.read());
        }
      }
      refuses(
          "Indices[3, 5] as labels of Tensor[4, 4, 3] of FLOAT64",
          () -> tape.ctc(x, steps, tape.indices(3, 5), labelLengths));
      refuses(
          "4 lengths of the input and 3 of the labels for 4 sequences",
          () -> tape.ctc(x, steps, labels, tape.lengths(3)));
      refuses(
          "maxLabels is 256, but it must be in [0, 255]",
          () -> tape.ctc(x, steps, tape.indices(256, 4), labelLengths));
    }
  }

  /** Rows that fill up a batch have a step, labels of none, or any that were there before. */
  @Test
  void alignmentsThatDoNotCount() {
    var x = parameters.draw(ElementType.FLOAT64, 4, 3, 3);
    try (var tape = Tape.training(device, Precision.FP64)) {
      var labels = tape.indices(2, 3);
      labels.buffer().copyFrom(new int[] {1, -1, 0, 2, -1, 7});
      var labelLengths = tape.lengths(3);
      labelLengths.set(2, 0, 2);
      var steps = tape.lengths(3);
      steps.set(4, 1, 1);
      var counted = tape.indices(3);
      counted.buffer().copyFrom(new int[] {0, -1, -1});
      var loss = tape.ctc(tape.scale(x, 2), steps, labels, labelLengths, counted);
      double[] gradient = Gradients.of(parameters.all(), () -> Gradients.play(tape))[0];
      double[] logits = Arrays.stream(read(x.value())).map(v -> 2 * v).toArray();
      double cost = costs(logits, new int[] {4, 0, 0}, new int[][] {{1, 2}, {}, {}})[0];
      assertEquals(cost, loss.read(), 1e-5);
      assertEquals(1, loss.meter().toDoubles()[1]);
      for (int i = 0; i < gradient.length; i++) {
        assertEquals(i / 3 % 3 == 0, gradient[i] != 0, "element " + i);
      }
      refuses(
          "Indices[2] as what counts of 3 sequences",
          () -> tape.ctc(x, steps, labels, labelLengths, tape.indices(2)));
    }
  }
}
