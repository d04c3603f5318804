package io.github.cudnn4j.proof;

import io.github.cudnn4j.rnn.RnnConfig;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@link ReferenceRnn} computes, from the inputs and under the names of {@link Run}. */
final class Reference {
  private static final String[] KINDS = {
    "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"
  };

  private Reference() {}

  /**
   * All results of a forward and a backward pass.
   *
   * @param parameters those that the configuration has, by name
   * @param masks as in {@link ReferenceRnn}
   */
  static Map<String, double[]> results(
      RnnConfig config,
      Rows rows,
      Map<String, double[]> parameters,
      Run.Inputs in,
      double @Nullable [][][][] masks) {
    ReferenceRnn reference = new ReferenceRnn(config, masks);
    ReferenceRnn.Output output = forward(reference, config, rows, parameters, in);
    ReferenceRnn.Gradients gradients =
        reference.backward(
            sequence(rows, in.dy(), config.outputSize()),
            states(config, rows, config.projectionSize(), in.dhy()),
            states(config, rows, config.hiddenSize(), in.dcy()));

    Map<String, double[]> results = new LinkedHashMap<>();
    results.put("y", flat(rows, output.y(), config.outputSize()));
    results.put("hy", flat(output.hy()));
    results.put("dx", flat(rows, gradients.dx(), config.inputSize()));
    results.put("dhx", flat(gradients.dhx()));
    if (config.hasCellState()) {
      results.put("cy", flat(output.cy()));
      results.put("dcx", flat(gradients.dcx()));
    }
    for (int p = 0; p < reference.parameters.length; p++) {
      for (String kind : KINDS) {
        String name = name(config, p, kind);
        if (parameters.containsKey(name)) {
          results.put("gradient of " + name, part(gradients.dParameters()[p], kind));
        }
      }
    }
    return results;
  }

  /** For each row, {@link ReferenceRnn#distanceToJump}. */
  static double[] distancesToJump(
      RnnConfig config,
      Rows rows,
      Map<String, double[]> parameters,
      Run.Inputs in,
      double @Nullable [][][][] masks) {
    ReferenceRnn reference = new ReferenceRnn(config, masks);
    forward(reference, config, rows, parameters, in);
    double[] distances = new double[rows.batch()];
    Arrays.setAll(distances, reference::distanceToJump);
    return distances;
  }

  private static ReferenceRnn.Output forward(
      ReferenceRnn reference,
      RnnConfig config,
      Rows rows,
      Map<String, double[]> parameters,
      Run.Inputs in) {
    for (int p = 0; p < reference.parameters.length; p++) {
      for (String kind : KINDS) {
        double[] values = parameters.get(name(config, p, kind));
        if (values != null) {
          double[] target = part(reference.parameters[p], kind);
          System.arraycopy(values, 0, target, 0, target.length);
        }
      }
    }
    return reference.forward(
        sequence(rows, in.x(), config.inputSize()),
        rows.lengthArray(),
        states(config, rows, config.projectionSize(), in.hx()),
        states(config, rows, config.hiddenSize(), in.cx()));
  }

  private static String name(RnnConfig config, int pseudoLayer, String kind) {
    int directions = config.directions();
    return kind
        + "_l"
        + pseudoLayer / directions
        + (pseudoLayer % directions == 1 ? "_reverse" : "");
  }

  private static double[] part(ReferenceRnn.Parameters parameters, String kind) {
    return switch (kind) {
      case "weight_ih" -> parameters.wIh();
      case "weight_hh" -> parameters.wHh();
      case "bias_ih" -> parameters.bIh();
      case "bias_hh" -> parameters.bHh();
      case "weight_hr" -> parameters.wHr();
      default -> throw new AssertionError(kind);
    };
  }

  private static double[][][] sequence(Rows rows, double[] values, int width) {
    double[][][] result = new double[rows.time()][rows.batch()][];
    for (int row = 0; row < rows.batch(); row++) {
      for (int t = 0; t < rows.lengths().get(row); t++) {
        int start = rows.vector(t, row) * width;
        result[t][row] = Arrays.copyOfRange(values, start, start + width);
      }
    }
    return result;
  }

  /** Padding is 0. */
  private static double[] flat(Rows rows, double[][][] sequence, int width) {
    double[] result = new double[rows.vectors() * width];
    for (int row = 0; row < rows.batch(); row++) {
      for (int t = 0; t < rows.lengths().get(row); t++) {
        System.arraycopy(sequence[t][row], 0, result, rows.vector(t, row) * width, width);
      }
    }
    return result;
  }

  private static double[][][] states(
      RnnConfig config, Rows rows, int width, double @Nullable [] values) {
    double[][][] result = new double[config.pseudoLayers()][rows.batch()][width];
    if (values != null) {
      for (int p = 0; p < result.length; p++) {
        for (int row = 0; row < rows.batch(); row++) {
          System.arraycopy(values, (p * rows.batch() + row) * width, result[p][row], 0, width);
        }
      }
    }
    return result;
  }

  private static double[] flat(double[][][] values) {
    return Arrays.stream(values).flatMap(Arrays::stream).flatMapToDouble(Arrays::stream).toArray();
  }
}
