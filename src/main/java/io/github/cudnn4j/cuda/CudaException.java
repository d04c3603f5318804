package io.github.cudnn4j.cuda;

import java.util.Locale;

/**
 * A function of the CUDA runtime, the CUDA driver, cuBLAS, NVRTC or NCCL has returned an error.
 *
 * <p>Work on a GPU is asynchronous: the error may be that of an earlier call.
 */
public sealed class CudaException extends RuntimeException permits DeviceOutOfMemoryException {
  private static final long serialVersionUID = 1;

  private final String function;
  private final int code;
  private final String codeName;

  CudaException(String function, int code, String codeName, String detail) {
    super(
        String.format(
            Locale.ROOT,
            "%s returned %d %s%s",
            function,
            code,
            codeName,
            detail.isBlank() ? "" : ": " + detail));
    this.function = function;
    this.code = code;
    this.codeName = codeName;
  }

  /** Returns the C function that returned the error. */
  public String function() {
    return function;
  }

  /** Returns the code as the function returned it; its meaning depends on the library. */
  public int code() {
    return code;
  }

  /** Returns the name of the code, for example {@code cudaErrorInvalidValue}; NCCL has a text. */
  public String codeName() {
    return codeName;
  }
}
