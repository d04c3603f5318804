package io.github.cudnn4j.onnx;

import io.github.cudnn4j.io.Message;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

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

  static OnnxFile parse(ByteBuffer bytes) throws IOException {
    Message model = Message.parse(bytes);
    checkOpset(model);
    List<Message> graphs = model.messages(7);
    if (graphs.size() != 1) {
      throw new IOException("no file of ONNX: it has " + graphs.size() + " graphs");
    }
    Message graph = graphs.getFirst();
    if (graph.has(15)) {
      throw new IOException("sparse weights are not read");
    }
    Map<String, OnnxArray> arrays = new LinkedHashMap<>();
    for (Message tensor : graph.messages(5)) {
      String name = tensor.text(8);
      OnnxArray array = OnnxArray.parse("\"" + name + "\"", tensor);
      if (arrays.put(name, array) != null) {
        throw new IOException("\"" + name + "\" is there twice");
      }
    }
    Set<String> parameters = new LinkedHashSet<>();
    arrays.forEach(
        (name, array) -> {
          if (array.isFloating() && array.rank() > 0 && array.values().length > 0) {
            parameters.add(name);
          }
        });

    List<OnnxValue> inputs = new ArrayList<>();
    Set<String> known = new HashSet<>(arrays.keySet());
    known.add("");
    for (Message input : graph.messages(11)) {
      String name = input.text(1);
      if (!arrays.containsKey(name)) {
        inputs.add(input(name, input));
        known.add(name);
      }
    }
    List<OnnxNode> nodes = new ArrayList<>();
    Map<String, RecurrentNode> recurrent = new LinkedHashMap<>();
    for (Message message : graph.messages(1)) {
      OnnxNode node = OnnxNode.parse(message);
      check(node, known);
      if (node.operator().equals("Constant")) {
        OnnxArray array = constant(node);
        node.outputs().forEach(output -> arrays.put(output, array));
        continue;
      }
      if (RecurrentNode.OPERATORS.contains(node.operator())) {
        if (recurrent.put(node.name(), RecurrentNode.of(node, arrays)) != null) {
          throw node.unreadable("another node has the same name");
        }
        node.inputs().stream().skip(1).limit(3).forEach(parameters::remove);
      } else if (node.operator().equals("OneHot")) {
        parameters.remove(node.input(2));
      }
      nodes.add(node);
    }
    List<String> outputs = new ArrayList<>();
    for (Message output : graph.messages(12)) {
      String name = output.text(1);
      if (!known.contains(name)) {
        throw new IOException("output \"" + name + "\" is computed by no node");
      }
      outputs.add(name);
    }
    return new OnnxFile(nodes, inputs, outputs, arrays, parameters, recurrent);
  }

  private static void checkOpset(Message model) throws IOException {
    for (Message opset : model.messages(8)) {
      String domain = opset.text(1);
      long version = opset.number(2, 0);
      if (domain.isEmpty() || domain.equals("ai.onnx")) {
        if (version < OLDEST_OPSET || version > NEWEST_OPSET) {
          throw new IOException(
              "the operators are of opset "
                  + version
                  + ", read are "
                  + OLDEST_OPSET
                  + " to "
                  + NEWEST_OPSET);
        }
        return;
      }
    }
    throw new IOException("no file of ONNX: it tells no version of the operators");
  }

  private static OnnxValue input(String name, Message input) throws IOException {
    List<Message> types = input.messages(2);
    List<Message> tensors = types.isEmpty() ? List.of() : types.getLast().messages(1);
    if (tensors.isEmpty()) {
      throw new IOException("input \"" + name + "\" is no tensor");
    }
    long number = tensors.getLast().number(1, 0);
    OnnxType type =
        OnnxType.of(number)
            .orElseThrow(
                () -> new IOException("input \"" + name + "\" is of the type number " + number));
    List<Message> shapes = tensors.getLast().messages(2);
    if (shapes.isEmpty()) {
      throw new IOException("input \"" + name + "\" has no shape");
    }
    List<String> shape = new ArrayList<>();
    for (Message extent : shapes.getLast().messages(1)) {
      shape.add(extent.has(1) ? String.valueOf(extent.number(1, 0)) : extent.text(2));
    }
    return new OnnxValue(name, type.type(), shape);
  }

  private static void check(OnnxNode node, Set<String> known) throws IOException {
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
