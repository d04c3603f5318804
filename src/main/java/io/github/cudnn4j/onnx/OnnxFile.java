package io.github.cudnn4j.onnx;

import io.github.cudnn4j.io.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a file holds, of which all has been checked that is known without the extents of inputs.
 *
 * @param arrays all numbers in the file, by name
 * @param parameters the names of those that can be trained
 * @param recurrent the recurrent nodes, by name
 */
record OnnxFile(
    List<OnnxNode> nodes,
    List<OnnxValue> inputs,
    List<String> outputs,
    Map<String, OnnxArray> arrays,
    Set<String> parameters,
    Map<String, RecurrentNode> recurrent) {

  private static final int OLDEST_OPSET = 13;
  private static final int NEWEST_OPSET = 25;

  private static final int MOST_PARTS = 131_072;

  static OnnxFile parse(ByteBuffer bytes) throws IOException {
    Message model = Message.parse(bytes);
    checkOpset(model);
    Message graph = model.message(7);
    if (graph == null || model.count(7) != 1) {
      throw new IOException("no file of ONNX: it has " + model.count(7) + " graphs");
    }
    if (graph.count(15) > 0) {
      throw new IOException("sparse weights are not read");
    }
    Graph read = new Graph();
    each(graph, 5, "tensors", read::addTensor);
    each(graph, 11, "inputs", read::addInput);
    each(graph, 1, "nodes", read::addNode);
    each(graph, 12, "outputs", read::addOutput);
    return new OnnxFile(
        read.nodes, read.inputs, read.outputs, read.arrays, read.parameters, read.recurrent);
  }

  /**
   * Reads parts of a graph, of which there may be only so many: each takes many times its bytes.
   */
  private static void each(Message graph, int field, String parts, Message.Reader reader)
      throws IOException {
    int count = graph.count(field);
    if (count > MOST_PARTS) {
      throw new IOException("it has " + count + " " + parts + ", read are at most " + MOST_PARTS);
    }
    graph.messages(field, reader);
  }

  /** What has been read so far. */
  private static final class Graph {
    private final List<OnnxNode> nodes = new ArrayList<>();
    private final List<OnnxValue> inputs = new ArrayList<>();
    private final List<String> outputs = new ArrayList<>();
    private final Map<String, OnnxArray> arrays = new LinkedHashMap<>();
    private final Set<String> parameters = new LinkedHashSet<>();
    private final Map<String, RecurrentNode> recurrent = new LinkedHashMap<>();
    private final Set<String> known = new HashSet<>(Set.of(""));

    /** Arrays of the file that values are other names of. */
    private final Map<String, String> sources = new HashMap<>();

    void addTensor(Message tensor) throws IOException {
      String name = tensor.text(8);
      OnnxArray array = OnnxArray.parse("\"" + name + "\"", tensor);
      if (arrays.put(name, array) != null) {
        throw new IOException("\"" + name + "\" is there twice");
      }
      known.add(name);
      if (array.isFloating() && array.rank() > 0 && array.values().length > 0) {
        parameters.add(name);
      }
    }

    void addInput(Message input) throws IOException {
      String name = input.text(1);
      if (!arrays.containsKey(name)) {
        inputs.add(input(name, input));
        known.add(name);
      }
    }

    void addNode(Message message) throws IOException {
      OnnxNode node = OnnxNode.parse(message);
      check(node);
      node = node.reading(sources);
      if (node.operator().equals("Constant")) {
        OnnxArray array = constant(node);
        node.outputs().forEach(output -> arrays.put(output, array));
        return;
      }
      if (RecurrentNode.OPERATORS.contains(node.operator())) {
        if (recurrent.put(node.name(), RecurrentNode.of(node, arrays)) != null) {
          throw node.unreadable("another node has the same name");
        }
        node.inputs().stream().skip(1).limit(3).forEach(parameters::remove);
      } else if (node.operator().equals("OneHot")) {
        parameters.remove(node.input(2));
      } else if (isAnotherName(node, arrays.get(node.input(0)))) {
        sources.put(node.outputs().getFirst(), node.input(0));
      }
      nodes.add(node);
    }

    void addOutput(Message output) throws IOException {
      String name = output.text(1);
      if (name.isEmpty() || !known.contains(name)) {
        throw new IOException("output \"" + name + "\" is computed by no node");
      }
      outputs.add(name);
    }

    private void check(OnnxNode node) throws IOException {
      if (!node.operator().equals("Constant") && !OnnxOperators.isKnown(node.operator())) {
        throw node.unreadable("this operator is not read");
      }
      for (String input : node.inputs()) {
        if (!known.contains(input)) {
          throw node.unreadable("its input \"" + input + "\" is computed by no node before it");
        }
      }
      if (node.outputs().stream().allMatch(String::isEmpty)) {
        throw node.unreadable("it has no output");
      }
      for (String output : node.outputs()) {
        if (!output.isEmpty() && !known.add(output)) {
          throw node.unreadable("its output \"" + output + "\" is there already");
        }
      }
    }
  }

  /** Tells whether a node gives an array of the file as it is: floating-point numbers all are. */
  private static boolean isAnotherName(OnnxNode node, @Nullable OnnxArray array) {
    return array != null
        && node.outputs().size() == 1
        && switch (node.operator()) {
          case "Identity" -> true;
          case "Cast" ->
              array.isFloating()
                  && node.attributes().get("to") instanceof Long to
                  && OnnxType.of(to).filter(OnnxType::isFloating).isPresent();
          default -> false;
        };
  }

  private static void checkOpset(Message model) throws IOException {
    boolean[] told = {false};
    model.messages(
        8,
        opset -> {
          String domain = opset.text(1);
          if (domain.isEmpty() || domain.equals("ai.onnx")) {
            long version = opset.number(2, 0);
            if (version < OLDEST_OPSET || version > NEWEST_OPSET) {
              throw new IOException(
                  "the operators are of opset "
                      + version
                      + ", read are "
                      + OLDEST_OPSET
                      + " to "
                      + NEWEST_OPSET);
            }
            told[0] = true;
          }
        });
    if (!told[0]) {
      throw new IOException("no file of ONNX: it tells no version of the operators");
    }
  }

  private static OnnxValue input(String name, Message input) throws IOException {
    Message type = input.message(2);
    Message tensor = type == null ? null : type.message(1);
    if (tensor == null) {
      throw new IOException("input \"" + name + "\" is no tensor");
    }
    long number = tensor.number(1, 0);
    OnnxType elements =
        OnnxType.of(number)
            .orElseThrow(
                () -> new IOException("input \"" + name + "\" is of the type number " + number));
    Message extents = tensor.message(2);
    if (extents == null) {
      throw new IOException("input \"" + name + "\" has no shape");
    }
    List<String> shape = new ArrayList<>();
    extents.messages(
        1,
        extent ->
            shape.add(extent.count(1) > 0 ? String.valueOf(extent.number(1, 0)) : extent.text(2)));
    return new OnnxValue(name, elements.type(), shape);
  }

  private static OnnxArray constant(OnnxNode node) throws IOException {
    for (var attribute : node.attributes().entrySet()) {
      switch (attribute.getValue()) {
        case OnnxArray array -> {
          return array;
        }
        case Long number -> {
          return OnnxArray.whole(number).reshape();
        }
        case long[] numbers -> {
          return OnnxArray.whole(numbers);
        }
        case Double number -> {
          return new OnnxArray(OnnxType.FLOAT, new int[0], new double[] {number});
        }
        default -> {}
      }
    }
    throw node.unreadable("its value is no tensor");
  }
}
