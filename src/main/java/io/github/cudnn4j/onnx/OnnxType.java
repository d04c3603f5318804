package io.github.cudnn4j.onnx;

import io.github.cudnn4j.cuda.ElementType;
import java.util.Optional;
import java.util.stream.Stream;

/** The element types of ONNX that are written or read, with their numbers in a file. */
enum OnnxType {
  FLOAT(1, ElementType.FLOAT32),
  INT32(6, ElementType.INT32),
  INT64(7, ElementType.INT64),
  FLOAT16(10, ElementType.FLOAT16),
  DOUBLE(11, ElementType.FLOAT64),
  BFLOAT16(16, ElementType.BFLOAT16);

  private final int number;
  private final ElementType type;

  OnnxType(int number, ElementType type) {
    this.number = number;
    this.type = type;
  }

  boolean isFloating() {
    return this != INT32 && this != INT64;
  }

  int number() {
    return number;
  }

  ElementType type() {
    return type;
  }

  static OnnxType of(ElementType type) {
    return Stream.of(values())
        .filter(each -> each.type == type)
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException(type + " is not written to ONNX"));
  }

  static Optional<OnnxType> of(long number) {
    return Stream.of(values()).filter(each -> each.number == number).findFirst();
  }
}
