package io.github.cudnn4j.onnx;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.io.MessageWriter;
import io.github.cudnn4j.io.WholeFile;
import io.github.cudnn4j.rnn.RnnConfig;
import io.github.cudnn4j.tape.EmbeddingLayer;
import io.github.cudnn4j.tape.LayerNormLayer;
import io.github.cudnn4j.tape.LinearLayer;
import io.github.cudnn4j.tape.Parameter;
import io.github.cudnn4j.tape.RnnLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
 * <p>All methods refuse values of another graph, and shapes and types that do not fit, by an
 * IllegalArgumentException. Nothing here is in device memory, and nothing is to be closed.
 *
 * @see <a href="https://onnx.ai/onnx/operators/">The operators</a>
 */
public final class OnnxGraph {

  /** The version of the operators. */
  public static final int OPSET = 17;

  private static final int IR_VERSION = 8;

  private final String name;
  private final List<MessageWriter> nodes = new ArrayList<>();
  private final List<MessageWriter> weights = new ArrayList<>();

  /** What the weights are of: two sets of parameters may have the same names. */
  private final Map<String, Object> owners = new HashMap<>();

  private final List<MessageWriter> inputs = new ArrayList<>();
  private final List<MessageWriter> outputs = new ArrayList<>();
  private final Map<String, String> metadata = new TreeMap<>();
  private final Map<String, OnnxValue> values = new HashMap<>();

  /**
   * Begins a graph.
   *
   * @throws IllegalArgumentException if the name is empty
   */
  public OnnxGraph(String name) {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("the name of the graph is empty");
    }
    this.name = name;
  }

  /**
   * Adds an input.
   *
   * @param shape the extents, each a number above 0 or a name that begins with a letter, such as
   *     {@code T}
   * @throws IllegalArgumentException if the name is taken or empty, an extent is neither, or ONNX
   *     has no such type
   */
  public OnnxValue input(String name, ElementType type, String... shape) {
    OnnxType.of(type);
    OnnxValue value = take(name, type, List.of(shape));
    inputs.add(OnnxMessages.description(name, value));
    return value;
  }

  /**
   * Adds an output.
   *
   * @throws IllegalArgumentException if the name is taken or empty
   */
  public void output(String name, OnnxValue value) {
    require("the output", value);
    OnnxValue output = take(name, value.type(), value.shape());
    add("Identity", Map.of(), List.of(value.name()), List.of(output.name()));
    outputs.add(OnnxMessages.description(name, value));
  }

  /** Adds a remark for whoever reads the file; a second one of that name replaces the first. */
  public void metadata(String name, String text) {
    metadata.put(
        Objects.requireNonNull(name, "name"), Objects.requireNonNull(text, "text of " + name));
  }

  /**
   * Adds the lookup of vectors.
   *
   * @param tokens {@code [...]} INT32 or INT64; none is negative
   * @return {@code [..., E]}
   */
  public OnnxValue embedding(EmbeddingLayer layer, OnnxValue tokens) {
    require("tokens", tokens, ElementType.INT32, ElementType.INT64);
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
   * @param classes V, at least 1
   * @return {@code [..., V]}
   */
  public OnnxValue oneHot(OnnxValue tokens, int classes) {
    require("tokens", tokens, ElementType.INT64);
    if (classes < 1) {
      throw new IllegalArgumentException("classes = " + classes + ", must be at least 1");
    }
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
    requireColumns(x, layer.inputSize());
    OnnxValue weight = weight(layer.weight());
    OnnxValue transposed =
        node(
            "Transpose",
            Map.of("perm", new long[] {1, 0}),
            List.of(weight.extent(1), weight.extent(0)),
            weight);
    List<String> shape = with(x.shape().subList(0, x.rank() - 1), layer.outputSize());
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
    requireColumns(x, layer.size());
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
    return rnn(layer, x, Objects.requireNonNull(lengths, "lengths"), null, null);
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
    require("x", x, ElementType.FLOAT32);
    requireShape("x", x, "T", "B", String.valueOf(config.inputSize()));
    if (lengths != null) {
      require("lengths", lengths, ElementType.INT32);
      requireShape("lengths", lengths, x.extent(1));
    }
    String[] state = {
      String.valueOf(config.pseudoLayers()), x.extent(1), String.valueOf(config.hiddenSize())
    };
    if (h0 != null) {
      require("h0", h0, ElementType.FLOAT32);
      requireShape("h0", h0, state);
    }
    if (c0 != null) {
      require("c0", c0, ElementType.FLOAT32);
      requireShape("c0", c0, state);
      if (!config.hasCellState()) {
        throw new IllegalArgumentException("c0 for a " + config.mode() + ", which has no cell");
      }
    }
    return new RecurrentWriter(this, layer, x).write(lengths, h0, c0);
  }

  /**
   * Adds the mean of the steps of each sequence that count.
   *
   * @param y {@code [T, B, C]}, 0 behind a sequence's length
   * @param lengths {@code [B]} INT32, from 1
   * @return {@code [B, C]}
   */
  public OnnxValue mean(OnnxValue y, OnnxValue lengths) {
    require("y", y, ElementType.FLOAT32);
    requireShape("y", y, "T", "B", "C");
    require("lengths", lengths, ElementType.INT32);
    requireShape("lengths", lengths, y.extent(1));
    List<String> shape = List.of(y.extent(1), y.extent(2));
    OnnxValue sum = node("ReduceSum", Map.of("keepdims", 0L), shape, y, numbers(0));
    OnnxValue count =
        node("Cast", Map.of("to", (long) OnnxType.FLOAT.number()), lengths.shape(), lengths);
    OnnxValue column =
        node("Unsqueeze", Map.of(), List.of(lengths.extent(0), "1"), count, numbers(1));
    return node("Div", Map.of(), shape, sum, column);
  }

  /**
   * Adds the softmax over the last extent.
   *
   * @param x {@code [..., C]}
   * @return the shape of {@code x}
   */
  public OnnxValue softmax(OnnxValue x) {
    require("x", x, ElementType.FLOAT32);
    if (x.rank() == 0) {
      throw new IllegalArgumentException("x is one number, must have an extent");
    }
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
   * @param shape of the output, the extents as those of {@link #input}
   * @param inputs {@link OnnxValue#NONE} for one that is left out
   * @throws IllegalArgumentException if the operator has no name, or an attribute is something else
   */
  public OnnxValue node(
      String operator, Map<String, ?> attributes, List<String> shape, OnnxValue... inputs) {
    if (operator.isEmpty()) {
      throw new IllegalArgumentException("the name of the operator is empty");
    }
    for (int i = 0; i < inputs.length; i++) {
      if (!OnnxValue.NONE.equals(inputs[i])) {
        require("input " + i, inputs[i]);
      }
    }
    String output = free();
    MessageWriter node =
        OnnxMessages.node(
            operator + "_" + nodes.size(),
            operator,
            attributes,
            Arrays.stream(inputs).map(OnnxValue::name).toList(),
            List.of(output));
    OnnxValue value = take(output, ElementType.FLOAT32, shape);
    nodes.add(node);
    return value;
  }

  /** Adds an operator whose outputs are there. */
  void add(String operator, Map<String, ?> attributes, List<String> taken, List<String> given) {
    nodes.add(OnnxMessages.node(operator + "_" + nodes.size(), operator, attributes, taken, given));
  }

  /** Makes what a node is to compute. */
  OnnxValue value(List<String> shape) {
    return take(free(), ElementType.FLOAT32, shape);
  }

  private String free() {
    int number = values.size();
    while (values.containsKey("value_" + number)) {
      number++;
    }
    return "value_" + number;
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

  /** Adds weights, or finds those of the same owner. */
  OnnxValue weight(Object owner, String name, double[] numbers, int... shape) {
    if (owners.get(name) != owner) {
      List<String> extents = Arrays.stream(shape).mapToObj(String::valueOf).toList();
      take(name, ElementType.FLOAT32, extents);
      owners.put(name, owner);
      weights.add(OnnxMessages.floats(name, numbers, shape));
    }
    return Objects.requireNonNull(values.get(name));
  }

  private OnnxValue numbers(long... numbers) {
    String name = "numbers" + Arrays.toString(numbers).replace(" ", "");
    if (owners.putIfAbsent(name, this) == null) {
      take(name, ElementType.INT64, List.of(String.valueOf(numbers.length)));
      weights.add(OnnxMessages.longs(name, numbers));
    }
    return Objects.requireNonNull(values.get(name));
  }

  private static List<String> with(List<String> shape, int last) {
    List<String> longer = new ArrayList<>(shape);
    longer.add(String.valueOf(last));
    return longer;
  }

  private OnnxValue take(String taken, ElementType type, List<String> shape) {
    for (String extent : shape) {
      boolean isName = !extent.isEmpty() && Character.isLetter(extent.charAt(0));
      if (!isName && !OnnxValue.isNumber(extent)) {
        throw new IllegalArgumentException(
            "extent \"" + extent + "\", must be a number above 0 or a name");
      }
    }
    OnnxValue value = new OnnxValue(taken, type, shape);
    if (taken.isEmpty() || values.putIfAbsent(taken, value) != null) {
      throw new IllegalArgumentException("the name \"" + taken + "\" is taken or empty");
    }
    return value;
  }

  private void require(String what, OnnxValue value, ElementType... types) {
    Objects.requireNonNull(value, what);
    if (values.get(value.name()) != value) {
      throw new IllegalArgumentException(what + " is " + value + ", which is of another graph");
    }
    if (types.length > 0 && !List.of(types).contains(value.type())) {
      throw new IllegalArgumentException(what + " is " + value + ", must be of " + List.of(types));
    }
  }

  private void requireColumns(OnnxValue x, int columns) {
    require("x", x, ElementType.FLOAT32);
    if (x.rank() == 0 || !OnnxValue.fits(x.extent(-1), columns)) {
      throw new IllegalArgumentException("x is " + x + ", must be [..., " + columns + "]");
    }
  }

  /** Checks extents, which may be anything where one of both is a name. */
  private static void requireShape(String what, OnnxValue value, String... shape) {
    boolean fits = value.rank() == shape.length;
    for (int i = 0; fits && i < shape.length; i++) {
      fits =
          !OnnxValue.isNumber(shape[i])
              || OnnxValue.fits(value.extent(i), Long.parseLong(shape[i]));
    }
    if (!fits) {
      throw new IllegalArgumentException(
          what + " is " + value + ", must be " + Arrays.toString(shape));
    }
  }

  /** Returns the file's bytes. */
  public byte[] toByteArray() {
    MessageWriter graph = new MessageWriter();
    nodes.forEach(node -> graph.message(1, node));
    graph.text(2, name);
    weights.forEach(weight -> graph.message(5, weight));
    inputs.forEach(input -> graph.message(11, input));
    outputs.forEach(output -> graph.message(12, output));
    MessageWriter model =
        new MessageWriter().varint(1, IR_VERSION).text(2, "cudnn4j").message(7, graph);
    model.message(8, new MessageWriter().text(1, "").varint(2, OPSET));
    metadata.forEach(
        (key, text) -> model.message(14, new MessageWriter().text(1, key).text(2, text)));
    return model.toByteArray();
  }

  /**
   * Writes a file as {@link WholeFile} does, in place of what is there.
   *
   * @throws IOException if that fails
   */
  public void write(Path file) throws IOException {
    WholeFile.write(file, toByteArray());
  }
}
