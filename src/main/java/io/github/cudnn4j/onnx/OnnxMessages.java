package io.github.cudnn4j.onnx;

import io.github.cudnn4j.io.MessageWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The parts of a file of ONNX as messages.
 *
 * @see <a href="https://github.com/onnx/onnx/blob/v1.19.0/onnx/onnx.proto">Their schema</a>
 */
final class OnnxMessages {

  private OnnxMessages() {}

  /**
   * Returns a node.
   *
   * @param taken names of what goes in, empty for what is left out
   * @param given names of what comes out
   * @throws IllegalArgumentException if an attribute is of no type that is written
   */
  static MessageWriter node(
      String name,
      String operator,
      Map<String, ?> attributes,
      List<String> taken,
      List<String> given) {
    MessageWriter node = new MessageWriter();
    taken.forEach(each -> node.text(1, each));
    given.forEach(each -> node.text(2, each));
    node.text(3, name).text(4, operator);
    attributes.forEach((key, value) -> node.message(5, attribute(key, value)));
    return node;
  }

  private static MessageWriter attribute(String name, Object value) {
    MessageWriter attribute =
        new MessageWriter().text(1, Objects.requireNonNull(name, "an attribute's name"));
    switch (value) {
      case Float number -> attribute.fixed32(2, Float.floatToRawIntBits(number)).varint(20, 1);
      case Long number -> attribute.varint(3, number).varint(20, 2);
      case String text -> attribute.text(4, text).varint(20, 3);
      case long[] numbers -> {
        Arrays.stream(numbers).forEach(number -> attribute.varint(8, number));
        attribute.varint(20, 7);
      }
      case String[] texts -> {
        for (String text : texts) {
          attribute.text(9, Objects.requireNonNull(text, name));
        }
        attribute.varint(20, 8);
      }
      case null, default ->
          throw new IllegalArgumentException(
              "attribute " + name + " is " + value + ", must be of a type that is written");
    }
    return attribute;
  }

  /** Returns numbers as FLOAT. */
  static MessageWriter floats(String name, double[] values, int... shape) {
    ByteBuffer bytes = littleEndian(Float.BYTES, values.length);
    for (double value : values) {
      bytes.putFloat((float) value);
    }
    return tensor(name, OnnxType.FLOAT, bytes, shape);
  }

  /** Returns numbers as INT64, of one extent. */
  static MessageWriter longs(String name, long... values) {
    ByteBuffer bytes = littleEndian(Long.BYTES, values.length);
    Arrays.stream(values).forEach(bytes::putLong);
    return tensor(name, OnnxType.INT64, bytes, values.length);
  }

  private static ByteBuffer littleEndian(int size, int count) {
    return ByteBuffer.allocate(Math.multiplyExact(size, count)).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static MessageWriter tensor(String name, OnnxType type, ByteBuffer bytes, int... shape) {
    MessageWriter tensor = new MessageWriter();
    Arrays.stream(shape).forEach(extent -> tensor.varint(1, extent));
    return tensor.varint(2, type.number()).text(8, name).bytes(9, bytes.array());
  }

  /** Returns what is told of an input or an output, which has a name of its own. */
  static MessageWriter description(String name, OnnxValue value) {
    MessageWriter shape = new MessageWriter();
    for (String extent : value.shape()) {
      shape.message(
          1,
          OnnxValue.isNumber(extent)
              ? new MessageWriter().varint(1, Long.parseLong(extent))
              : new MessageWriter().text(2, extent));
    }
    MessageWriter type =
        new MessageWriter().varint(1, OnnxType.of(value.type()).number()).message(2, shape);
    return new MessageWriter().text(1, name).message(2, new MessageWriter().message(1, type));
  }
}
