package io.github.cudnn4j.library;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Looks for a complete and working set of NVIDIA's libraries: driver, runtime, cuBLAS, NVRTC and
 * cuDNN that fit each other, with a GPU on which a context can be made.
 */
final class CudaSearch {
  private static final String DRIVER = "libcuda.so.1";

  /** {@code CUDA_ERROR_STUB_LIBRARY} of {@code cuda.h}. */
  private static final int STUB = 34;

  private final SearchPath searchPath;
  private final Findings findings;
  private final CudaAdvice advice;
  private @Nullable String driverProblem;
  private String refusal = "no CUDA libraries were found";

  CudaSearch(Environment environment, Findings findings) {
    this.searchPath = new SearchPath(environment);
    this.findings = findings;
    this.advice = new CudaAdvice(findings);
  }

  /** What was found, open and checked. */
  record Found(SharedObject driver, CudaToolkit toolkit, CudnnLibraries cudnn) {}

  /** Returns the libraries, null if there is no usable set; then {@link #refusal} says why. */
  @Nullable Found find() {
    var platform = Platform.refusal();
    if (platform != null) {
      refusal = platform;
      return null;
    }
    var driver = driver();
    if (driver == null) {
      advice.noDriver();
    }
    // Also without a driver, so that one report names everything that is missing.
    var found = search(driver);
    searchPath.remarks().forEach(findings::note);
    if (driver == null) {
      refusal =
          driverProblem == null
              ? "there is no NVIDIA driver (" + DRIVER + " is not found)"
              : "NVIDIA's driver cannot be used: " + driverProblem;
    }
    return found;
  }

  /** Returns why nothing usable was found. */
  String refusal() {
    return refusal;
  }

  private @Nullable SharedObject driver() {
    for (var location : searchPath.driver()) {
      var group = new LibraryGroup(location, findings);
      var driver = group.open(DRIVER, CudaSearch::driverVersion);
      if (driver != null) {
        return driver;
      }
      if (driverProblem == null && findings.lastWasThere()) {
        driverProblem = findings.lastProblem();
      }
      group.close();
    }
    return null;
  }

  private static String driverVersion(SharedObject library) throws Probe.ProbeException {
    LibraryGroup.requireFunctions(library, NeededFunctions.CUDA);
    try {
      return "for CUDA " + CudaToolkit.cudaVersion(Probe.getInt(library, "cuDriverGetVersion"));
    } catch (Probe.ProbeException e) {
      throw e.code() == STUB
          ? new Probe.ProbeException(STUB, "a toolkit's stand-in to link programs with, no driver")
          : e;
    }
  }

  private @Nullable Found search(@Nullable SharedObject driver) {
    var complete = false;
    var incomplete = "neither CUDA 13 nor 12 (libcudart, libcublas, libnvrtc) was found";
    for (var location : searchPath.cuda()) {
      var any = false;
      for (var major : CudaToolkit.MAJORS) {
        if (!CudaToolkit.isIn(location, major)) {
          continue;
        }
        any = true;
        var toolkit = CudaToolkit.open(location, major, findings);
        if (toolkit == null) {
          if (!location.isLoader()) {
            incomplete =
                String.format(
                    Locale.ROOT, "CUDA %d cannot be used: %s", major, findings.lastProblem());
          }
          continue;
        }
        complete = true;
        var fault = fault(toolkit, driver != null);
        var cudnn = fault != null && fault.otherToolkitMayHelp() ? null : cudnn(toolkit);
        if (cudnn != null && fault == null) {
          fault = contextFault(toolkit);
        }
        if (cudnn != null && fault == null && driver != null) {
          return new Found(driver, toolkit, cudnn);
        }
        if (fault != null) {
          refusal = fault.text();
        }
        var last = fault != null && !fault.otherToolkitMayHelp();
        // What comes next must not be mixed with this. But a driver that was asked for devices may
        // have threads that run in these libraries, so that the last ones stay, known to nobody.
        if (driver == null || !last) {
          if (cudnn != null) {
            cudnn.close();
          }
          toolkit.close();
        }
        if (last) {
          return null;
        }
      }
      if (!any) {
        findings.missing(
            "libcudart",
            location,
            location.describe(),
            "no libcudart, libcublas or libnvrtc .so.13/.12");
      }
    }
    if (!complete) {
      refusal = incomplete;
      advice.noToolkit();
    }
    return null;
  }

  /**
   * Why a toolkit cannot be used.
   *
   * @param otherToolkitMayHelp whether an older toolkit might work
   */
  private record Fault(String text, boolean otherToolkitMayHelp) {}

  private @Nullable Fault fault(CudaToolkit toolkit, boolean hasDriver) {
    var cudart = toolkit.cudart();
    try {
      var supported = Probe.getInt(cudart, "cudaDriverGetVersion");
      if (supported > 0 && supported / 1000 < toolkit.major()) {
        var text =
            String.format(
                Locale.ROOT,
                "the driver supports CUDA %s, the libraries are of CUDA %d",
                CudaToolkit.cudaVersion(supported),
                toolkit.major());
        findings.refused("driver", toolkit.location(), cudart.path(), text);
        advice.oldDriver(toolkit.major());
        return new Fault(text, true);
      }
      var devices = Probe.getInt(cudart, "cudaGetDeviceCount");
      if (devices < 1) {
        advice.noDevice();
        return new Fault("there is no GPU (cudaGetDeviceCount finds 0)", false);
      }
      return null;
    } catch (Probe.ProbeException e) {
      var text = e.getMessage() + errorText(cudart, e.code());
      findings.refused("device", toolkit.location(), cudart.path(), text);
      if (hasDriver) {
        advice.noDevice();
      }
      return new Fault(text, false);
    }
  }

  private @Nullable Fault contextFault(CudaToolkit toolkit) {
    var cudart = toolkit.cudart();
    try {
      var status = Probe.callInt(cudart, "cudaSetDevice", 0);
      if (status == 0) {
        // Frees nothing, but makes the context.
        status = Probe.callNull(cudart, "cudaFree");
      }
      if (status == 0) {
        return null;
      }
      var text = "no context can be made on GPU 0: " + status + errorText(cudart, status);
      findings.refused("device", toolkit.location(), cudart.path(), text);
      advice.brokenDevice();
      return new Fault(text, false);
    } catch (Probe.ProbeException e) {
      return new Fault(e.getMessage(), false);
    }
  }

  private static String errorText(SharedObject cudart, int code) {
    try {
      return " ("
          + Probe.getText(cudart, "cudaGetErrorName", code)
          + ": "
          + Probe.getText(cudart, "cudaGetErrorString", code)
          + ")";
    } catch (Probe.ProbeException e) {
      return "";
    }
  }

  private @Nullable CudnnLibraries cudnn(CudaToolkit toolkit) {
    refusal = "no cuDNN 9 was found";
    for (var location : searchPath.cudnn()) {
      if (!CudnnLibraries.isIn(location)) {
        findings.missing(CudnnLibraries.DISPATCHER, location, location.describe(), "no such file");
        continue;
      }
      var cudnn = CudnnLibraries.open(location, toolkit.major(), findings);
      if (cudnn != null) {
        return cudnn;
      }
      if (!location.isLoader()) {
        refusal = "cuDNN cannot be used: " + findings.lastProblem();
      }
    }
    advice.noCudnn(toolkit.major());
    return null;
  }
}
