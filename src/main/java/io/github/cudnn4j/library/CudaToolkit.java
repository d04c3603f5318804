package io.github.cudnn4j.library;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** libcudart, libcublas and libnvrtc of one CUDA release, opened from one location. */
final class CudaToolkit implements AutoCloseable {
  /** The releases whose interface the bindings fit, the preferred one first. */
  static final List<Integer> MAJORS = List.of(13, 12);

  private final LibraryGroup group;
  private final int major;
  private final SharedObject cudart;
  private final SharedObject cublas;
  private final SharedObject nvrtc;

  private CudaToolkit(
      LibraryGroup group, int major, SharedObject cudart, SharedObject cublas, SharedObject nvrtc) {
    this.group = group;
    this.major = major;
    this.cudart = cudart;
    this.cublas = cublas;
    this.nvrtc = nvrtc;
  }

  /** Returns whether a location has anything of a release, so that opening it is worth a try. */
  static boolean isIn(LibraryLocation location, int major) {
    return location.isLoader()
        || location.find("libcudart.so." + major) != null
        || location.find("libcublas.so." + major) != null
        || location.find("libnvrtc.so." + major) != null;
  }

  /** Opens and checks the libraries; null if one of them cannot be used. */
  static @Nullable CudaToolkit open(LibraryLocation location, int major, Findings findings) {
    var group = new LibraryGroup(location, findings);
    var cudart =
        group.open(
            "libcudart.so." + major,
            library -> {
              LibraryGroup.requireFunctions(library, NeededFunctions.CUDART);
              var version = Probe.getInt(library, "cudaRuntimeGetVersion");
              return sameMajor(major, version / 1000, "CUDA runtime " + cudaVersion(version));
            });
    // libcublas needs libcublasLt; opened first and by its path, it is the one beside libcublas.
    var cublasLt = cudart == null ? null : group.open("libcublasLt.so." + major, library -> "");
    var cublas =
        cublasLt == null
            ? null
            : group.open(
                "libcublas.so." + major,
                library -> {
                  LibraryGroup.requireFunctions(library, NeededFunctions.CUBLAS);
                  return sameMajor(major, property(library, 0), "cuBLAS " + cublasVersion(library));
                });
    var nvrtc =
        cublas == null
            ? null
            : group.open(
                "libnvrtc.so." + major,
                library -> {
                  LibraryGroup.requireFunctions(library, NeededFunctions.NVRTC);
                  var version = Probe.getTwoInts(library, "nvrtcVersion");
                  openBuiltins(group, library, version);
                  return sameMajor(major, version[0], "NVRTC " + version[0] + "." + version[1]);
                });
    if (cudart == null || cublas == null || nvrtc == null) {
      group.close();
      return null;
    }
    return new CudaToolkit(group, major, cudart, cublas, nvrtc);
  }

  /**
   * Opens the library that NVRTC opens at the first compilation, by SONAME: it would find it only
   * on the loader's own search path, and fail with a code that does not say so.
   */
  private static void openBuiltins(LibraryGroup group, SharedObject nvrtc, int[] version)
      throws Probe.ProbeException {
    var name = "libnvrtc-builtins.so." + version[0] + "." + version[1];
    var folder = folderOf(nvrtc);
    var file = folder.resolve(name);
    if (!Files.exists(file)) {
      throw new Probe.ProbeException(-1, name + " is not beside it in " + folder);
    }
    var refusal = group.untrusted(file);
    if (refusal != null) {
      throw new Probe.ProbeException(-1, name + " beside it " + refusal);
    }
    try {
      // Never closed: NVRTC keeps on using it for as long as it is open itself.
      SharedObject.open(file.toString());
    } catch (SharedObject.OpenException e) {
      throw new Probe.ProbeException(-1, e.getMessage());
    }
  }

  private static Path folderOf(SharedObject library) {
    var parent = library.path().toAbsolutePath().getParent();
    return parent == null ? Path.of("/") : parent;
  }

  private static String sameMajor(int expected, int actual, String text)
      throws Probe.ProbeException {
    if (expected != actual) {
      throw new Probe.ProbeException(
          -1, "it says it is " + text + ", which is not of CUDA " + expected);
    }
    return text;
  }

  private static String cublasVersion(SharedObject cublas) throws Probe.ProbeException {
    return property(cublas, 0) + "." + property(cublas, 1) + "." + property(cublas, 2);
  }

  /** Returns the major (0), minor (1) or patch (2) version of libcublas. */
  private static int property(SharedObject cublas, int which) throws Probe.ProbeException {
    return Probe.getInt(cublas, "cublasGetProperty", which);
  }

  /** Writes CUDA's version number 13010 as 13.1. */
  static String cudaVersion(int version) {
    return version / 1000 + "." + version % 1000 / 10;
  }

  int major() {
    return major;
  }

  LibraryLocation location() {
    return group.location();
  }

  SharedObject cudart() {
    return cudart;
  }

  SharedObject cublas() {
    return cublas;
  }

  SharedObject nvrtc() {
    return nvrtc;
  }

  @Override
  public void close() {
    group.close();
  }
}
