package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cudnn.BiasMode;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.WeightLayout;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A network's weights by the arrays of Keras and of ONNX.
 *
 * <pre>{@code
 * ForeignWeights.setKeras(rnn.weights(), 0, false, config, kernel, recurrentKernel, bias);
 * ForeignWeights.setOnnx(rnn.weights(), 0, attributes, w, r, b);
 * }</pre>
 *
 * <p>Arrays are row-major, in the layouts of {@link WeightLayout}; what cuDNN's cells do not
 * compute is refused as {@link WeightLayout#requireComputable} tells by the attributes of the
 * layer. To be set, the network has the bias mode DOUBLE, or NONE and then null for each bias; the
 * bias that a network of a single one lacks is returned as zeros. All methods wait for the device's
 * stream.
 */
public final class ForeignWeights {
  private ForeignWeights() {}

  /** The arrays of one layer and direction in Keras. */
  public record Keras(double[] kernel, double[] recurrentKernel, double @Nullable [] bias) {

    /** Refuses what is missing. */
    public Keras {
      Objects.requireNonNull(kernel, "kernel");
      Objects.requireNonNull(recurrentKernel, "recurrentKernel");
    }
  }

  /** The arrays of one layer, all directions, in ONNX. */
  public record Onnx(double[] w, double[] r, double @Nullable [] b) {

    /** Refuses what is missing. */
    public Onnx {
      Objects.requireNonNull(w, "w");
      Objects.requireNonNull(r, "r");
    }
  }

  /**
   * Sets one layer and direction from Keras's arrays.
   *
   * @param attributes the layer's config; none are Keras's defaults
   * @param kernel {@code [I, G*H]}
   * @param recurrentKernel {@code [H, G*H]}
   * @param bias {@code [2, G*H]} of a GRU, {@code [G*H]} of others; null for none
   * @throws IllegalArgumentException if there is no such layer or direction, an array has another
   *     length, the network computes something else, or has no biases where there is one, or has
   *     one bias; nothing is set then
   */
  public static void setKeras(
      RnnWeights weights,
      int layer,
      boolean reverse,
      Map<String, ?> attributes,
      double[] kernel,
      double[] recurrentKernel,
      double @Nullable [] bias) {
    Layer target = new Layer(weights, layer, reverse);
    target.requireComputes(WeightLayout.KERAS, attributes);
    target.set(WeightLayout.KERAS, kernel, recurrentKernel, bias);
  }

  /**
   * Returns one layer and direction as Keras's arrays.
   *
   * @throws IllegalArgumentException if there is no such layer or direction
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
   * @param attributes the operator's; none are ONNX's defaults, which for a GRU cuDNN does not
   *     compute
   * @param w {@code [D, G*H, I]}
   * @param r {@code [D, G*H, H]}
   * @param b {@code [D, 2*G*H]}; null if the operator has none
   * @throws IllegalArgumentException if there is no such layer, an array has another length, the
   *     network computes something else, or has no biases where there is one, or has one bias;
   *     nothing is set then
   */
  public static void setOnnx(
      RnnWeights weights,
      int layer,
      Map<String, ?> attributes,
      double[] w,
      double[] r,
      double @Nullable [] b) {
    int directions = weights.config().directions();
    Layer first = new Layer(weights, layer, false);
    first.requireComputes(WeightLayout.ONNX, attributes);
    requireLength("W", w, directions * first.ofInput.elements());
    requireLength("R", r, directions * first.ofState.elements());
    if (b != null) {
      requireLength("B", b, directions * 2L * first.biasElements());
    }
    for (int direction = 0; direction < directions; direction++) {
      Layer target = new Layer(weights, layer, direction == 1);
      target.set(
          WeightLayout.ONNX,
          part(w, direction, directions),
          part(r, direction, directions),
          b == null ? null : part(b, direction, directions));
    }
  }

  /**
   * Returns one layer as the inputs of ONNX's operator.
   *
   * @throws IllegalArgumentException if there is no such layer
   */
  public static Onnx onnx(RnnWeights weights, int layer) {
    Onnx forward = onnx(new Layer(weights, layer, false));
    if (weights.config().directions() == 1) {
      return forward;
    }
    Onnx reverse = onnx(new Layer(weights, layer, true));
    return new Onnx(
        concat(forward.w, reverse.w),
        concat(forward.r, reverse.r),
        forward.b == null || reverse.b == null ? null : concat(forward.b, reverse.b));
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
    final @Nullable RnnParameter onInput;
    final @Nullable RnnParameter onState;
    private final BiasMode bias;
    private final RnnMode mode;

    Layer(RnnWeights weights, int layer, boolean reverse) {
      RnnConfig config = weights.config();
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
      bias = config.bias();
      onInput = bias.onInput() ? weights.parameter("bias_ih" + suffix) : null;
      onState = bias.onState() ? weights.parameter("bias_hh" + suffix) : null;
      mode = config.mode();
    }

    /** G*H. */
    int biasElements() {
      return cell.gates() * hidden;
    }

    void requireComputes(WeightLayout layout, Map<String, ?> attributes) {
      if (bias != BiasMode.DOUBLE && bias != BiasMode.NONE) {
        throw new IllegalArgumentException(
            "Keras and ONNX have two biases or none, but the bias mode is " + bias);
      }
      layout.requireComputable(cell, attributes);
      if (cell == WeightLayout.Cell.RNN
          && !layout.activation(attributes).equalsIgnoreCase(mode.name())) {
        throw new IllegalArgumentException(
            "the activation is "
                + layout.activation(attributes)
                + ", but the network's cell is "
                + mode);
      }
    }

    void set(WeightLayout layout, double[] input, double[] state, double @Nullable [] biases) {
      double[] inputMatrix = layout.matrixToPyTorch(cell, hidden, columns(ofInput), input);
      double[] stateMatrix = layout.matrixToPyTorch(cell, hidden, columns(ofState), state);
      WeightLayout.Biases both =
          biases == null
              ? new WeightLayout.Biases(new double[biasElements()], new double[biasElements()])
              : layout.biasesToPyTorch(cell, hidden, biases);
      if (onInput == null && biases != null) {
        throw new IllegalArgumentException(
            "the layer has a bias, but the network's bias mode is NONE");
      }
      ofInput.copyFrom(inputMatrix);
      ofState.copyFrom(stateMatrix);
      if (onInput != null && onState != null) {
        onInput.copyFrom(both.onInput());
        onState.copyFrom(both.onState());
      }
    }

    double[] matrix(WeightLayout layout, RnnParameter parameter) {
      return layout.matrixFromPyTorch(cell, hidden, columns(parameter), read(parameter));
    }

    double @Nullable [] biases(WeightLayout layout) {
      if (bias == BiasMode.NONE) {
        return null;
      }
      double[] zeros = new double[biasElements()];
      return layout.biasesFromPyTorch(
          cell,
          hidden,
          new WeightLayout.Biases(
              onInput == null ? zeros : read(onInput), onState == null ? zeros : read(onState)));
    }

    private static int columns(RnnParameter parameter) {
      return parameter.shape()[1];
    }

    private static double[] read(RnnParameter parameter) {
      double[] values = new double[parameter.arrayLength()];
      parameter.copyTo(values);
      return values;
    }
  }
}
