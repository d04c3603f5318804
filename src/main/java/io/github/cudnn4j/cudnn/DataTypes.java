package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.cuda.ElementType;

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
}
