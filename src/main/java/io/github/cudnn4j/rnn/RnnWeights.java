package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.RnnDescriptor.WeightSlot;
import io.github.cudnn4j.io.SafeTensors;
import io.github.cudnn4j.io.SafeTensorsWriter;
import java.io.IOException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A view of a network's weights, or of their gradients, which lie in the same places.
 *
 * <p>By name, as PyTorch has them, gates stacked; or one matrix or bias at a time, by cuDNN's
 * numbers. {@code k} is a layer, {@code _reverse} the backward direction:
 *
 * <pre>{@code
 * name                       shape                    linear layer ids
 * weight_ih_l{k}[_reverse]   [G*H, I]; [G*H, D*P]     0 .. G-1
 *                            from layer 1
 *                            none at layer 0 with skipInput
 * weight_hh_l{k}[_reverse]   [G*H, P]                 G .. 2G-1
 * bias_ih_l{k}[_reverse]     [G*H]                    0 .. G-1, if the bias mode has it
 * bias_hh_l{k}[_reverse]     [G*H]                    G .. 2G-1, if the bias mode has it
 * weight_hr_l{k}[_reverse]   [P, H]                   2G, with a projection
 * }</pre>
 *
 * <p>P is H without a projection.
 *
 * <p>Everything here borrows one buffer on the device and is valid as long as that. Where the
 * pieces lie in it is cuDNN's choice, asked for once.
 */
public final class RnnWeights {
  private static final Pattern PARAMETER =
      Pattern.compile("(weight|bias)_(ih|hh|hr)_l\\d+(_reverse)?");

  private final RnnConfig config;
  private final DeviceBuffer space;
  private final List<WeightSlot> slots;
  private final Map<String, RnnParameter> parameters = new LinkedHashMap<>();

  /**
   * Makes the view.
   *
   * @param slots every one, ordered by pseudo-layer, then linear layer
   */
  RnnWeights(RnnConfig config, DeviceBuffer space, List<WeightSlot> slots) {
    this.config = config;
    this.space = space;
    this.slots = slots;
    int gates = config.gates();
    for (int first = 0; first < slots.size(); first += linearLayers()) {
      List<WeightSlot> onInput = slots.subList(first, first + gates);
      List<WeightSlot> onState = slots.subList(first + gates, first + 2 * gates);
      int layer = onInput.getFirst().pseudoLayer() / config.directions();
      boolean reverse = onInput.getFirst().pseudoLayer() % config.directions() == 1;
      String suffix = "_l" + layer + (reverse ? "_reverse" : "");
      if (onInput.getFirst().matrixOffset() >= 0) {
        addMatrices("weight_ih" + suffix, onInput);
      }
      addMatrices("weight_hh" + suffix, onState);
      if (config.bias().onInput()) {
        addBiases("bias_ih" + suffix, onInput);
      }
      if (config.bias().onState()) {
        addBiases("bias_hh" + suffix, onState);
      }
      if (config.projects()) {
        addMatrices("weight_hr" + suffix, List.of(slots.get(first + 2 * gates)));
      }
    }
  }

  private void addMatrices(String name, List<WeightSlot> gates) {
    List<DeviceBuffer> slices = gates.stream().map(this::matrix).toList();
    int rows = gates.stream().mapToInt(WeightSlot::rows).sum();
    parameters.put(name, new RnnParameter(name, rows, gates.getFirst().columns(), slices));
  }

  private void addBiases(String name, List<WeightSlot> gates) {
    List<DeviceBuffer> slices = gates.stream().map(this::bias).toList();
    int rows = gates.stream().mapToInt(WeightSlot::rows).sum();
    parameters.put(name, new RnnParameter(name, rows, 0, slices));
  }

  private DeviceBuffer matrix(WeightSlot slot) {
    return space.slice(slot.matrixOffset(), (long) slot.rows() * slot.columns());
  }

  private DeviceBuffer bias(WeightSlot slot) {
    return space.slice(slot.biasOffset(), slot.rows());
  }

  /** The network's configuration. */
  RnnConfig config() {
    return config;
  }

  /** Where everything lies, ordered by pseudo-layer, then linear layer. */
  List<WeightSlot> slots() {
    return slots;
  }

  /** The buffer that holds everything, in cuDNN's order. */
  public DeviceBuffer space() {
    return space;
  }

  /** All names: layer by layer, forward before backward, in the order of the table above. */
  public List<String> names() {
    return List.copyOf(parameters.keySet());
  }

  /** All parameters, in the order of {@link #names}. */
  public List<RnnParameter> parameters() {
    return List.copyOf(parameters.values());
  }

  /**
   * The parameter of a name.
   *
   * @throws IllegalArgumentException if there is none; the message lists those that there are
   */
  public RnnParameter parameter(String name) {
    RnnParameter parameter = parameters.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "no parameter \"%s\" in %s; there are %s",
              name,
              config,
              String.join(", ", parameters.keySet())));
    }
    return parameter;
  }

  /**
   * Sets all parameters from the tensors that PyTorch calls {@code prefix + name}, converted to the
   * network's type. Everything is read and checked before anything is set. Waits for the stream.
   *
   * @param prefix such as {@code "encoder.rnn."}; may be empty
   * @throws IOException if a tensor is missing, has another shape or is not of a floating-point
   *     type, if the file has a parameter under this prefix that the network does not have, or
   *     reading fails; nothing is set then
   */
  public void load(SafeTensors file, String prefix) throws IOException {
    Objects.requireNonNull(file, "file");
    Objects.requireNonNull(prefix, "prefix");
    for (String name : file.names()) {
      if (name.startsWith(prefix)
          && PARAMETER.matcher(name).region(prefix.length(), name.length()).matches()
          && !parameters.containsKey(name.substring(prefix.length()))) {
        throw new IOException("the file has " + name + ", but there is none in " + config);
      }
    }
    Map<RnnParameter, double[]> values = new LinkedHashMap<>();
    for (RnnParameter parameter : parameters.values()) {
      String name = prefix + parameter.name();
      long[] expected = Arrays.stream(parameter.shape()).asLongStream().toArray();
      if (!Arrays.equals(file.shape(name), expected)) {
        throw new IOException(
            String.format(
                Locale.ROOT,
                "%s has shape %s in the file, but %s in %s",
                name,
                Arrays.toString(file.shape(name)),
                Arrays.toString(expected),
                config));
      }
      values.put(parameter, file.doubles(name));
    }
    values.forEach(RnnParameter::copyFrom);
  }

  /**
   * Adds all parameters as PyTorch names them, {@code prefix + name}, in the network's type. Waits
   * for the stream.
   *
   * @param prefix such as {@code "encoder.rnn."}; may be empty
   * @throws IllegalArgumentException if the writer has a tensor of such a name
   */
  public void save(SafeTensorsWriter writer, String prefix) {
    Objects.requireNonNull(writer, "writer");
    Objects.requireNonNull(prefix, "prefix");
    for (RnnParameter parameter : parameters.values()) {
      long[] shape = Arrays.stream(parameter.shape()).asLongStream().toArray();
      int elements = parameter.arrayLength();
      if (config.type() == ElementType.FLOAT64) {
        double[] values = new double[elements];
        parameter.copyTo(values);
        writer.add(prefix + parameter.name(), shape, values);
      } else {
        float[] values = new float[elements];
        parameter.copyTo(values);
        writer.add(prefix + parameter.name(), fileType(), shape, values);
      }
    }
  }

  private SafeTensors.Type fileType() {
    return switch (config.type()) {
      case FLOAT64 -> SafeTensors.Type.F64;
      case FLOAT16 -> SafeTensors.Type.F16;
      case BFLOAT16 -> SafeTensors.Type.BF16;
      default -> SafeTensors.Type.F32;
    };
  }

  /**
   * The matrix of one gate, {@code [H, columns]}, or of the projection, row-major.
   *
   * @param pseudoLayer {@code layer * D + direction}, direction 0 forward and 1 backward
   * @param linearLayerId see the table above
   * @throws IllegalArgumentException if there is no such matrix
   */
  public DeviceBuffer matrix(int pseudoLayer, int linearLayerId) {
    WeightSlot slot = slot(pseudoLayer, linearLayerId);
    if (slot.matrixOffset() < 0) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "linear layer %d of pseudo-layer %d has no matrix in %s",
              linearLayerId,
              pseudoLayer,
              config));
    }
    return matrix(slot);
  }

  /**
   * The bias of one gate, {@code [H]}.
   *
   * @param pseudoLayer {@code layer * D + direction}, direction 0 forward and 1 backward
   * @param linearLayerId see the table above
   * @throws IllegalArgumentException if there is no such bias
   */
  public DeviceBuffer bias(int pseudoLayer, int linearLayerId) {
    WeightSlot slot = slot(pseudoLayer, linearLayerId);
    if (slot.biasOffset() < 0) {
      throw new IllegalArgumentException(
          linearLayerId == 2 * config.gates()
              ? "the projection has no bias"
              : "linear layer " + linearLayerId + " has no bias with bias mode " + config.bias());
    }
    return bias(slot);
  }

  private WeightSlot slot(int pseudoLayer, int linearLayerId) {
    checkIndex("pseudoLayer", pseudoLayer, config.pseudoLayers());
    checkIndex("linearLayerId", linearLayerId, linearLayers());
    return slots.get(pseudoLayer * linearLayers() + linearLayerId);
  }

  private int linearLayers() {
    return 2 * config.gates() + (config.projects() ? 1 : 0);
  }

  private void checkIndex(String name, int value, int limit) {
    if (value < 0 || value >= limit) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s is %d, but in %s it must be in [0, %d]",
              name,
              value,
              config,
              limit - 1));
    }
  }
}
