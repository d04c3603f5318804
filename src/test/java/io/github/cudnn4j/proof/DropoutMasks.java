package io.github.cudnn4j.proof;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.Precision;
import io.github.cudnn4j.rnn.Rnn;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.rnn.RnnParameter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What the dropout of a network's first training pass multiplies by, seen from outside: a ReLU
 * network with the same generator and outputs of the same size, whose lower layers put out 1
 * everywhere and whose last layer puts out what arrives there.
 *
 * <p>It stands on this: masks are drawn layer by layer, from the seed and the size of the outputs,
 * whatever the cell and the precision.
 */
final class DropoutMasks {
  private DropoutMasks() {}

  /** For each pseudo-layer {@code [time][batch][D*P]}, null for those of the first layer. */
  static double @Nullable [][][][] of(Device device, RnnConfig config, Rows rows) {
    if (config.dropout() == 0) {
      return null;
    }
    int directions = config.directions();
    double[][][][] masks = new double[config.pseudoLayers()][][][];
    for (int layer = 1; layer < config.layers(); layer++) {
      RnnConfig probe =
          RnnConfig.relu(1, config.projectionSize())
              .layers(layer + 1)
              .dropout(config.dropout(), config.dropoutSeed())
              .precision(Precision.FP64);
      for (int direction = 0; direction < directions; direction++) {
        masks[layer * directions + direction] =
            new double[rows.time()][rows.batch()][config.outputSize()];
      }
      for (int part = 0; part < directions; part++) {
        try (Rnn rnn = Rnn.create(device, directions == 2 ? probe.bidirectional() : probe)) {
          Run.set(rnn, parameters(rnn, layer, part));
          read(rnn, rows, masks, layer, part);
        }
      }
    }
    return masks;
  }

  /** Zeros, but for input biases of 1 below the last layer, which passes a part of its input on. */
  private static Map<String, double[]> parameters(Rnn rnn, int last, int part) {
    int width = rnn.config().hiddenSize();
    Map<String, double[]> parameters = new LinkedHashMap<>();
    for (RnnParameter parameter : rnn.weights().parameters()) {
      double[] values = new double[Math.toIntExact(parameter.elements())];
      String name = parameter.name();
      boolean inLast = name.contains("_l" + last);
      if (name.startsWith("bias_ih") && !inLast) {
        Arrays.fill(values, 1);
      } else if (name.startsWith("weight_ih") && inLast) {
        int columns = values.length / width;
        for (int j = 0; j < width; j++) {
          values[j * columns + part * width + j] = 1;
        }
      }
      parameters.put(name, values);
    }
    return parameters;
  }

  /** Fills in a part of the masks of one layer, which stands in both directions of the output. */
  private static void read(Rnn rnn, Rows rows, double[][][][] masks, int layer, int part) {
    int width = rnn.config().hiddenSize();
    int directions = rnn.config().directions();
    double[] x = new double[rows.vectors()];
    double[] dy = new double[rows.vectors() * width * directions];
    double[] y = Run.once(rnn, rows, new Run.Inputs(x, null, null, dy, null, null)).get("y");
    for (int row = 0; row < rows.batch(); row++) {
      for (int t = 0; t < rows.lengths().get(row); t++) {
        for (int direction = 0; direction < directions; direction++) {
          System.arraycopy(
              y,
              (rows.vector(t, row) * directions + direction) * width,
              masks[layer * directions + direction][t][row],
              part * width,
              width);
        }
      }
    }
  }
}
