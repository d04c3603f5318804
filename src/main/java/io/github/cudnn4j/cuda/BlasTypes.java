package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.MemorySegment;

/** Types as cuBLAS numbers them, and factors of a product in the type that it wants. */
final class BlasTypes {
  private BlasTypes() {}

  /** The {@code cudaDataType} of a floating-point type. */
  static int data(ElementType type) {
    return switch (type) {
      case FLOAT32 -> Cublas.CUDA_R_32F();
      case FLOAT64 -> Cublas.CUDA_R_64F();
      case FLOAT16 -> Cublas.CUDA_R_16F();
      case BFLOAT16 -> Cublas.CUDA_R_16BF();
      case INT32, INT64, UINT8 -> throw new AssertionError(type);
    };
  }

  /** The {@code cublasComputeType_t} of a precision. */
  static int compute(Precision precision) {
    return switch (precision) {
      case FP32, FP16, BF16 -> Cublas.CUBLAS_COMPUTE_32F();
      case TF32 -> Cublas.CUBLAS_COMPUTE_32F_FAST_TF32();
      case FP16_MATH -> Cublas.CUBLAS_COMPUTE_16F();
      case FP64 -> Cublas.CUBLAS_COMPUTE_64F();
    };
  }

  /** Writes alpha or beta in the type in which a product of the precision is summed up. */
  static void scalar(MemorySegment target, Precision precision, double value) {
    switch (precision) {
      case FP32, TF32, FP16, BF16 -> target.set(NativeTypes.C_FLOAT, 0, (float) value);
      case FP16_MATH -> target.set(NativeTypes.C_SHORT, 0, Float.floatToFloat16((float) value));
      case FP64 -> target.set(NativeTypes.C_DOUBLE, 0, value);
    }
  }
}
