package io.github.cudnn4j.library;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * libcudnn and its sub-libraries, opened from one folder.
 *
 * <p>libcudnn opens its sub-libraries itself, by SONAME at the first call that needs one. If one is
 * missing then, the process is aborted; if another installation's comes first on the loader's
 * search path, the versions are mixed. So all are opened here first, by their paths and in the
 * order in which they need each other.
 */
final class CudnnLibraries implements AutoCloseable {
  static final String DISPATCHER = "libcudnn.so.9";

  private static final String SUFFIX = ".so.9";
  private static final String PREFIX = "libcudnn_";
  private static final List<String> REQUIRED =
      List.of(
          "libcudnn_graph.so.9",
          "libcudnn_ops.so.9",
          "libcudnn_cnn.so.9",
          "libcudnn_adv.so.9",
          "libcudnn_engines_precompiled.so.9",
          "libcudnn_engines_runtime_compiled.so.9",
          "libcudnn_heuristic.so.9");

  /** Each checks that a sub-library and those it needs are of one version. */
  private static final List<String> VERSION_CHECKS =
      List.of(
          "cudnnGraphVersionCheck",
          "cudnnOpsVersionCheck",
          "cudnnCnnVersionCheck",
          "cudnnAdvVersionCheck");

  private static final int MAJOR = 9;
  private static final int MAJOR_FACTOR = 10_000;

  private final LibraryGroup group;
  private final SharedObject dispatcher;

  private CudnnLibraries(LibraryGroup group, SharedObject dispatcher) {
    this.group = group;
    this.dispatcher = dispatcher;
  }

  /** Returns whether a location has a cuDNN, so that opening it is worth a try. */
  static boolean isIn(LibraryLocation location) {
    return location.isLoader() || location.find(DISPATCHER) != null;
  }

  /**
   * Opens and checks a cuDNN.
   *
   * @param cudaMajor the CUDA release that it must be built for
   * @return null if it cannot be used
   */
  static @Nullable CudnnLibraries open(LibraryLocation location, int cudaMajor, Findings findings) {
    var folderPlace = location.isLoader() ? loaderFolder(location, findings) : location;
    if (folderPlace == null) {
      return null;
    }
    var group = new LibraryGroup(folderPlace, findings);
    for (var soname : subLibraries(folderPlace)) {
      var opened = group.open(soname, library -> onlyOne(library, soname));
      if (opened == null && REQUIRED.contains(soname)) {
        group.close();
        return null;
      }
    }
    var dispatcher =
        group.open(
            DISPATCHER,
            library -> {
              onlyOne(library, DISPATCHER);
              return version(library, cudaMajor);
            });
    if (dispatcher == null) {
      group.close();
      return null;
    }
    return new CudnnLibraries(group, dispatcher);
  }

  /** Asks the loader for libcudnn, to take the sub-libraries from the folder it is in. */
  private static @Nullable LibraryLocation loaderFolder(LibraryLocation loader, Findings findings) {
    try (var probe = SharedObject.open(DISPATCHER)) {
      var folder = probe.path().toAbsolutePath().getParent();
      return new LibraryLocation(loader.origin(), List.of(folder == null ? Path.of("/") : folder));
    } catch (SharedObject.OpenException e) {
      findings.missing(DISPATCHER, loader, DISPATCHER, e.getMessage());
      return null;
    }
  }

  /** Returns the sub-libraries, those known first, then what else newer versions have. */
  private static List<String> subLibraries(LibraryLocation location) {
    var names = new LinkedHashSet<>(REQUIRED);
    var others = new ArrayList<String>();
    for (var folder : location.folders()) {
      try (Stream<Path> files = Files.list(folder)) {
        files
            .map(file -> file.getFileName().toString())
            .filter(name -> name.startsWith(PREFIX) && name.endsWith(SUFFIX))
            .forEach(others::add);
      } catch (IOException e) {
        // Opening the required ones will say what is wrong with the folder.
      }
    }
    others.sort(null);
    names.addAll(others);
    return List.copyOf(names);
  }

  /**
   * Checks that the SONAME leads to the library just opened. It leads elsewhere when another part
   * of this process has opened another cuDNN before; libcudnn would then use that one's parts.
   */
  private static String onlyOne(SharedObject library, String soname) throws Probe.ProbeException {
    var answering = SharedObject.alreadyOpen(soname);
    try {
      if (answering.isPresent() && !Files.isSameFile(answering.get(), library.path())) {
        throw new Probe.ProbeException(
            -1, "this process uses another one already: " + answering.get());
      }
    } catch (IOException e) {
      throw new Probe.ProbeException(-1, "cannot be compared with " + answering + ": " + e);
    }
    return "";
  }

  private static String version(SharedObject cudnn, int cudaMajor) throws Probe.ProbeException {
    var version = Probe.callLong(cudnn, "cudnnGetVersion");
    var text = "cuDNN " + versionText(version);
    if (version / MAJOR_FACTOR != MAJOR) {
      throw new Probe.ProbeException(-1, "it says it is " + text + "; cuDNN 9 is needed");
    }
    var cudart = (int) Probe.callLong(cudnn, "cudnnGetCudartVersion");
    if (cudart / 1000 != cudaMajor) {
      throw new Probe.ProbeException(
          -1,
          text
              + " is built for CUDA "
              + CudaToolkit.cudaVersion(cudart)
              + ", the other libraries are of CUDA "
              + cudaMajor);
    }
    for (var check : VERSION_CHECKS) {
      if (cudnn.find(check) == null) {
        continue;
      }
      var status = Probe.callInt(cudnn, check);
      if (status != 0) {
        throw new Probe.ProbeException(
            status,
            String.format(
                Locale.ROOT,
                "%s: %s returns %d (%s): the sub-libraries are of different versions",
                text,
                check,
                status,
                Probe.getText(cudnn, "cudnnGetErrorString", status)));
      }
    }
    LibraryGroup.requireFunctions(cudnn, NeededFunctions.CUDNN);
    return text + " for CUDA " + CudaToolkit.cudaVersion(cudart);
  }

  /** Writes cuDNN's version number 92400 as 9.24.0. */
  static String versionText(long version) {
    return version / MAJOR_FACTOR + "." + version % MAJOR_FACTOR / 100 + "." + version % 100;
  }

  SharedObject dispatcher() {
    return dispatcher;
  }

  @Override
  public void close() {
    group.close();
  }
}
