package io.github.cudnn4j.library;

import io.github.cudnn4j.bindings.HostDevice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The native libraries of this process: those of NVIDIA, or the host device.
 *
 * <p>Both export the same functions, and the generated bindings find a function in whatever library
 * of the class loader has it. So one set is loaded once, and stays until the process ends.
 *
 * <p>All methods may be called from any thread.
 */
public final class NativeLibraries {
  private static final System.Logger LOG = System.getLogger("io.github.cudnn4j");

  private static final List<String> NCCL = List.of("libnccl.so.2");

  /** NVTX as CUDA 13 and as CUDA 12 name it. */
  private static final List<String> NVTX = List.of("libnvtx3interop.so.1", "libnvToolsExt.so.1");

  private static @Nullable NativeLibraries loaded;

  private final DeviceKind kind;
  private final LibraryReport report;
  private final Set<String> absent;

  private NativeLibraries(DeviceKind kind, LibraryReport report, List<String> absent) {
    this.kind = kind;
    this.report = report;
    this.absent = Set.copyOf(absent);
  }

  /**
   * Loads the libraries of the device chosen outside of the program.
   *
   * @throws LibraryException if they are not available
   * @throws IllegalStateException if the other kind is loaded already
   * @see DeviceChoice#configured
   */
  public static NativeLibraries load() {
    return load(DeviceChoice.configured());
  }

  /**
   * Loads the libraries of a device, or returns those that are loaded. {@link DeviceChoice#AUTO}
   * takes the host device when CUDA is not complete and working, and logs once that it does and
   * why.
   *
   * @throws LibraryException if they are not available
   * @throws IllegalStateException if the other kind is loaded already
   * @throws IllegalArgumentException if a property has a value that it cannot have
   */
  public static synchronized NativeLibraries load(DeviceChoice choice) {
    var now = loaded;
    if (now == null) {
      now = find(choice);
      loaded = now;
    }
    if (choice != DeviceChoice.AUTO && !choice.name().equals(now.kind.name())) {
      throw new IllegalStateException(
          "device "
              + choice
              + " is asked for, but this process uses "
              + now.kind
              + ": a process uses one kind from the first call to its end");
    }
    return now;
  }

  /**
   * Returns the libraries that are loaded, whichever they are; loads those of the device chosen
   * outside of the program if none are.
   *
   * @throws LibraryException if they are not available
   */
  public static synchronized NativeLibraries current() {
    var now = loaded;
    return now == null ? load() : now;
  }

  /**
   * Returns the report of {@link #load(DeviceChoice)}, also when nothing can be loaded.
   *
   * @throws IllegalStateException if the other kind is loaded already
   */
  public static LibraryReport diagnose(DeviceChoice choice) {
    try {
      return load(choice).report();
    } catch (LibraryException e) {
      return e.report();
    }
  }

  private static NativeLibraries find(DeviceChoice choice) {
    var findings = new Findings();
    requireNativeAccess(choice, findings);
    try {
      return find(choice, Environment.ofProcess(), findings);
    } catch (UnsatisfiedLinkError e) {
      findings.advise(
          "Where several programs share a process, as on a server, let them share one cudnn4j, too:"
              + " as a library of the server's own.");
      throw new LibraryException(
          "Java refuses to load a native library, which only one class loader can have at a time: "
              + e.getMessage(),
          findings.report(choice, null));
    }
  }

  private static NativeLibraries find(
      DeviceChoice choice, Environment environment, Findings findings) {
    var refusal = "";
    if (choice != DeviceChoice.HOST) {
      var search = new CudaSearch(environment, findings);
      var cuda = search.find();
      if (cuda != null) {
        return loadCuda(choice, cuda, environment, findings);
      }
      refusal = search.refusal();
      if (choice == DeviceChoice.CUDA) {
        throw new LibraryException(
            "CUDA is not available, because "
                + refusal
                + "; the doctor command tells what was tried",
            findings.report(choice, null));
      }
      findings.note("CUDA is not used, because " + refusal + ".");
    }
    var host = HostLibrary.open(environment, findings);
    if (host == null) {
      throw new LibraryException(
          "the host device is not available, because "
              + findings.lastProblem()
              + (refusal.isEmpty() ? "" : ", and CUDA is not, because " + refusal)
              + "; the doctor command tells what was tried",
          findings.report(choice, null));
    }
    var result = loadHost(choice, host, environment, findings);
    if (choice == DeviceChoice.AUTO) {
      LOG.log(
          System.Logger.Level.INFO,
          "Using the host device (CPU), because {0}. java -jar cudnn4j-cli.jar doctor tells more.",
          refusal);
    }
    return result;
  }

  /** Java may have been told to refuse native calls, which it does in class initializers. */
  private static void requireNativeAccess(DeviceChoice choice, Findings findings) {
    try {
      MemorySegment.NULL.reinterpret(0);
    } catch (IllegalCallerException e) {
      var module = NativeLibraries.class.getModule();
      var flag = "--enable-native-access=" + (module.isNamed() ? module.getName() : "ALL-UNNAMED");
      findings.advise("Start Java with " + flag + ".");
      throw new LibraryException(
          "Java refuses native calls in this process; start it with " + flag,
          findings.report(choice, null));
    }
  }

  private static NativeLibraries loadCuda(
      DeviceChoice choice, CudaSearch.Found cuda, Environment environment, Findings findings) {
    var toolkit = cuda.toolkit();
    load(cuda.driver(), NeededFunctions.CUDA);
    load(toolkit.cudart(), NeededFunctions.CUDART);
    load(toolkit.cublas(), NeededFunctions.CUBLAS);
    load(toolkit.nvrtc(), NeededFunctions.NVRTC);
    load(cuda.cudnn().dispatcher(), NeededFunctions.CUDNN);
    DeviceFacts.ofCuda(cuda, findings);
    var absent =
        new ArrayList<>(
            NeededFunctions.missing(NeededFunctions.CUDNN.optional(), cuda.cudnn().dispatcher()));
    absent.addAll(loadNccl(environment, findings));
    absent.addAll(loadNvtx(environment, findings));
    return new NativeLibraries(DeviceKind.CUDA, findings.report(choice, DeviceKind.CUDA), absent);
  }

  private static NativeLibraries loadHost(
      DeviceChoice choice, HostLibrary host, Environment environment, Findings findings) {
    var mode = System.getProperty(Settings.HOST_MODE);
    var wanted = mode == null ? HostMode.EAGER : HostMode.parse(mode);
    load(host.library(), NeededFunctions.HOST);
    NeededFunctions.OF_NVIDIA.forEach(needed -> verify(host.library(), needed));
    HostDevice.cudnn4jHostSetMode(wanted.code);
    DeviceFacts.ofHost(host, findings);
    var absent = new ArrayList<>(host.absent());
    if (!absent.isEmpty()) {
      findings.note("The host device does not have " + String.join(", ", absent) + ".");
    }
    absent.addAll(loadNvtx(environment, findings));
    return new NativeLibraries(DeviceKind.HOST, findings.report(choice, DeviceKind.HOST), absent);
  }

  /** Loads NVTX, which nothing needs; returns the functions that are absent without it. */
  private static List<String> loadNvtx(Environment environment, Findings findings) {
    var library = loadOptional(NVTX, NeededFunctions.NVTX, found -> "", environment, findings);
    findings.fact(
        "NVTX",
        library == null ? "not found, so profilers show no names" : library.path().toString());
    return library == null ? NeededFunctions.NVTX.required() : List.of();
  }

  /** Loads NCCL, which several GPUs need; returns the functions that are absent without it. */
  private static List<String> loadNccl(Environment environment, Findings findings) {
    var library =
        loadOptional(
            NCCL,
            NeededFunctions.NCCL,
            found -> "NCCL " + ncclVersion(Probe.getInt(found, "ncclGetVersion")),
            environment,
            findings);
    findings.fact(
        "NCCL", library == null ? "not found, so each GPU works alone" : library.path().toString());
    return library == null ? NeededFunctions.NCCL.required() : List.of();
  }

  /** Loads the first usable library of some names beside CUDA's; null if there is none. */
  private static @Nullable SharedObject loadOptional(
      List<String> names,
      NeededFunctions needed,
      LibraryGroup.Check check,
      Environment environment,
      Findings findings) {
    for (var location : new SearchPath(environment).cuda()) {
      for (var name : names) {
        if (!location.isLoader() && location.find(name) != null) {
          var library =
              new LibraryGroup(location, findings)
                  .open(
                      name,
                      found -> {
                        LibraryGroup.requireFunctions(found, needed);
                        return check.version(found);
                      });
          if (library != null) {
            load(library, needed);
            return library;
          }
        }
      }
    }
    return null;
  }

  /** Writes NCCL's version number 23007 as 2.30.7. */
  private static String ncclVersion(int version) {
    return version / 10_000 + "." + version / 100 % 100 + "." + version % 100;
  }

  /**
   * Makes the bindings find a library. It was opened and checked before, so that this cannot fail
   * halfway and leave functions of two devices behind.
   */
  private static void load(SharedObject library, NeededFunctions needed) {
    System.load(realPath(library).toString());
    verify(library, needed);
  }

  /** Checks that a binding calls the library meant, not one that someone else loaded before. */
  private static void verify(SharedObject library, NeededFunctions needed) {
    var lookup = SymbolLookup.loaderLookup();
    for (var function : needed.required()) {
      var address = lookup.find(function);
      if (address.isEmpty() || !address.get().equals(library.find(function))) {
        throw new IllegalStateException(
            "function "
                + function
                + " of "
                + library.path()
                + " is hidden by another library that this program has loaded; only one library"
                + " with CUDA's functions can be loaded by one class loader");
      }
    }
  }

  private static Path realPath(SharedObject library) {
    try {
      return library.path().toRealPath();
    } catch (IOException e) {
      return library.path().toAbsolutePath();
    }
  }

  /** Returns the kind of device in use. */
  public DeviceKind kind() {
    return kind;
  }

  /** Returns how these libraries were found. */
  public LibraryReport report() {
    return report;
  }

  /** Returns whether the device has a C function, which the bindings name. */
  public boolean has(String function) {
    Objects.requireNonNull(function, "function");
    return !absent.contains(function);
  }

  /**
   * Checks that the device has a C function.
   *
   * @throws UnsupportedOperationException if it has not
   */
  public void require(String function) {
    Objects.requireNonNull(function, "function");
    if (!has(function)) {
      throw new UnsupportedOperationException("device " + kind + " has no function " + function);
    }
  }
}
