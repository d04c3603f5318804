package io.github.cudnn4j.library;

import io.github.cudnn4j.bindings.CudaDriver;
import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.HostDevice;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Asks the loaded libraries for their versions and devices. */
final class DeviceFacts {
  private static final int NAME_BYTES = 256;

  private DeviceFacts() {}

  static void ofCuda(CudaSearch.Found cuda, Findings findings) {
    try (var arena = Arena.ofConfined()) {
      var number = arena.allocate(NativeTypes.C_INT);
      Cudart.cudaDriverGetVersion(number);
      findings.fact(
          "driver",
          "for CUDA "
              + CudaToolkit.cudaVersion(number.get(NativeTypes.C_INT, 0))
              + ", "
              + cuda.driver().path());
      Cudart.cudaRuntimeGetVersion(number);
      findings.fact(
          "CUDA runtime",
          CudaToolkit.cudaVersion(number.get(NativeTypes.C_INT, 0))
              + ", "
              + cuda.toolkit().cudart().path());
    }
    findings.fact("cuBLAS", cuda.toolkit().cublas().path().toString());
    findings.fact("NVRTC", cuda.toolkit().nvrtc().path().toString());
    findings.fact(
        "cuDNN",
        CudnnLibraries.versionText(Cudnn.cudnnGetVersion())
            + ", "
            + cuda.cudnn().dispatcher().path());
    devices(findings);
  }

  static void ofHost(HostLibrary host, Findings findings) {
    findings.fact("host device", host.library().path().toString());
    findings.fact("cuDNN interface", CudnnLibraries.versionText(Cudnn.cudnnGetVersion()));
    findings.fact("threads", Integer.toString(HostDevice.cudnn4jHostGetThreads()));
    findings.fact("work is done", HostControl.currentMode().toString());
    devices(findings);
  }

  private static void devices(Findings findings) {
    try (var arena = Arena.ofConfined()) {
      var number = arena.allocate(NativeTypes.C_INT);
      var name = arena.allocate(NAME_BYTES);
      var free = arena.allocate(NativeTypes.C_LONG);
      var total = arena.allocate(NativeTypes.C_LONG);
      if (CudaDriver.cuInit(0) != 0 || Cudart.cudaGetDeviceCount(number) != 0) {
        return;
      }
      var count = number.get(NativeTypes.C_INT, 0);
      for (var ordinal = 0; ordinal < count; ordinal++) {
        if (CudaDriver.cuDeviceGet(number, ordinal) != 0
            || CudaDriver.cuDeviceGetName(name, NAME_BYTES, number.get(NativeTypes.C_INT, 0))
                != 0) {
          continue;
        }
        // Only the current device's memory can be asked for without making a context on another.
        var bytes =
            ordinal == 0 && Cudart.cudaMemGetInfo(free, total) == 0
                ? total.get(NativeTypes.C_LONG, 0)
                : 0;
        findings.device(
            new LibraryReport.DeviceInfo(
                ordinal,
                name.getString(0),
                10 * attribute(number, Cudart.cudaDevAttrComputeCapabilityMajor(), ordinal)
                    + attribute(number, Cudart.cudaDevAttrComputeCapabilityMinor(), ordinal),
                attribute(number, Cudart.cudaDevAttrMultiProcessorCount(), ordinal),
                bytes));
      }
    }
  }

  private static int attribute(MemorySegment out, int attribute, int ordinal) {
    return Cudart.cudaDeviceGetAttribute(out, attribute, ordinal) == 0
        ? out.get(NativeTypes.C_INT, 0)
        : 0;
  }
}
