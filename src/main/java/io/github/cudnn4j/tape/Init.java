package io.github.cudnn4j.tape;

import io.github.cudnn4j.rnn.RnnInitializer;
import java.util.Arrays;
import java.util.Locale;
import java.util.random.RandomGenerator;

/**
 * How the first values of a tensor are drawn, in double on the host, so that the same seed gives
 * the same values on every device, rounded to the tensor's type.
 *
 * <pre>{@code
 * p.init("rnn.weight_hh*", Init.orthogonal());
 * p.init("*.bias", Init.zeros());
 * p.init("scores", (random, shape) -> new double[] {1, 2, 3});
 * }</pre>
 *
 * <p>Of a recurrent network every gate has a matrix and a bias of its own here, as if it stood
 * alone. A <em>fan</em> is an extent of a matrix {@code [outputs, inputs]}; what depends on one
 * refuses other shapes by an IllegalArgumentException when it draws.
 */
@FunctionalInterface
public interface Init {

  /**
   * Draws all values.
   *
   * @param shape extents, outermost first
   * @return as many values as the shape has, row-major
   */
  double[] draw(RandomGenerator random, int... shape);

  /**
   * Evenly between −bound and bound.
   *
   * @throws IllegalArgumentException if the bound is not above 0 and finite
   */
  static Init uniform(double bound) {
    requirePositive("bound", bound);
    return (random, shape) -> random.doubles(count(shape), -bound, bound).toArray();
  }

  /**
   * Normally around 0.
   *
   * @throws IllegalArgumentException if the deviation is not above 0 and finite
   */
  static Init normal(double deviation) {
    requirePositive("deviation", deviation);
    return (random, shape) -> {
      var values = new double[count(shape)];
      Arrays.setAll(values, _ -> deviation * random.nextGaussian());
      return values;
    };
  }

  /** All 0. */
  static Init zeros() {
    return constant(0);
  }

  /**
   * All the same.
   *
   * @throws IllegalArgumentException if the value is not finite
   */
  static Init constant(double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("constant " + value + ", must be finite");
    }
    return (_, shape) -> {
      var values = new double[count(shape)];
      Arrays.fill(values, value);
      return values;
    };
  }

  /**
   * A matrix, uniformly with the deviation √(2 / (inputs + outputs)).
   *
   * @see <a href="https://proceedings.mlr.press/v9/glorot10a.html">Glorot and Bengio, 2010</a>
   */
  static Init xavierUniform() {
    return (random, shape) -> uniform(Math.sqrt(3) * xavier(shape)).draw(random, shape);
  }

  /** As {@link #xavierUniform}, normally. */
  static Init xavierNormal() {
    return (random, shape) -> normal(xavier(shape)).draw(random, shape);
  }

  /**
   * A matrix in front of a ReLU, uniformly with the deviation √(2 / inputs).
   *
   * @see <a href="https://arxiv.org/abs/1502.01852">He, Zhang, Ren and Sun, 2015</a>
   */
  static Init kaimingUniform() {
    return (random, shape) -> uniform(Math.sqrt(3) * kaiming(shape)).draw(random, shape);
  }

  /** As {@link #kaimingUniform}, normally. */
  static Init kaimingNormal() {
    return (random, shape) -> normal(kaiming(shape)).draw(random, shape);
  }

  /**
   * A matrix whose rows or columns, whichever are fewer, are orthonormal.
   *
   * @see <a href="https://arxiv.org/abs/1312.6120">Saxe et al., 2013</a>
   */
  static Init orthogonal() {
    return (random, shape) -> {
      requireMatrix(shape);
      return RnnInitializer.orthogonal(random, shape[0], shape[1]);
    };
  }

  /** This, each value multiplied by a factor, such as the gain of a nonlinearity. */
  default Init times(double factor) {
    return (random, shape) ->
        Arrays.stream(draw(random, shape)).map(value -> factor * value).toArray();
  }

  private static double xavier(int[] shape) {
    requireMatrix(shape);
    return Math.sqrt(2.0 / ((double) shape[0] + shape[1]));
  }

  private static double kaiming(int[] shape) {
    requireMatrix(shape);
    return Math.sqrt(2.0 / shape[1]);
  }

  private static void requireMatrix(int[] shape) {
    if (shape.length != 2) {
      throw new IllegalArgumentException(
          "a tensor of " + Arrays.toString(shape) + " has no fans; only a matrix has");
    }
  }

  private static void requirePositive(String name, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s %s, must be above 0 and finite", name, value));
    }
  }

  private static int count(int[] shape) {
    return Parameter.count(shape);
  }
}
