package io.github.cudnn4j.proof;

import io.github.cudnn4j.rnn.Rnn;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Gradients against central finite differences.
 *
 * <p>The loss is {@code Σ y·dy + Σ hy·dhy + Σ cy·dcy} with fixed random dy, dhy and dcy. A
 * direction in the space of everything that has a gradient is drawn; the derivative along it is
 * {@code ⟨gradient, direction⟩} and must equal {@code (loss(+ε) − loss(−ε)) / 2ε}. One wrong
 * element shows in every direction that it takes part in, and each direction costs two forward
 * passes, whatever the number of elements. There are directions through all tensors at once, and
 * one through each tensor alone. An error is relative to the length of the gradient of the tensors
 * that the direction goes through. With dropout, every pass draws the masks of the first.
 */
final class FiniteDifferences implements AutoCloseable {
  private static final double EPSILON = 1e-6;
  private static final int THROUGH_ALL = 2;

  private final RandomSetup setup;
  private final Rnn rnn;
  private final Run run;
  private final byte[] masks;

  /** The numbers to be moved, by the name of their gradient in {@link Run}'s results. */
  private final Map<String, double[]> point = new LinkedHashMap<>();

  private final Run.Inputs in;

  FiniteDifferences(Rnn rnn, RandomSetup setup, Map<String, double[]> parameters, Run.Inputs in) {
    this.setup = setup;
    this.rnn = rnn;
    this.in = in;
    put("dx", setup.rows().padded(in.x(), 0));
    put("dhx", in.hx());
    put("dcx", in.cx());
    parameters.forEach((name, values) -> point.put("gradient of " + name, values));
    masks = rnn.dropoutState();
    run = new Run(rnn, setup.rows());
  }

  private void put(String name, double @Nullable [] values) {
    if (values != null) {
      point.put(name, values);
    }
  }

  /** The largest error of a derivative over directions through all tensors. */
  double throughAll() {
    Map<String, double[]> gradients = gradients();
    double worst = 0;
    for (int k = 0; k < THROUGH_ALL; k++) {
      worst = Math.max(worst, error(gradients, direction(point)));
    }
    return worst;
  }

  /** The largest error of a derivative over directions through one tensor each. */
  double throughEach() {
    Map<String, double[]> gradients = gradients();
    double worst = 0;
    for (String name : point.keySet()) {
      worst = Math.max(worst, error(gradients, direction(Map.of(name, point.get(name)))));
    }
    return worst;
  }

  private Map<String, double[]> gradients() {
    move(Map.of(), 0);
    return run.forwardAndBackward();
  }

  private Map<String, double[]> direction(Map<String, double[]> tensors) {
    Map<String, double[]> direction = new LinkedHashMap<>();
    tensors.forEach((name, values) -> direction.put(name, setup.uniform(values.length, 1)));
    return direction;
  }

  private double error(Map<String, double[]> gradients, Map<String, double[]> direction) {
    double analytic = 0;
    double squares = 0;
    for (Map.Entry<String, double[]> tensor : direction.entrySet()) {
      double[] gradient = gradients.get(tensor.getKey());
      double[] v = tensor.getValue();
      for (int i = 0; i < v.length; i++) {
        analytic += gradient[i] * v[i];
        squares += gradient[i] * gradient[i];
      }
    }
    double numeric = (loss(direction, EPSILON) - loss(direction, -EPSILON)) / (2 * EPSILON);
    double error = Math.abs(analytic - numeric);
    return error == 0 ? 0 : error / Math.sqrt(squares);
  }

  private double loss(Map<String, double[]> direction, double step) {
    move(direction, step);
    Map<String, double[]> out = run.forward();
    return dot(out.get("y"), in.dy()) + dot(out.get("hy"), in.dhy()) + dot(out.get("cy"), in.dcy());
  }

  /** Sets everything to the point plus a step in a direction. */
  private void move(Map<String, double[]> direction, double step) {
    Map<String, double[]> at = new LinkedHashMap<>();
    point.forEach((name, values) -> at.put(name, plus(values, step, direction.get(name))));
    run.set(
        new Run.Inputs(at.get("dx"), at.get("dhx"), at.get("dcx"), in.dy(), in.dhy(), in.dcy()));
    Map<String, double[]> parameters = new LinkedHashMap<>();
    String prefix = "gradient of ";
    at.forEach(
        (name, values) -> {
          if (name.startsWith(prefix)) {
            parameters.put(name.substring(prefix.length()), values);
          }
        });
    Run.set(rnn, parameters);
    rnn.restoreDropoutState(masks);
  }

  private static double[] plus(double[] v, double step, double @Nullable [] direction) {
    double[] result = v.clone();
    if (direction != null) {
      Arrays.setAll(result, i -> v[i] + step * direction[i]);
    }
    return result;
  }

  /** Zero where something is absent. */
  private static double dot(double @Nullable [] a, double @Nullable [] b) {
    double sum = 0;
    for (int i = 0; a != null && b != null && i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  @Override
  public void close() {
    run.close();
  }
}
