package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.CudaDriver;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.bindings.Nccl;
import io.github.cudnn4j.bindings.Nvrtc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Locale;

/**
 * A function of the CUDA runtime, the CUDA driver, cuBLAS, NVRTC or NCCL has returned an error.
 *
 * <p>Work on a GPU is asynchronous: the error may be that of an earlier call.
 */
public sealed class CudaException extends RuntimeException permits DeviceOutOfMemoryException {
  private static final long serialVersionUID = 1;
  private static final String UNKNOWN = "(unknown code)";

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

  static void checkCudart(int status, String function) {
    if (status != 0) {
      throw ofCudart(status, function);
    }
  }

  static void checkDriver(int status, String function) {
    if (status != 0) {
      throw ofDriver(status, function);
    }
  }

  static void checkCublas(int status, String function) {
    if (status != 0) {
      throw new CudaException(
          function,
          status,
          text(Cublas.cublasGetStatusName(status)),
          text(Cublas.cublasGetStatusString(status)));
    }
  }

  static void checkNvrtc(int status, String function) {
    if (status != 0) {
      throw ofNvrtc(status, function, "");
    }
  }

  /**
   * Checks what NCCL returned.
   *
   * @param communicator whose last error is told; NULL for that of this thread
   */
  static void checkNccl(int status, String function, MemorySegment communicator) {
    if (status != 0) {
      throw new CudaException(
          function,
          status,
          text(Nccl.ncclGetErrorString(status)),
          text(Nccl.ncclGetLastError(communicator)).strip());
    }
  }

  static CudaException ofCudart(int status, String function) {
    forgetLastError();
    return new CudaException(
        function,
        status,
        text(Cudart.cudaGetErrorName(status)),
        text(Cudart.cudaGetErrorString(status)));
  }

  /** Whether what was asked about has happened; not yet is no failure. */
  static boolean checkDone(int status, String function) {
    if (status == Cudart.cudaErrorNotReady()) {
      forgetLastError();
      return false;
    }
    checkCudart(status, function);
    return true;
  }

  static CudaException ofNvrtc(int status, String function, String detail) {
    return new CudaException(function, status, text(Nvrtc.nvrtcGetErrorString(status)), detail);
  }

  /** Returns the failure of an allocation, which says how much there was. */
  static CudaException ofAllocation(int status, String function, long bytes) {
    if (status != Cudart.cudaErrorMemoryAllocation()) {
      return ofCudart(status, function);
    }
    forgetLastError();
    var name = text(Cudart.cudaGetErrorName(status));
    try (var arena = Arena.ofConfined()) {
      var free = arena.allocate(NativeTypes.C_LONG);
      var total = arena.allocate(NativeTypes.C_LONG);
      var known = Cudart.cudaMemGetInfo(free, total) == 0;
      return new DeviceOutOfMemoryException(
          function, status, name, bytes, known ? free.get(NativeTypes.C_LONG, 0) : -1);
    }
  }

  private static CudaException ofDriver(int status, String function) {
    try (var arena = Arena.ofConfined()) {
      var out = arena.allocate(NativeTypes.C_POINTER);
      var named = CudaDriver.cuGetErrorName(status, out) == 0;
      var name = named ? text(out.get(NativeTypes.C_POINTER, 0)) : UNKNOWN;
      var described = CudaDriver.cuGetErrorString(status, out) == 0;
      var detail = described ? text(out.get(NativeTypes.C_POINTER, 0)) : "";
      return new CudaException(function, status, name, detail);
    }
  }

  /**
   * The runtime keeps the last error and would report it once more to the next library that asks,
   * for example cuDNN. An error that the device does not recover from is reported all the same.
   */
  static void forgetLastError() {
    Cudart.cudaGetLastError();
  }

  private static String text(MemorySegment string) {
    return string.address() == 0 ? UNKNOWN : string.getString(0);
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
