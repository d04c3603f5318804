package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.Cublas;
import io.github.cudnn4j.bindings.CudaDriver;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.bindings.Nccl;
import io.github.cudnn4j.bindings.Nvrtc;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The one place where a status of the runtime, the driver, cuBLAS, NVRTC or NCCL becomes an
 * exception.
 */
final class Status {
  private static final String UNKNOWN = "(unknown code)";

  private Status() {}

  static void cudart(int status, String function) {
    if (status != 0) {
      throw cudartFailure(status, function);
    }
  }

  static void driver(int status, String function) {
    if (status != 0) {
      throw driverFailure(status, function);
    }
  }

  static void cublas(int status, String function) {
    if (status != 0) {
      throw new CudaException(
          function,
          status,
          text(Cublas.cublasGetStatusName(status)),
          text(Cublas.cublasGetStatusString(status)));
    }
  }

  static void nvrtc(int status, String function) {
    if (status != 0) {
      throw nvrtcFailure(status, function, "");
    }
  }

  /**
   * Checks what NCCL returned.
   *
   * @param communicator whose last error is told; NULL for that of this thread
   */
  static void nccl(int status, String function, MemorySegment communicator) {
    if (status != 0) {
      throw new CudaException(
          function,
          status,
          text(Nccl.ncclGetErrorString(status)),
          text(Nccl.ncclGetLastError(communicator)).strip());
    }
  }

  static CudaException cudartFailure(int status, String function) {
    forgetLastError();
    return new CudaException(
        function,
        status,
        text(Cudart.cudaGetErrorName(status)),
        text(Cudart.cudaGetErrorString(status)));
  }

  /** Whether what was asked about has happened; not yet is no failure. */
  static boolean isDone(int status, String function) {
    if (status == Cudart.cudaErrorNotReady()) {
      forgetLastError();
      return false;
    }
    cudart(status, function);
    return true;
  }

  static CudaException nvrtcFailure(int status, String function, String detail) {
    return new CudaException(function, status, text(Nvrtc.nvrtcGetErrorString(status)), detail);
  }

  /** Returns the failure of an allocation, which says how much there was. */
  static CudaException allocationFailure(int status, String function, long bytes) {
    if (status != Cudart.cudaErrorMemoryAllocation()) {
      return cudartFailure(status, function);
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

  private static CudaException driverFailure(int status, String function) {
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
}
