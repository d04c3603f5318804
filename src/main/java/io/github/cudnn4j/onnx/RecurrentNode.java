package io.github.cudnn4j.onnx;

import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.WeightLayout;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.Parameters;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A node LSTM, GRU or RNN: the network and its weights. */
record RecurrentNode(
    OnnxNode node,
    RnnConfig config,
    WeightLayout.Cell cell,
    double[] w,
    double[] r,
    double @Nullable [] b) {

  static final List<String> OPERATORS = List.of("LSTM", "GRU", "RNN");

  private static final List<Object> DIRECTIONS = List.of("forward", "bidirectional", "reverse");

  /**
   * Checks a node.
   *
   * @param arrays the file's, by name
   */
  static RecurrentNode of(OnnxNode node, Map<String, OnnxArray> arrays) throws IOException {
    try {
      return checked(node, arrays);
    } catch (IllegalArgumentException | ArithmeticException e) {
      String message = String.valueOf(e.getMessage());
      throw message.startsWith("node ") ? new IOException(message) : node.unreadable(message);
    }
  }

  private static RecurrentNode checked(OnnxNode node, Map<String, OnnxArray> arrays)
      throws IOException {
    WeightLayout.Cell cell = WeightLayout.Cell.valueOf(node.operator());
    Map<String, Object> attributes = new LinkedHashMap<>(node.attributes());
    if (!node.input(7).isEmpty()) {
      attributes.put("P", node.input(7));
    }
    Object direction = attributes.getOrDefault("direction", "forward");
    if (!DIRECTIONS.contains(direction)) {
      throw node.unreadable("direction is " + direction);
    }
    // What reads backward only is recorded as one that reads reversed rows.
    attributes.remove("direction");
    WeightLayout.ONNX.requireComputable(cell, attributes);
    if (node.number("layout", 0) != 0) {
      throw node.unreadable("layout = 1, the batch before the time, is not read");
    }
    int directions = direction.equals("bidirectional") ? 2 : 1;
    OnnxArray w = weight(node, 1, "W", arrays, 3);
    OnnxArray r = weight(node, 2, "R", arrays, 3);
    int hidden = r.shape()[2];
    int rows = Math.multiplyExact(cell.gates(), hidden);
    requireShape(node, "R", r, directions, rows, hidden);
    requireShape(node, "W", w, directions, rows, w.shape()[2]);
    OnnxArray b = node.input(3).isEmpty() ? null : weight(node, 3, "B", arrays, 2);
    if (b != null) {
      requireShape(node, "B", b, directions, 2 * rows);
    }
    if (node.number("hidden_size", hidden) != hidden) {
      throw node.unreadable(
          "hidden_size is " + node.number("hidden_size", hidden) + ", but R has " + hidden);
    }
    RnnMode mode =
        switch (cell) {
          case LSTM -> RnnMode.LSTM;
          case GRU -> RnnMode.GRU;
          case RNN ->
              WeightLayout.ONNX.activation(attributes).equals("relu") ? RnnMode.RELU : RnnMode.TANH;
        };
    RnnConfig config =
        RnnConfig.of(mode, w.shape()[2], hidden).bias(b == null ? BiasMode.NONE : BiasMode.DOUBLE);
    return new RecurrentNode(
        node,
        directions == 2 ? config.bidirectional() : config,
        cell,
        w.values(),
        r.values(),
        b == null ? null : b.values());
  }

  /** Tells whether the network begins at each row's last step. */
  static boolean isReverse(OnnxNode node) {
    return "reverse".equals(node.attributes().get("direction"));
  }

  private static OnnxArray weight(
      OnnxNode node, int input, String name, Map<String, OnnxArray> arrays, int rank)
      throws IOException {
    OnnxArray array = arrays.get(node.input(input));
    if (array == null || !array.isFloating()) {
      throw node.unreadable("its " + name + " are no weights of the file");
    }
    if (array.rank() != rank) {
      throw node.unreadable(name + " has the shape " + Arrays.toString(array.shape()));
    }
    return array;
  }

  private static void requireShape(OnnxNode node, String name, OnnxArray array, int... shape)
      throws IOException {
    if (!Arrays.equals(array.shape(), shape)) {
      throw node.unreadable(
          name
              + " has the shape "
              + Arrays.toString(array.shape())
              + ", must be "
              + Arrays.toString(shape));
    }
  }

  /** Sets the weights of the layer that is declared under the node's name. */
  void load(Parameters parameters) {
    for (int direction = 0; direction < config.directions(); direction++) {
      String suffix = "_l0" + (direction == 1 ? "_reverse" : "");
      String prefix = node.name() + ".";
      int hidden = config.hiddenSize();
      parameters.write(
          prefix + "weight_ih" + suffix,
          WeightLayout.ONNX.matrixToPyTorch(cell, hidden, config.inputSize(), part(w, direction)));
      parameters.write(
          prefix + "weight_hh" + suffix,
          WeightLayout.ONNX.matrixToPyTorch(cell, hidden, hidden, part(r, direction)));
      if (b != null) {
        WeightLayout.Biases biases =
            WeightLayout.ONNX.biasesToPyTorch(cell, hidden, part(b, direction));
        parameters.write(prefix + "bias_ih" + suffix, biases.onInput());
        parameters.write(prefix + "bias_hh" + suffix, biases.onState());
      }
    }
  }

  private double[] part(double[] values, int direction) {
    int length = values.length / config.directions();
    return Arrays.copyOfRange(values, direction * length, (direction + 1) * length);
  }
}
