package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Precision;

/** Element types as cuDNN numbers them. */
final class DataTypes {
  private DataTypes() {}

  /** The {@code cudnnDataType_t} of an element type. */
  static int code(ElementType type) {
    return switch (type) {
      case FLOAT32 -> Cudnn.CUDNN_DATA_FLOAT();
      case FLOAT64 -> Cudnn.CUDNN_DATA_DOUBLE();
      case FLOAT16 -> Cudnn.CUDNN_DATA_HALF();
      case BFLOAT16 -> Cudnn.CUDNN_DATA_BFLOAT16();
      case INT32 -> Cudnn.CUDNN_DATA_INT32();
      case INT64 -> Cudnn.CUDNN_DATA_INT64();
      case UINT8 -> Cudnn.CUDNN_DATA_UINT8();
    };
  }

  /** Refuses a type that is not a floating-point one. */
  static void checkFloating(ElementType type) {
    switch (type) {
      case FLOAT32, FLOAT64, FLOAT16, BFLOAT16 -> {}
      case INT32, INT64, UINT8 ->
          throw new IllegalArgumentException(
              "type is " + type + ", but it must be a floating-point type");
    }
  }

  /** The type in which products of a precision are summed up. */
  static ElementType sums(Precision precision) {
    return switch (precision) {
      case FP32, TF32, FP16, BF16 -> ElementType.FLOAT32;
      case FP16_MATH -> ElementType.FLOAT16;
      case FP64 -> ElementType.FLOAT64;
    };
  }
}
