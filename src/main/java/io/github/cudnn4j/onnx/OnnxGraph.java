package io.github.cudnn4j.onnx;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cudnn.RnnMode;
import io.github.cudnn4j.io.Message;
import io.github.cudnn4j.rnn.ForeignWeights;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.LayerNormLayer;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Parameter;
import io.github.cudnn4j.tape.RnnLayer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A network as a graph of ONNX, to be written for another runtime.
 *
 * <pre>{@code
 * OnnxGraph graph = new OnnxGraph("moods");
 * OnnxValue tokens = graph.input("tokens", ElementType.INT64, "T", "B");
 * OnnxValue lengths = graph.input("lengths", ElementType.INT32, "B");
 * OnnxRecurrent out = graph.rnn(lstm, graph.embedding(embed, tokens), lengths);
 * graph.output("probabilities", graph.softmax(graph.linear(head, out.last())));
 * graph.write(Path.of("moods.onnx"));
 * }</pre>
 *
 * <p>Layers are added by the methods named after them, with the weights that they have at that
 * moment, rounded to FLOAT32; this waits for the device. What layers do in training alone, dropout,
 * is left out. {@link #node} adds any other operator. Extents such as T and B are of any size where
 * the graph is run. It is for opset {@value #OPSET}, which ONNX Runtime has since its version 1.12.
 *
 * <p>Nothing here is in device memory, and nothing is to be closed.
 *
 * @see <a href="https://onnx.ai/onnx/operators/">The operators</a>
 */
public final class OnnxGraph {

  /** The version of the operators. */
  public static final int OPSET = 17;

  private static final int IR_VERSION = 8;

  private final String name;
  private final List<Message> nodes = new ArrayList<>();
  private final Map<String, Message> weights = new LinkedHashMap<>();

  /** What the weights are of: two sets of parameters may have the same names. */
  private final Map<String, Object> owners = new HashMap<>();

  private final List<Message> inputs = new ArrayList<>();
  private final List<Message> outputs = new ArrayList<>();
  private final Map<String, String> metadata = new TreeMap<>();
  private final Set<String> names = new HashSet<>();

  /** Begins a graph. */
  public OnnxGraph(String name) {
    this.name = name;
  }

  /**
   * Adds an input.
   *
   * @param shape the extents, each a number or a name, such as {@code T}
   * @throws IllegalArgumentException if the name is taken
   */
  public OnnxValue input(String name, ElementType type, String... shape) {
    OnnxValue value = new OnnxValue(take(name), type, List.of(shape));
    inputs.add(description(name, value));
    return value;
  }

  /**
   * Adds an output.
   *
   * @throws IllegalArgumentException if the name is taken
   */
  public void output(String name, OnnxValue value) {
    nodes.add(node("Identity", Map.of(), List.of(value.name()), List.of(take(name))));
    outputs.add(description(name, value));
  }

  /** Adds a remark for whoever reads the file; a second one of that name replaces the first. */
  public void metadata(String name, String text) {
    metadata.put(name, text);
  }

  /**
   * Adds the lookup of vectors.
   *
   * @param tokens {@code [...]} INT32 or INT64; none is negative
   * @return {@code [..., E]}
   */
  public OnnxValue embedding(EmbeddingLayer layer, OnnxValue tokens) {
    return node(
        "Gather",
        Map.of(),
        with(tokens.shape(), layer.outputSize()),
        weight(layer.weight()),
        tokens);
  }

  /**
   * Adds the encoding of tokens as unit vectors.
   *
   * @param tokens {@code [...]} INT64; none is negative
   * @param classes V
   * @return {@code [..., V]}
   */
  public OnnxValue oneHot(OnnxValue tokens, int classes) {
    return node(
        "OneHot",
        Map.of(),
        with(tokens.shape(), classes),
        tokens,
        numbers(classes),
        weight("", "zero_and_one", new double[] {0, 1}, 2));
  }

  /**
   * Adds a linear layer over the last extent.
   *
   * @param x {@code [..., I]}
   * @return {@code [..., O]}
   */
  public OnnxValue linear(LinearLayer layer, OnnxValue x) {
    OnnxValue weight = weight(layer.weight());
    OnnxValue transposed =
        node(
            "Transpose",
            Map.of("perm", new long[] {1, 0}),
            List.of(weight.extent(1), weight.extent(0)),
            weight);
    List<String> shape = with(x.shape().subList(0, x.shape().size() - 1), layer.outputSize());
    OnnxValue product = node("MatMul", Map.of(), shape, x, transposed);
    Parameter bias = layer.bias();
    return bias == null ? product : node("Add", Map.of(), shape, product, weight(bias));
  }

  /**
   * Adds a layer normalization over the last extent.
   *
   * @param x {@code [..., C]}
   * @return the shape of {@code x}
   */
  public OnnxValue layerNorm(LayerNormLayer layer, OnnxValue x) {
    return node(
        "LayerNormalization",
        Map.of("epsilon", (float) layer.epsilon()),
        x.shape(),
        x,
        weight(layer.weight()),
        weight(layer.bias()));
  }

  /**
   * Adds a recurrent network over sequences of equal length, from a zero state.
   *
   * @param x {@code [T, B, I]}
   * @throws IllegalArgumentException if ONNX has no such network: it projects, bounds its cell
   *     state or has no input matrix
   */
  public OnnxRecurrent rnn(RnnLayer layer, OnnxValue x) {
    return rnn(layer, x, null, null, null);
  }

  /**
   * As {@link #rnn(RnnLayer, OnnxValue)}, over sequences of any lengths.
   *
   * @param lengths {@code [B]} INT32, in [1, T]
   */
  public OnnxRecurrent rnn(RnnLayer layer, OnnxValue x, OnnxValue lengths) {
    return rnn(layer, x, lengths, null, null);
  }

  /**
   * As {@link #rnn(RnnLayer, OnnxValue)}, from an initial state.
   *
   * @param lengths {@code [B]} INT32, in [1, T]; null if all sequences are of T steps
   * @param h0 {@code [L·D, B, H]}; null for zeros
   * @param c0 {@code [L·D, B, H]}; null for zeros, and unless the cell is an LSTM
   */
  public OnnxRecurrent rnn(
      RnnLayer layer,
      OnnxValue x,
      @Nullable OnnxValue lengths,
      @Nullable OnnxValue h0,
      @Nullable OnnxValue c0) {
    RnnConfig config = layer.config();
    if (config.clip() != null) {
      throw new IllegalArgumentException(
          "ONNX bounds what goes into activations, no cell states, but this is " + config);
    }
    boolean lstm = config.hasCellState();
    List<OnnxValue> hs = split(h0, config.layers());
    List<OnnxValue> cs = split(c0, config.layers());
    List<OnnxValue> lastHs = new ArrayList<>();
    List<OnnxValue> lastCs = new ArrayList<>();
    OnnxValue y = x;
    for (int number = 0; number < config.layers(); number++) {
      ForeignWeights.Onnx arrays = ForeignWeights.onnx(layer.rnn().weights(), number);
      String prefix = layer.parameter("weight_hh_l0").name().replace("weight_hh_l0", "");
      String suffix = "_l" + number;
      int directions = config.directions();
      int rows = config.gates() * config.hiddenSize();
      int columns = arrays.w().length / directions / rows;
      List<String> taken = new ArrayList<>();
      taken.add(y.name());
      taken.add(weight(layer, prefix + "W" + suffix, arrays.w(), directions, rows, columns).name());
      taken.add(
          weight(layer, prefix + "R" + suffix, arrays.r(), directions, rows, config.hiddenSize())
              .name());
      double[] b = arrays.b();
      taken.add(
          b == null ? "" : weight(layer, prefix + "B" + suffix, b, directions, 2 * rows).name());
      taken.add(lengths == null ? "" : lengths.name());
      taken.add(hs.isEmpty() ? "" : hs.get(number).name());
      if (lstm) {
        taken.add(cs.isEmpty() ? "" : cs.get(number).name());
      }
      String batch = x.extent(1);
      String hidden = String.valueOf(config.hiddenSize());
      List<String> state = List.of(String.valueOf(directions), batch, hidden);
      OnnxValue steps = value(List.of(x.extent(0), String.valueOf(directions), batch, hidden));
      lastHs.add(value(state));
      List<String> given = new ArrayList<>(List.of(steps.name(), lastHs.getLast().name()));
      if (lstm) {
        lastCs.add(value(state));
        given.add(lastCs.getLast().name());
      }
      nodes.add(node(operator(config.mode()), attributes(config), taken, given));
      y = sideBySide(steps, config.outputSize());
    }
    return new OnnxRecurrent(this, y, join(lastHs), lstm ? join(lastCs) : null, lastHs.getLast());
  }

  private static String operator(RnnMode mode) {
    return switch (mode) {
      case LSTM -> "LSTM";
      case GRU -> "GRU";
      case TANH, RELU -> "RNN";
    };
  }

  private static Map<String, Object> attributes(RnnConfig config) {
    Map<String, Object> attributes = new LinkedHashMap<>();
    attributes.put("hidden_size", (long) config.hiddenSize());
    attributes.put("direction", config.directions() == 2 ? "bidirectional" : "forward");
    switch (config.mode()) {
      case GRU -> attributes.put("linear_before_reset", 1L);
      case TANH -> attributes.put("activations", activations("Tanh", config));
      case RELU -> attributes.put("activations", activations("Relu", config));
      case LSTM -> {}
    }
    return attributes;
  }

  private static String[] activations(String activation, RnnConfig config) {
    String[] all = new String[config.directions()];
    Arrays.fill(all, activation);
    return all;
  }

  /** Makes {@code [T, D, B, H]} to {@code [T, B, D·H]}. */
  private OnnxValue sideBySide(OnnxValue steps, int size) {
    List<String> shape = List.of(steps.extent(0), steps.extent(2), String.valueOf(size));
    OnnxValue batchFirst =
        node(
            "Transpose",
            Map.of("perm", new long[] {0, 2, 1, 3}),
            List.of(steps.extent(0), steps.extent(2), steps.extent(1), steps.extent(3)),
            steps);
    return reshape(batchFirst, shape, 0, 0, -1);
  }

  private List<OnnxValue> split(@Nullable OnnxValue state, int layers) {
    if (state == null || layers == 1) {
      return state == null ? List.of() : List.of(state);
    }
    int each = Integer.parseInt(state.extent(0)) / layers;
    List<OnnxValue> parts = new ArrayList<>();
    for (int i = 0; i < layers; i++) {
      parts.add(value(List.of(String.valueOf(each), state.extent(1), state.extent(2))));
    }
    nodes.add(
        node(
            "Split",
            Map.of("axis", 0L),
            List.of(state.name()),
            parts.stream().map(OnnxValue::name).toList()));
    return parts;
  }

  private OnnxValue join(List<OnnxValue> states) {
    OnnxValue first = states.getFirst();
    if (states.size() == 1) {
      return first;
    }
    int extent = states.size() * Integer.parseInt(first.extent(0));
    return node(
        "Concat",
        Map.of("axis", 0L),
        List.of(String.valueOf(extent), first.extent(1), first.extent(2)),
        states.toArray(OnnxValue[]::new));
  }

  /**
   * Adds the mean of the steps of each sequence that count.
   *
   * @param y {@code [T, B, C]}, 0 behind a sequence's length
   * @param lengths {@code [B]} INT32, from 1
   * @return {@code [B, C]}
   */
  public OnnxValue mean(OnnxValue y, OnnxValue lengths) {
    List<String> shape = List.of(y.extent(1), y.extent(2));
    OnnxValue sum = node("ReduceSum", Map.of("keepdims", 0L), shape, y, numbers(0));
    OnnxValue count =
        node("Cast", Map.of("to", (long) OnnxType.FLOAT.number()), lengths.shape(), lengths);
    OnnxValue column =
        node("Unsqueeze", Map.of(), List.of(lengths.extent(0), "1"), count, numbers(1));
    return node("Div", Map.of(), shape, sum, column);
  }

  /** Adds the softmax over the last extent. */
  public OnnxValue softmax(OnnxValue x) {
    return node("Softmax", Map.of("axis", -1L), x.shape(), x);
  }

  /** Describes the same elements with other extents, those of a reshape, 0 for one that stays. */
  OnnxValue reshape(OnnxValue x, List<String> shape, long... extents) {
    return node("Reshape", Map.of(), shape, x, numbers(extents));
  }

  /**
   * Adds any operator that has one output of FLOAT32.
   *
   * @param operator its name, such as {@code Tanh}
   * @param attributes each a Long, Float, String, {@code long[]} or {@code String[]}
   * @param shape of the output
   * @throws IllegalArgumentException if an attribute is something else
   */
  public OnnxValue node(
      String operator, Map<String, ?> attributes, List<String> shape, OnnxValue... inputs) {
    OnnxValue output = value(shape);
    nodes.add(
        node(
            operator,
            attributes,
            Arrays.stream(inputs).map(OnnxValue::name).toList(),
            List.of(output.name())));
    return output;
  }

  private Message node(
      String operator, Map<String, ?> attributes, List<String> taken, List<String> given) {
    Message node = new Message();
    taken.forEach(each -> node.text(1, each));
    given.forEach(each -> node.text(2, each));
    node.text(3, operator + "_" + nodes.size()).text(4, operator);
    attributes.forEach((key, value) -> node.message(5, attribute(key, value)));
    return node;
  }

  private static Message attribute(String name, Object value) {
    Message attribute = new Message().text(1, name);
    switch (value) {
      case Float number -> attribute.fixed32(2, Float.floatToRawIntBits(number)).varint(20, 1);
      case Long number -> attribute.varint(3, number).varint(20, 2);
      case String text -> attribute.text(4, text).varint(20, 3);
      case long[] numbers -> {
        Arrays.stream(numbers).forEach(number -> attribute.varint(8, number));
        attribute.varint(20, 7);
      }
      case String[] texts -> {
        Arrays.stream(texts).forEach(text -> attribute.text(9, text));
        attribute.varint(20, 8);
      }
      default -> throw new IllegalArgumentException("attribute " + name + " is " + value);
    }
    return attribute;
  }

  /**
   * Adds a parameter under its name, or finds it there.
   *
   * @throws IllegalArgumentException if it lies in pieces, as those of a recurrent network, or the
   *     name is taken by another one
   */
  public OnnxValue weight(Parameter parameter) {
    DeviceBuffer buffer = parameter.tensor().value();
    double[] values;
    if (buffer.type() == ElementType.FLOAT64) {
      values = buffer.toDoubles();
    } else {
      float[] floats = buffer.toFloats();
      values = new double[floats.length];
      Arrays.setAll(values, i -> floats[i]);
    }
    return weight(parameter, parameter.name(), values, parameter.shape());
  }

  private OnnxValue weight(Object owner, String name, double[] values, int... shape) {
    if (owners.putIfAbsent(name, owner) != owner) {
      ByteBuffer bytes = littleEndian(Float.BYTES, values.length);
      for (double value : values) {
        bytes.putFloat((float) value);
      }
      weights.put(take(name), tensor(name, OnnxType.FLOAT, bytes, shape));
    }
    return new OnnxValue(
        name, ElementType.FLOAT32, Arrays.stream(shape).mapToObj(String::valueOf).toList());
  }

  private OnnxValue numbers(long... numbers) {
    String name = "numbers" + Arrays.toString(numbers).replace(" ", "");
    if (!weights.containsKey(name)) {
      ByteBuffer bytes = littleEndian(Long.BYTES, numbers.length);
      Arrays.stream(numbers).forEach(bytes::putLong);
      weights.put(take(name), tensor(name, OnnxType.INT64, bytes, numbers.length));
    }
    return new OnnxValue(name, ElementType.INT64, List.of(String.valueOf(numbers.length)));
  }

  private static ByteBuffer littleEndian(int size, int count) {
    return ByteBuffer.allocate(Math.multiplyExact(size, count)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static Message tensor(String name, OnnxType type, ByteBuffer bytes, int... shape) {
    Message tensor = new Message();
    Arrays.stream(shape).forEach(extent -> tensor.varint(1, extent));
    return tensor.varint(2, type.number()).text(8, name).bytes(9, bytes.array());
  }

  private OnnxValue value(List<String> shape) {
    return new OnnxValue(take("value_" + names.size()), ElementType.FLOAT32, shape);
  }

  private static List<String> with(List<String> shape, int last) {
    List<String> longer = new ArrayList<>(shape);
    longer.add(String.valueOf(last));
    return longer;
  }

  private String take(String taken) {
    if (taken.isEmpty() || !names.add(taken)) {
      throw new IllegalArgumentException("the name \"" + taken + "\" is taken or empty");
    }
    return taken;
  }

  private static Message description(String name, OnnxValue value) {
    Message shape = new Message();
    for (String extent : value.shape()) {
      boolean fixed = extent.chars().allMatch(Character::isDigit);
      shape.message(
          1,
          fixed ? new Message().varint(1, Long.parseLong(extent)) : new Message().text(2, extent));
    }
    Message type = new Message().varint(1, OnnxType.of(value.type()).number()).message(2, shape);
    return new Message().text(1, name).message(2, new Message().message(1, type));
  }

  /** Returns the file's bytes. */
  public byte[] toByteArray() {
    Message graph = new Message();
    nodes.forEach(node -> graph.message(1, node));
    graph.text(2, name);
    weights.values().forEach(weight -> graph.message(5, weight));
    inputs.forEach(input -> graph.message(11, input));
    outputs.forEach(output -> graph.message(12, output));
    Message model = new Message().varint(1, IR_VERSION).text(2, "cudnn4j").message(7, graph);
    model.message(8, new Message().text(1, "").varint(2, OPSET));
    metadata.forEach((key, text) -> model.message(14, new Message().text(1, key).text(2, text)));
    return model.toByteArray();
  }

  /**
   * Writes a file in place of what is there.
   *
   * @throws IOException if that fails
   */
  public void write(Path file) throws IOException {
    Files.write(file, toByteArray());
  }
}
