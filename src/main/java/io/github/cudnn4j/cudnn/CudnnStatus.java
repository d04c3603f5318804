package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import org.jspecify.annotations.Nullable;

/**
 * The status codes of cuDNN 9, under the names of {@code cudnnStatus_t} without their prefix.
 *
 * <p>The thousands of a code are its {@link Category}. cuDNN may refine a code from one version to
 * the next, so a program should decide by category; it may also return a code that is not here, see
 * {@link CudnnException#code()}.
 */
public enum CudnnStatus {
  SUCCESS(Cudnn.CUDNN_STATUS_SUCCESS()),
  NOT_INITIALIZED(Cudnn.CUDNN_STATUS_NOT_INITIALIZED()),
  SUBLIBRARY_VERSION_MISMATCH(Cudnn.CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH()),
  SERIALIZATION_VERSION_MISMATCH(Cudnn.CUDNN_STATUS_SERIALIZATION_VERSION_MISMATCH()),
  DEPRECATED(Cudnn.CUDNN_STATUS_DEPRECATED()),
  LICENSE_ERROR(Cudnn.CUDNN_STATUS_LICENSE_ERROR()),
  RUNTIME_IN_PROGRESS(Cudnn.CUDNN_STATUS_RUNTIME_IN_PROGRESS()),
  RUNTIME_FP_OVERFLOW(Cudnn.CUDNN_STATUS_RUNTIME_FP_OVERFLOW()),
  SUBLIBRARY_LOADING_FAILED(Cudnn.CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED()),
  BAD_PARAM(Cudnn.CUDNN_STATUS_BAD_PARAM()),
  INVALID_VALUE(Cudnn.CUDNN_STATUS_INVALID_VALUE()),
  BAD_PARAM_NULL_POINTER(Cudnn.CUDNN_STATUS_BAD_PARAM_NULL_POINTER()),
  BAD_PARAM_MISALIGNED_POINTER(Cudnn.CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER()),
  BAD_PARAM_NOT_FINALIZED(Cudnn.CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED()),
  BAD_PARAM_OUT_OF_BOUND(Cudnn.CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND()),
  BAD_PARAM_SIZE_INSUFFICIENT(Cudnn.CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT()),
  BAD_PARAM_STREAM_MISMATCH(Cudnn.CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH()),
  BAD_PARAM_SHAPE_MISMATCH(Cudnn.CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH()),
  BAD_PARAM_DUPLICATED_ENTRIES(Cudnn.CUDNN_STATUS_BAD_PARAM_DUPLICATED_ENTRIES()),
  BAD_PARAM_ATTRIBUTE_TYPE(Cudnn.CUDNN_STATUS_BAD_PARAM_ATTRIBUTE_TYPE()),
  BAD_PARAM_CUDA_GRAPH_MISMATCH(Cudnn.CUDNN_STATUS_BAD_PARAM_CUDA_GRAPH_MISMATCH()),
  BAD_PARAM_DESCRIPTOR_TYPE(Cudnn.CUDNN_STATUS_BAD_PARAM_DESCRIPTOR_TYPE()),
  NOT_SUPPORTED(Cudnn.CUDNN_STATUS_NOT_SUPPORTED()),
  NOT_SUPPORTED_GRAPH_PATTERN(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_GRAPH_PATTERN()),
  NOT_SUPPORTED_SHAPE(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_SHAPE()),
  NOT_SUPPORTED_DATA_TYPE(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE()),
  NOT_SUPPORTED_LAYOUT(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_LAYOUT()),
  NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER(
      Cudnn.CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDA_DRIVER()),
  NOT_SUPPORTED_INCOMPATIBLE_CUDART(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_INCOMPATIBLE_CUDART()),
  NOT_SUPPORTED_ARCH_MISMATCH(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH()),
  NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING(
      Cudnn.CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING()),
  NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE()),
  NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT(
      Cudnn.CUDNN_STATUS_NOT_SUPPORTED_SHARED_MEMORY_INSUFFICIENT()),
  NOT_SUPPORTED_PADDING(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_PADDING()),
  NOT_SUPPORTED_BAD_LAUNCH_PARAM(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_BAD_LAUNCH_PARAM()),
  NOT_SUPPORTED_CUDA_GRAPH_NATIVE_API(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_CUDA_GRAPH_NATIVE_API()),
  NOT_SUPPORTED_INVALID_DYNAMIC_SHAPE(Cudnn.CUDNN_STATUS_NOT_SUPPORTED_INVALID_DYNAMIC_SHAPE()),
  INTERNAL_ERROR(Cudnn.CUDNN_STATUS_INTERNAL_ERROR()),
  INTERNAL_ERROR_COMPILATION_FAILED(Cudnn.CUDNN_STATUS_INTERNAL_ERROR_COMPILATION_FAILED()),
  INTERNAL_ERROR_UNEXPECTED_VALUE(Cudnn.CUDNN_STATUS_INTERNAL_ERROR_UNEXPECTED_VALUE()),
  INTERNAL_ERROR_HOST_ALLOCATION_FAILED(Cudnn.CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED()),
  INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED(
      Cudnn.CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED()),
  INTERNAL_ERROR_BAD_LAUNCH_PARAM(Cudnn.CUDNN_STATUS_INTERNAL_ERROR_BAD_LAUNCH_PARAM()),
  INTERNAL_ERROR_TEXTURE_CREATION_FAILED(
      Cudnn.CUDNN_STATUS_INTERNAL_ERROR_TEXTURE_CREATION_FAILED()),
  EXECUTION_FAILED(Cudnn.CUDNN_STATUS_EXECUTION_FAILED()),
  EXECUTION_FAILED_CUDA_DRIVER(Cudnn.CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER()),
  EXECUTION_FAILED_CUBLAS(Cudnn.CUDNN_STATUS_EXECUTION_FAILED_CUBLAS()),
  EXECUTION_FAILED_CUDART(Cudnn.CUDNN_STATUS_EXECUTION_FAILED_CUDART()),
  EXECUTION_FAILED_CURAND(Cudnn.CUDNN_STATUS_EXECUTION_FAILED_CURAND());

  /** What kind of trouble a status code tells of. */
  public enum Category {
    /** No trouble. */
    SUCCESS,
    /** Something about the library itself: not initialized, versions that do not agree. */
    LIBRARY,
    /** An argument that the function does not accept. */
    BAD_PARAM,
    /** Arguments that are right but which this library, version or device cannot serve. */
    NOT_SUPPORTED,
    /** The library failed within itself, or could not get the memory that it needed. */
    INTERNAL_ERROR,
    /** The work failed on the device. */
    EXECUTION_FAILED,
    /** A code outside the ranges above. */
    UNKNOWN;

    private static final Category[] BY_THOUSANDS = {
      SUCCESS, LIBRARY, BAD_PARAM, NOT_SUPPORTED, INTERNAL_ERROR, EXECUTION_FAILED
    };

    /**
     * Returns the category of any status code, listed in {@link CudnnStatus} or not.
     *
     * @param code a value of {@code cudnnStatus_t}
     */
    public static Category of(int code) {
      if (code == 0) {
        return SUCCESS;
      }
      int thousands = code / 1000;
      return thousands >= 1 && thousands < BY_THOUSANDS.length ? BY_THOUSANDS[thousands] : UNKNOWN;
    }
  }

  private final int code;

  CudnnStatus(int code) {
    this.code = code;
  }

  /** The value in {@code cudnnStatus_t}. */
  public int code() {
    return code;
  }

  /** The category of this code. */
  public Category category() {
    return Category.of(code);
  }

  /**
   * Returns the status of a code, or null for a code that cuDNN 9.24 does not name.
   *
   * @param code a value of {@code cudnnStatus_t}
   */
  public static @Nullable CudnnStatus of(int code) {
    for (CudnnStatus status : values()) {
      if (status.code == code) {
        return status;
      }
    }
    return null;
  }
}
