package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.CudaDriver;
import io.github.cudnn4j.bindings.NativeTypes;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The kernels that come with this library, compiled for the device file by file when they are first
 * asked for.
 *
 * <p>Belongs to the device's thread. {@link Device#kernels} is closed with its device.
 */
public final class Kernels extends DeviceResource {
  private static final String RESOURCES = "/io/github/cudnn4j/kernels/";
  private static final Pattern DECLARATION =
      Pattern.compile(
          "\\b(|WIDE_|NARROW_)KERNEL(S?)\\(\\s*(\\w+)\\s*,\\s*\\(([^)]*)\\)\\s*,"
              + "\\s*\\(((?:[^()]|\\([^()]*\\))*)\\)\\s*[,)]");

  private final Map<String, Map<String, Kernel>> files = new HashMap<>();
  private final List<MemorySegment> modules = new ArrayList<>();

  Kernels(Device device) {
    super(device);
  }

  /**
   * Returns a kernel.
   *
   * @param file the name of its file without {@code .cu}
   * @param kernel its name
   * @throws IllegalArgumentException if there is no such file, or no such kernel in it
   * @throws IllegalStateException if the device is closed, or captures and the file is not compiled
   * @throws CudaException if the file cannot be compiled or loaded
   */
  public Kernel get(String file, String kernel) {
    checkOpen();
    var kernels = files.get(file);
    if (kernels == null) {
      kernels = load(file);
      files.put(file, kernels);
    }
    var found = kernels.get(kernel);
    if (found == null) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "there is no kernel '%s' in %s.cu, which has %s",
              kernel,
              file,
              kernels.keySet()));
    }
    return found;
  }

  /**
   * Returns the variant of a kernel for elements of a type, whose name ends in {@code _f32}, {@code
   * _f64}, {@code _f16}, {@code _bf16} or {@code _i32}.
   *
   * @param kernel its name without that
   * @throws IllegalArgumentException as {@link #get(String, String)}, or if no kernel has that type
   */
  public Kernel get(String file, String kernel, ElementType type) {
    return switch (type) {
      case FLOAT32 -> get(file, kernel + "_f32");
      case FLOAT64 -> get(file, kernel + "_f64");
      case FLOAT16 -> get(file, kernel + "_f16");
      case BFLOAT16 -> get(file, kernel + "_bf16");
      case INT32 -> get(file, kernel + "_i32");
      case INT64, UINT8 ->
          throw new IllegalArgumentException("kernel '" + kernel + "' for elements of " + type);
    };
  }

  private Map<String, Kernel> load(String file) {
    Recording.refuse("compiling kernels");
    var source = source(file + ".cu");
    if (source == null) {
      throw new IllegalArgumentException("there is no kernel file '" + file + ".cu'");
    }
    Map<String, List<KernelParameter>> declared = new TreeMap<>();
    var matcher = DECLARATION.matcher(source);
    while (matcher.find()) {
      for (var suffix : suffixes(matcher.group(1), matcher.group(2))) {
        declared.put(
            matcher.group(3) + suffix,
            KernelParameter.parse(ofType(matcher.group(4), suffix), matcher.group(5)));
      }
    }
    try (var arena = Arena.ofConfined()) {
      var dialect = source(KernelCompiler.DIALECT);
      var image =
          KernelCompiler.compile(
              device(), file + ".cu", source, dialect == null ? "" : dialect, arena);
      var out = arena.allocate(NativeTypes.C_POINTER);
      CudaException.checkDriver(CudaDriver.cuModuleLoadData(out, image), "cuModuleLoadData");
      var module = MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
      modules.add(module);
      Map<String, Kernel> kernels = new TreeMap<>();
      for (var declaration : declared.entrySet()) {
        var name = declaration.getKey();
        CudaException.checkDriver(
            CudaDriver.cuModuleGetFunction(out, module, arena.allocateFrom(name)),
            "cuModuleGetFunction");
        var function = MemorySegment.ofAddress(out.get(NativeTypes.C_POINTER, 0).address());
        kernels.put(name, new Kernel(this, name, declaration.getValue(), function));
      }
      return kernels;
    }
  }

  /** Returns what the names end in of the kernels that one declaration makes. */
  private static List<String> suffixes(String which, String several) {
    if (several.isEmpty()) {
      return List.of("");
    }
    return switch (which) {
      case "WIDE_" -> List.of("_f32", "_f64");
      case "NARROW_" -> List.of("_f16", "_bf16");
      default -> List.of("_f32", "_f64", "_f16", "_bf16");
    };
  }

  /** Returns parameters with the type of one kernel for T. */
  private static String ofType(String parameters, String suffix) {
    var number = suffix.equals("_f64") ? "double" : "float";
    var type = suffix.endsWith("f16") ? suffix.substring(1) : number;
    return parameters.replace("Number<T>", number).replaceAll("\\bT\\b", type);
  }

  private static @Nullable String source(String file) {
    if (!file.matches("[A-Za-z0-9_]+\\.cuh?")) {
      return null;
    }
    try (var in = Kernels.class.getResourceAsStream(RESOURCES + file)) {
      return in == null ? null : new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Checks that kernels can be launched. */
  void check() {
    checkOpen();
  }

  @Override
  protected void release() {
    RuntimeException failure = null;
    for (var module : modules) {
      try {
        CudaException.checkDriver(CudaDriver.cuModuleUnload(module), "cuModuleUnload");
      } catch (CudaException e) {
        failure = failure == null ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
