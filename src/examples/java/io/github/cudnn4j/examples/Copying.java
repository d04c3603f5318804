package io.github.cudnn4j.examples;

import module java.base;

import io.github.cudnn4j.data.*;
import io.github.cudnn4j.tape.*;
import io.github.cudnn4j.train.*;

/**
 * The task of {@link Turing}: random symbols are to be written again, so many times in a row, and
 * then a mark of the end.
 *
 * @param symbols how many there are to draw from
 * @param once the most symbols that are to be written once
 * @param length the most symbols that are to be written more often
 * @param times the most times
 */
record Copying(int symbols, int once, int length, int times) {

  private static final int BATCH = 16;
  private static final int SHAPES = 6;
  private static final int HELD = 64;

  /**
   * What is read, {@code [T][inputs]}, and the symbol that is to be written then, or -1. A mark of
   * the beginning is read, symbols, then a mark of their end with a quarter of how many times, and
   * then nothing.
   */
  record Sequence(float[][] steps, int[] wanted) {}

  /** How many symbols and marks of the end are right, and how many sequences with all of them. */
  record Score(double symbols, double sequences) {}

  int inputs() {
    return symbols + 3;
  }

  int outputs() {
    return symbols + 1;
  }

  Batches<Sequence> batches() {
    return batches(Math.max(time(once, 1), time(length, times))).shapes(SHAPES);
  }

  /** Returns these, which are as long as each other. */
  BatchSource batches(List<Sequence> sequences) {
    return batches(sequences.getFirst().wanted.length).over(sequences);
  }

  private Batches<Sequence> batches(int time) {
    return Batches.<Sequence>of(BATCH)
        .floats("steps", time, inputs(), Sequence::steps)
        .labels("wanted", "steps", Sequence::wanted);
  }

  /** Returns the steps of a sequence. */
  static int time(int length, int times) {
    return length + 2 + length * times + 1;
  }

  Sequence sequence(int length, int times, SplittableRandom random) {
    int begin = length + 2;
    int[] wanted = new int[time(length, times)];
    float[][] steps = new float[wanted.length][inputs()];
    Arrays.fill(wanted, 0, begin, -1);
    steps[0][symbols] = 1;
    for (int i = 0; i < length; i++) {
      int symbol = random.nextInt(symbols);
      steps[1 + i][symbol] = 1;
      for (int time = 0; time < times; time++) {
        wanted[begin + time * length + i] = symbol;
      }
    }
    steps[length + 1][symbols + 1] = 1;
    steps[length + 1][symbols + 2] = times / 4f;
    wanted[wanted.length - 1] = symbols;
    return new Sequence(steps, wanted);
  }

  /**
   * Draws what is to be learnt, in this order: longer and longer sequences to be written once, then
   * some to be written more and more often.
   *
   * @param first the steps of training with those that are written once
   */
  List<Sequence> training(int first, int steps, SplittableRandom random) {
    var sequences = new ArrayList<Sequence>();
    for (int step = 0; step < steps; step++) {
      boolean alone = step < first;
      int longest = alone ? Math.min(once, 2 + 2 * once * step / first) : length;
      int most =
          alone ? 1 : Math.min(times, 2 + (times - 1) * 2 * (step - first) / (steps - first));
      for (int row = 0; row < BATCH; row++) {
        sequences.add(
            sequence(random.nextInt(1, longest + 1), random.nextInt(1, most + 1), random));
      }
    }
    return sequences;
  }

  /**
   * Draws sequences of a length and finds how many are written right.
   *
   * @param logits records {@code [B, T, outputs]}
   */
  Score score(Parameters p, Outputs.Model logits, int length, int times, SplittableRandom random)
      throws IOException {
    var held = Stream.generate(() -> sequence(length, times, random)).limit(HELD).toList();
    var found = Outputs.of(p, batches(held), logits);
    int right = 0;
    int exact = 0;
    int each = length * times + 1;
    for (int i = 0; i < HELD; i++) {
      int[] wanted = held.get(i).wanted;
      int before = right;
      for (int t = wanted.length - each; t < wanted.length; t++) {
        right += likeliest(found.get(i), t * outputs()) == wanted[t] ? 1 : 0;
      }
      exact += right - before == each ? 1 : 0;
    }
    return new Score((double) right / HELD / each, (double) exact / HELD);
  }

  private int likeliest(double[] logits, int first) {
    return IntStream.range(0, outputs())
        .boxed()
        .max(Comparator.comparingDouble(symbol -> logits[first + symbol]))
        .orElseThrow();
  }
}
