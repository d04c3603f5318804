package io.github.cudnn4j.library;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Where NVIDIA's libraries are looked for, in order: a system property (and then nowhere else),
 * environment variables, pip wheels, toolkit and distribution folders, the loader's own search.
 */
final class SearchPath {
  /** Who sets one of these means this library, as with a property. */
  private static final String OWN_VARIABLES = "CUDNN4J_";

  private static final List<String> CUDA_VARIABLES =
      List.of(Settings.CUDA_PATH_VARIABLE, "CUDA_HOME", "CUDA_PATH");
  private static final List<String> CUDNN_VARIABLES =
      List.of(Settings.CUDNN_PATH_VARIABLE, "CUDNN_HOME", "CUDNN_PATH");
  private static final List<String> DISTRIBUTION =
      List.of("usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib");
  private static final List<String> DRIVER =
      List.of(
          "usr/lib/x86_64-linux-gnu",
          "usr/lib64",
          "usr/lib",
          "usr/lib/wsl/lib",
          "usr/local/nvidia/lib64",
          "run/opengl-driver/lib");

  /** Below site-packages: CUDA 13's wheels share a folder, CUDA 12's have one each. */
  private static final List<String> CUDA_WHEELS =
      List.of(
          "nvidia/cu13/lib",
          "nvidia/cuda_runtime/lib",
          "nvidia/cublas/lib",
          "nvidia/cuda_nvrtc/lib",
          "nvidia/nccl/lib",
          "nvidia/nvtx/lib");

  private static final String CUDNN_WHEEL = "nvidia/cudnn/lib";

  private final Environment environment;
  private final Set<String> remarks = new LinkedHashSet<>();

  SearchPath(Environment environment) {
    this.environment = environment;
  }

  /** Returns the locations of libcudart, libcublas, libnvrtc, NCCL and NVTX. */
  List<LibraryLocation> cuda() {
    var property = environment.property().apply(Settings.CUDA_PATH);
    if (property != null) {
      return List.of(ofProperty(Settings.CUDA_PATH, property));
    }
    var locations = new ArrayList<LibraryLocation>();
    locations.addAll(variables(CUDA_VARIABLES));
    for (var packages : sitePackages()) {
      locations.add(
          new LibraryLocation(
              "pip wheels in " + packages, CUDA_WHEELS.stream().map(packages::resolve).toList()));
    }
    locations.addAll(systemPlaces());
    return locations;
  }

  /** Returns the locations of libcudnn and its sub-libraries, one folder each. */
  List<LibraryLocation> cudnn() {
    var property = environment.property().apply(Settings.CUDNN_PATH);
    if (property != null) {
      return single(ofProperty(Settings.CUDNN_PATH, property));
    }
    var locations = new ArrayList<LibraryLocation>();
    var cuda = environment.property().apply(Settings.CUDA_PATH);
    if (cuda != null) {
      locations.add(ofProperty(Settings.CUDA_PATH, cuda));
    }
    locations.addAll(variables(CUDNN_VARIABLES));
    for (var packages : sitePackages()) {
      locations.add(
          new LibraryLocation("pip wheels in " + packages, List.of(packages.resolve(CUDNN_WHEEL))));
    }
    locations.addAll(variables(CUDA_VARIABLES));
    locations.addAll(systemPlaces());
    return locations.stream().flatMap(location -> single(location).stream()).toList();
  }

  /**
   * Returns the locations of the driver's library. There the loader comes first: exactly one driver
   * fits the running kernel module, and the machine's administrator has told the loader which.
   */
  List<LibraryLocation> driver() {
    var locations = new ArrayList<LibraryLocation>();
    if (environment.loader()) {
      locations.add(LibraryLocation.loader());
    }
    for (var folder : DRIVER) {
      locations.add(new LibraryLocation("driver folders", List.of(environment.at(folder))));
    }
    return locations;
  }

  private List<LibraryLocation> systemPlaces() {
    var locations = new ArrayList<>(variables(List.of("CONDA_PREFIX")));
    for (var toolkit : toolkits()) {
      locations.add(new LibraryLocation("CUDA toolkit", List.of(toolkit.resolve("lib64"))));
    }
    for (var folder : DISTRIBUTION) {
      locations.add(new LibraryLocation("distribution folders", List.of(environment.at(folder))));
    }
    if (environment.loader()) {
      locations.add(LibraryLocation.loader());
    }
    return locations;
  }

  private List<LibraryLocation> variables(List<String> names) {
    var locations = new ArrayList<LibraryLocation>();
    for (var name : names) {
      var folders = new ArrayList<Path>();
      for (var entry : entries(name)) {
        folders.addAll(withLibraryFolders(entry));
      }
      if (!folders.isEmpty()) {
        locations.add(
            new LibraryLocation("environment " + name, folders, name.startsWith(OWN_VARIABLES)));
      }
    }
    return locations;
  }

  /** Returns the full paths of a variable's list; what else it has is told once. */
  private List<Path> entries(String variable) {
    var value = environment.variable().apply(variable);
    var entries = new ArrayList<Path>();
    for (var entry : value == null ? new String[0] : value.split(File.pathSeparator)) {
      var path = Environment.fullPath(entry);
      if (path != null) {
        entries.add(path);
      } else if (!entry.isBlank()) {
        remarks.add(
            "The variable "
                + variable
                + " names '"
                + entry.strip()
                + "', which is not the full path of a folder: no library is looked for there.");
      }
    }
    return entries;
  }

  /** Returns what a user should know of the variables. */
  Set<String> remarks() {
    return Collections.unmodifiableSet(remarks);
  }

  /** Returns the folders of a list as {@code PATH} has it; each may also be an installation. */
  private static LibraryLocation ofProperty(String property, String list) {
    var folders = new ArrayList<Path>();
    for (var entry : list.split(File.pathSeparator)) {
      if (!entry.isBlank()) {
        try {
          folders.addAll(withLibraryFolders(Path.of(entry.strip()).toAbsolutePath()));
        } catch (InvalidPathException e) {
          throw new IllegalArgumentException("'" + entry + "' is no folder", e);
        }
      }
    }
    if (folders.isEmpty()) {
      throw new IllegalArgumentException("the folder list '" + list + "' names no folder");
    }
    return LibraryLocation.ofProperty(property, folders);
  }

  private static List<Path> withLibraryFolders(Path folder) {
    return List.of(folder, folder.resolve("lib64"), folder.resolve("lib"));
  }

  /** Splits a location into one location for each of its folders. */
  private static List<LibraryLocation> single(LibraryLocation location) {
    return location.isLoader()
        ? List.of(location)
        : location.folders().stream()
            .map(
                folder ->
                    new LibraryLocation(location.origin(), List.of(folder), location.trusted()))
            .toList();
  }

  /** Returns Python's package folders, found without running Python. */
  private List<Path> sitePackages() {
    Set<Path> prefixes = new LinkedHashSet<>();
    for (var name : List.of("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME")) {
      prefixes.addAll(entries(name));
    }
    var path = environment.variable().apply("PATH");
    for (var entry : path == null ? new String[0] : path.split(File.pathSeparator)) {
      var folder = Environment.fullPath(entry);
      if (folder != null) {
        prefixes.addAll(prefixes(folder.resolve("python3")));
      }
    }
    var home = Environment.fullPath(environment.property().apply("user.home"));
    if (home != null) {
      prefixes.add(home.resolve(".local"));
    }
    prefixes.add(environment.at("usr/local"));
    prefixes.add(environment.at("usr"));
    Set<Path> packages = new LinkedHashSet<>();
    for (var prefix : prefixes) {
      for (var lib : List.of("lib", "lib64")) {
        for (var python : children(prefix.resolve(lib), "python3")) {
          for (var name : List.of("site-packages", "dist-packages")) {
            var folder = python.resolve(name);
            if (Files.isDirectory(folder)) {
              packages.add(folder);
            }
          }
        }
      }
    }
    return distinct(packages);
  }

  /**
   * The installations of a Python: by its name, and by where links lead, none if it is not there.
   */
  private static List<Path> prefixes(Path python) {
    var prefixes = new ArrayList<Path>();
    try {
      for (var file : List.of(python, python.toRealPath())) {
        var bin = file.getParent();
        if (bin != null && bin.getParent() != null) {
          prefixes.add(bin.getParent());
        }
      }
    } catch (IOException e) {
      // There is no Python.
    }
    return prefixes;
  }

  private List<Path> toolkits() {
    var toolkits = new ArrayList<Path>();
    toolkits.add(environment.at("usr/local/cuda"));
    toolkits.addAll(children(environment.at("usr/local"), "cuda-"));
    toolkits.add(environment.at("opt/cuda"));
    return distinct(toolkits.stream().filter(Files::isDirectory).toList());
  }

  /** Returns the entries of a folder whose name starts so, the highest version first. */
  private static List<Path> children(Path folder, String start) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(entry -> entry.getFileName().toString().startsWith(start))
          .sorted(Comparator.comparing(SearchPath::paddedName).reversed())
          .toList();
    } catch (IOException e) {
      return List.of();
    }
  }

  /** Makes names with numbers comparable as text: python3.9 comes before python3.11. */
  private static String paddedName(Path path) {
    var result = new StringBuilder();
    for (var part : path.getFileName().toString().split("(?<=\\D)(?=\\d)|(?<=\\d)(?=\\D)")) {
      result.append("0".repeat(Math.max(0, 6 - part.length()))).append(part);
    }
    return result.toString();
  }

  /** Leaves out folders that are another one under a different name. */
  private static List<Path> distinct(Iterable<Path> paths) {
    Map<Path, Path> byRealPath = new LinkedHashMap<>();
    for (var path : paths) {
      Path real;
      try {
        real = path.toRealPath();
      } catch (IOException e) {
        real = path;
      }
      byRealPath.putIfAbsent(real, path);
    }
    return List.copyOf(byRealPath.values());
  }
}
