package io.github.cudnn4j.onnx;

import io.github.cudnn4j.io.Message;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An operator of a graph, with what goes in and out.
 *
 * @param inputs names of values, empty for one that is left out
 * @param attributes Long, Double, String, {@code long[]}, {@code List<String>} and OnnxArray
 */
record OnnxNode(
    String name,
    String operator,
    List<String> inputs,
    List<String> outputs,
    Map<String, Object> attributes) {

  static OnnxNode parse(Message node) throws IOException {
    List<String> outputs = node.texts(2);
    String operator = node.text(4);
    String name = node.text(3);
    if (name.isEmpty() && !outputs.isEmpty()) {
      name = outputs.getFirst();
    }
    Map<String, Object> attributes = new LinkedHashMap<>();
    OnnxNode parsed = new OnnxNode(name, operator, node.texts(1), outputs, attributes);
    String domain = node.text(7);
    if (!domain.isEmpty() && !domain.equals("ai.onnx")) {
      throw parsed.unreadable("operators of the domain " + domain + " are not read");
    }
    node.messages(5, attribute -> attributes.put(attribute.text(1), parsed.value(attribute)));
    return parsed;
  }

  private Object value(Message attribute) throws IOException {
    String attributeName = attribute.text(1);
    long type = attribute.number(20, 0);
    return switch ((int) type) {
      case 1 -> (double) Float.intBitsToFloat((int) attribute.number(2, 0));
      case 2 -> attribute.number(3, 0);
      case 3 -> attribute.text(4);
      case 4 -> {
        Message tensor = attribute.message(5);
        if (tensor == null) {
          throw unreadable("attribute " + attributeName + " has no tensor");
        }
        yield OnnxArray.parse(told("attribute " + attributeName), tensor);
      }
      case 6 -> {
        List<Double> numbers = new ArrayList<>();
        var floats = attribute.fixed(7, Float.BYTES);
        while (floats.hasRemaining()) {
          numbers.add((double) floats.getFloat());
        }
        yield numbers;
      }
      case 7 -> attribute.numbers(8);
      case 8 -> attribute.texts(9);
      default -> throw unreadable("attribute " + attributeName + " is of the kind number " + type);
    };
  }

  /** Returns the node with other names of what goes in, where there are. */
  OnnxNode reading(Map<String, String> others) {
    List<String> names = inputs.stream().map(name -> others.getOrDefault(name, name)).toList();
    return new OnnxNode(name, operator, names, outputs, attributes);
  }

  /** Says of which node something is. */
  String told(String what) {
    return "node \"" + name + "\" (" + operator + "): " + what;
  }

  IOException unreadable(String reason) {
    return new IOException(told(reason));
  }

  IllegalArgumentException refused(String reason) {
    return new IllegalArgumentException(told(reason));
  }

  /** Returns an attribute that is a whole number. */
  long number(String attribute, long absent) {
    Object value = attributes.getOrDefault(attribute, absent);
    if (!(value instanceof Long number)) {
      throw refused("attribute " + attribute + " is no whole number");
    }
    return number;
  }

  double decimal(String attribute, double absent) {
    Object value = attributes.getOrDefault(attribute, absent);
    if (!(value instanceof Double number)) {
      throw refused("attribute " + attribute + " is no decimal number");
    }
    return number;
  }

  /** Returns an attribute that is an extent, counted from the last if negative. */
  int axis(long absent, int rank) {
    return axis(number("axis", absent), rank, this);
  }

  static int axis(long axis, int rank, OnnxNode node) {
    if (axis < -rank || axis >= rank) {
      throw node.refused("axis " + axis + " of " + rank + " extents");
    }
    return (int) (axis < 0 ? axis + rank : axis);
  }

  /** Returns an input's name, empty if it is left out. */
  String input(int index) {
    return index < inputs.size() ? inputs.get(index) : "";
  }
}
