package io.github.cudnn4j.onnx;

import io.github.cudnn4j.cuda.ElementType;
import java.util.List;
import java.util.Objects;

/**
 * A tensor of an ONNX graph: an input, an output, or what a node computes.
 *
 * @param name unique in the graph
 * @param type of the elements
 * @param shape the extents, outermost first, each a number or the name of one that is not fixed,
 *     such as {@code T}
 */
public record OnnxValue(String name, ElementType type, List<String> shape) {

  /** An input of a node that is left out. */
  public static final OnnxValue NONE = new OnnxValue("", ElementType.FLOAT32, List.of());

  /** Copies the shape. */
  public OnnxValue {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
    shape = List.copyOf(shape);
  }

  /** Returns one extent, counted from the last if negative. */
  String extent(int index) {
    return shape.get(index < 0 ? shape.size() + index : index);
  }

  int rank() {
    return shape.size();
  }

  /** Returns whether an extent is a number above 0, not a name. */
  static boolean isNumber(String extent) {
    return extent.matches("[1-9][0-9]{0,17}");
  }

  /** Returns whether an extent may be this number. */
  static boolean fits(String extent, long number) {
    return !isNumber(extent) || extent.equals(String.valueOf(number));
  }
}
