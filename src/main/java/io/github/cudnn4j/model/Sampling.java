package io.github.cudnn4j.model;

import java.util.Arrays;
import java.util.List;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * How the next symbol is drawn from a network's logits: from the softmax of the logits divided by
 * the temperature, of the likeliest symbols only.
 *
 * <p>Equally likely symbols come in the order of their numbers, so that the same numbers of a
 * generator draw the same symbols.
 *
 * @param temperature 1 draws from the network's own distribution, less sharpens it, 0 always takes
 *     the likeliest symbol, whatever the other two are
 * @param topK how many of the likeliest symbols can be drawn; {@link Integer#MAX_VALUE} for all
 * @param topP the nucleus: of those, as few of the likeliest can be drawn as have this probability
 *     together; 1 for all
 * @see <a href="https://arxiv.org/abs/1904.09751">Holtzman et al., 2020 (nucleus sampling)</a>
 */
public record Sampling(double temperature, int topK, double topP) {

  /** Takes the likeliest symbol. */
  public static final Sampling GREEDY = temperature(0);

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException if the temperature is negative or not finite, {@code topK} is
   *     below 1, or {@code topP} is not in (0, 1]
   */
  public Sampling {
    if (!(temperature >= 0 && temperature < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          "temperature is " + temperature + ", must be finite and 0 or more");
    }
    if (topK < 1) {
      throw new IllegalArgumentException("topK is " + topK + ", must be 1 or more");
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("topP is " + topP + ", must be above 0 and at most 1");
    }
  }

  /** Draws from all symbols. */
  public static Sampling temperature(double temperature) {
    return new Sampling(temperature, Integer.MAX_VALUE, 1);
  }

  /** Returns the same with another number of symbols that can be drawn. */
  public Sampling topK(int symbols) {
    return new Sampling(temperature, symbols, topP);
  }

  /** Returns the same with another nucleus. */
  public Sampling topP(double probability) {
    return new Sampling(temperature, topK, probability);
  }

  /**
   * Draws a symbol; takes one number from the generator, whatever the temperature.
   *
   * @param logits of each symbol, not changed; of negative infinity where it cannot be drawn
   * @return the symbol's number
   * @throws ArithmeticException if a logit is NaN or positive infinity, or all are negative
   *     infinity
   */
  public int draw(float[] logits, RandomGenerator random) {
    return draw(logits, random.nextDouble());
  }

  /** As {@link #draw(float[], RandomGenerator)}, with a number from 0 to below 1. */
  int draw(float[] logits, double uniform) {
    int likeliest = likeliest(logits);
    if (temperature == 0) {
      return likeliest;
    }
    double[] weights = new double[logits.length];
    for (int symbol = 0; symbol < logits.length; symbol++) {
      weights[symbol] = Math.exp((logits[symbol] - logits[likeliest]) / temperature);
    }
    if (topK < logits.length || topP < 1) {
      leaveLikeliest(logits, weights);
    }
    double total = 0;
    for (double weight : weights) {
      total += weight;
    }
    double left = uniform * total;
    for (int symbol = 0; symbol < weights.length; symbol++) {
      left -= weights[symbol];
      if (left < 0) {
        return symbol;
      }
    }
    return likeliest;
  }

  /**
   * Draws sequences at once, each until its end symbol.
   *
   * @param step is called at most {@code most} times, with a row for each sequence; those that have
   *     ended go on, for nothing
   * @param starts the symbol that each of the sequences reads first, no part of the result
   * @param end the symbol that ends a sequence, no part of the result; -1 for none
   * @param most the most symbols of a sequence
   * @throws IllegalArgumentException if {@code most} is negative, or {@code step} returns another
   *     number of rows
   * @throws ArithmeticException as {@link #draw(float[], RandomGenerator)} does
   */
  public List<int[]> draw(
      StepFunction step, int[] starts, int end, int most, RandomGenerator random) {
    if (most < 0) {
      throw new IllegalArgumentException("most is " + most + ", must be 0 or more");
    }
    List<IntStream.Builder> sequences =
        Stream.generate(IntStream::builder).limit(starts.length).toList();
    boolean[] ended = new boolean[starts.length];
    int[] parents = IntStream.range(0, starts.length).toArray();
    int[] symbols = starts.clone();
    int going = starts.length;
    for (int time = 0; time < most && going > 0; time++) {
      float[][] logits = step.advance(parents, symbols);
      if (logits.length != starts.length) {
        throw new IllegalArgumentException(
            "the step function returned " + logits.length + " rows of logits for " + starts.length);
      }
      for (int row = 0; row < starts.length; row++) {
        if (ended[row]) {
          continue;
        }
        symbols[row] = draw(logits[row], random);
        if (symbols[row] == end) {
          ended[row] = true;
          going--;
        } else {
          sequences.get(row).add(symbols[row]);
        }
      }
    }
    return sequences.stream().map(sequence -> sequence.build().toArray()).toList();
  }

  /** Returns the symbol with the largest logit, the first among equals. */
  private static int likeliest(float[] logits) {
    int likeliest = 0;
    for (int symbol = 0; symbol < logits.length; symbol++) {
      // Written so that NaN is refused, too.
      if (!(logits[symbol] < Float.POSITIVE_INFINITY)) {
        throw new ArithmeticException(
            "the model predicts nothing: a logit is "
                + logits[symbol]
                + ", its weights are too large");
      }
      if (logits[symbol] > logits[likeliest]) {
        likeliest = symbol;
      }
    }
    if (logits.length == 0 || logits[likeliest] == Float.NEGATIVE_INFINITY) {
      throw new ArithmeticException("no symbol can be drawn: all are forbidden");
    }
    return likeliest;
  }

  /** Makes the weights 0 of what cannot be drawn. */
  private void leaveLikeliest(float[] logits, double[] weights) {
    long[] order = new long[logits.length];
    for (int symbol = 0; symbol < logits.length; symbol++) {
      order[symbol] = (long) descending(logits[symbol]) << Integer.SIZE | symbol;
    }
    Arrays.sort(order);
    int kept = Math.min(topK, order.length);
    if (topP < 1) {
      double nucleus = 0;
      for (int i = 0; i < kept; i++) {
        nucleus += weights[(int) order[i]];
      }
      nucleus *= topP;
      double sum = 0;
      for (int i = 0; i < kept; i++) {
        sum += weights[(int) order[i]];
        if (sum >= nucleus) {
          kept = i + 1;
        }
      }
    }
    for (int i = kept; i < order.length; i++) {
      weights[(int) order[i]] = 0;
    }
  }

  /** Returns a number that is the smaller, the larger the logit is; 0 and -0 are equal. */
  private static int descending(float logit) {
    int bits = Float.floatToIntBits(logit + 0f);
    return ~(bits < 0 ? bits ^ Integer.MAX_VALUE : bits);
  }
}
