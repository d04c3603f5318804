package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.WeightLayout;
import java.util.Arrays;

/**
 * A network's weights by the arrays of Keras and of ONNX.
 *
 * <pre>{@code
 * ForeignWeights.setKeras(rnn.weights(), 0, false, kernel, recurrentKernel, bias);
 * ForeignWeights.setOnnx(rnn.weights(), 0, w, r, b);
 * }</pre>
 *
 * <p>Arrays are row-major, in the layouts of {@link WeightLayout}; what cuDNN's cells do not
 * compute is refused by {@link WeightLayout#requireComputable}, which the caller asks with the
 * attributes of the layer. The network has the bias mode DOUBLE. All methods wait for the device's
 * stream.
 */
public final class ForeignWeights {
  private ForeignWeights() {}

  /** The arrays of one layer and direction in Keras. */
  public record Keras(double[] kernel, double[] recurrentKernel, double[] bias) {}

  /** The arrays of one layer, all directions, in ONNX. */
  public record Onnx(double[] w, double[] r, double[] b) {}

  /**
   * Sets one layer and direction from Keras's arrays.
   *
   * @param kernel {@code [I, G*H]}
   * @param recurrentKernel {@code [H, G*H]}
   * @param bias {@code [2, G*H]} of a GRU, {@code [G*H]} of others
   * @throws IllegalArgumentException if there is no such layer or direction, an array has another
   *     length, or the bias mode is not DOUBLE; nothing is set then
   */
  public static void setKeras(
      RnnWeights weights,
      int layer,
      boolean reverse,
      double[] kernel,
      double[] recurrentKernel,
      double[] bias) {
    Layer target = new Layer(weights, layer, reverse);
    target.set(WeightLayout.KERAS, kernel, recurrentKernel, bias);
  }

  /**
   * Returns one layer and direction as Keras's arrays.
   *
   * @throws IllegalArgumentException if there is no such layer or direction, or the bias mode is
   *     not DOUBLE
   */
  public static Keras keras(RnnWeights weights, int layer, boolean reverse) {
    Layer source = new Layer(weights, layer, reverse);
    WeightLayout layout = WeightLayout.KERAS;
    return new Keras(
        source.matrix(layout, source.ofInput),
        source.matrix(layout, source.ofState),
        source.biases(layout));
  }

  /**
   * Sets one layer from the inputs of ONNX's operator, D being the network's directions.
   *
   * @param w {@code [D, G*H, I]}
   * @param r {@code [D, G*H, H]}
   * @param b {@code [D, 2*G*H]}; all zeros if the operator has none
   * @throws IllegalArgumentException if there is no such layer, an array has another length, or the
   *     bias mode is not DOUBLE; nothing is set then
   */
  public static void setOnnx(RnnWeights weights, int layer, double[] w, double[] r, double[] b) {
    int directions = weights.config().directions();
    Layer first = new Layer(weights, layer, false);
    requireLength("W", w, directions * first.ofInput.elements());
    requireLength("R", r, directions * first.ofState.elements());
    requireLength("B", b, directions * 2 * first.onInput.elements());
    for (int direction = 0; direction < directions; direction++) {
      Layer target = new Layer(weights, layer, direction == 1);
      target.set(
          WeightLayout.ONNX,
          part(w, direction, directions),
          part(r, direction, directions),
          part(b, direction, directions));
    }
  }

  /**
   * Returns one layer as the inputs of ONNX's operator.
   *
   * @throws IllegalArgumentException if there is no such layer, or the bias mode is not DOUBLE
   */
  public static Onnx onnx(RnnWeights weights, int layer) {
    Onnx forward = onnx(new Layer(weights, layer, false));
    if (weights.config().directions() == 1) {
      return forward;
    }
    Onnx reverse = onnx(new Layer(weights, layer, true));
    return new Onnx(
        concat(forward.w, reverse.w), concat(forward.r, reverse.r), concat(forward.b, reverse.b));
  }

  private static Onnx onnx(Layer source) {
    WeightLayout layout = WeightLayout.ONNX;
    return new Onnx(
        source.matrix(layout, source.ofInput),
        source.matrix(layout, source.ofState),
        source.biases(layout));
  }

  private static void requireLength(String name, double[] values, long length) {
    if (values.length != length) {
      throw new IllegalArgumentException(
          name + " has " + values.length + " elements, but it must have " + length);
    }
  }

  private static double[] part(double[] values, int index, int count) {
    int length = values.length / count;
    return Arrays.copyOfRange(values, index * length, (index + 1) * length);
  }

  private static double[] concat(double[] first, double[] second) {
    double[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  /** The four parameters of one layer and direction. */
  private static final class Layer {
    final WeightLayout.Cell cell;
    final int hidden;
    final RnnParameter ofInput;
    final RnnParameter ofState;
    final RnnParameter onInput;
    final RnnParameter onState;

    Layer(RnnWeights weights, int layer, boolean reverse) {
      RnnConfig config = weights.config();
      if (!config.bias().onInput() || !config.bias().onState()) {
        throw new IllegalArgumentException(
            "Keras and ONNX have two biases, but the bias mode is " + config.bias());
      }
      if (config.projects() || config.inputSkipped()) {
        throw new IllegalArgumentException(
            "Keras and ONNX have neither projections nor skipped inputs, but this is " + config);
      }
      String suffix = "_l" + layer + (reverse ? "_reverse" : "");
      cell =
          switch (config.mode()) {
            case RnnMode.LSTM -> WeightLayout.Cell.LSTM;
            case RnnMode.GRU -> WeightLayout.Cell.GRU;
            default -> WeightLayout.Cell.RNN;
          };
      hidden = config.hiddenSize();
      ofInput = weights.parameter("weight_ih" + suffix);
      ofState = weights.parameter("weight_hh" + suffix);
      onInput = weights.parameter("bias_ih" + suffix);
      onState = weights.parameter("bias_hh" + suffix);
    }

    void set(WeightLayout layout, double[] input, double[] state, double[] biases) {
      double[] inputMatrix = layout.matrixToPyTorch(cell, hidden, columns(ofInput), input);
      double[] stateMatrix = layout.matrixToPyTorch(cell, hidden, columns(ofState), state);
      WeightLayout.Biases both = layout.biasesToPyTorch(cell, hidden, biases);
      ofInput.copyFrom(inputMatrix);
      ofState.copyFrom(stateMatrix);
      onInput.copyFrom(both.onInput());
      onState.copyFrom(both.onState());
    }

    double[] matrix(WeightLayout layout, RnnParameter parameter) {
      return layout.matrixFromPyTorch(cell, hidden, columns(parameter), read(parameter));
    }

    double[] biases(WeightLayout layout) {
      return layout.biasesFromPyTorch(
          cell, hidden, new WeightLayout.Biases(read(onInput), read(onState)));
    }

    private static int columns(RnnParameter parameter) {
      return parameter.shape()[1];
    }

    private static double[] read(RnnParameter parameter) {
      double[] values = new double[Math.toIntExact(parameter.elements())];
      parameter.copyTo(values);
      return values;
    }
  }
}
