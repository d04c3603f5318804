package io.github.cudnn4j.cuda;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.bindings.Nvrtc;
import io.github.cudnn4j.library.DeviceKind;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Compiles a kernel file with NVRTC into what the driver can load. */
final class KernelCompiler {
  /** The one header that kernel files include. */
  static final String DIALECT = "dialect.cuh";

  /** What was compiled for GPUs, in this process or before. */
  private static final Map<String, MemorySegment> COMPILED = new ConcurrentHashMap<>();

  private KernelCompiler() {}

  /**
   * Compiles for a device, or takes what was compiled for such a one: machine code for exactly this
   * GPU, or PTX, which the driver compiles, where NVRTC does not know the GPU yet or there is none.
   *
   * @param arena where the result and everything on the way to it is allocated
   * @throws CudaException with the compiler's log if the source is wrong
   */
  static MemorySegment compile(
      Device device, String file, String source, String dialect, Arena arena) {
    if (device.kind() == DeviceKind.HOST) {
      return compile(file, source, dialect, List.of(), false, arena);
    }
    return COMPILED.computeIfAbsent(
        file + " for " + device.computeCapability(),
        key -> compileForGpu(device, file, source, dialect));
  }

  private static MemorySegment compileForGpu(
      Device device, String file, String source, String dialect) {
    var from = List.of(version(), architecture(device), file, source, dialect);
    var image = KernelCache.ofUser().get(from, () -> imageForGpu(device, file, source, dialect));
    var kept = Arena.global().allocate(image.length, Long.BYTES);
    MemorySegment.copy(image, 0, kept, JAVA_BYTE, 0, image.length);
    return kept;
  }

  private static String version() {
    try (var arena = Arena.ofConfined()) {
      var major = arena.allocate(NativeTypes.C_INT);
      var minor = arena.allocate(NativeTypes.C_INT);
      CudaException.checkNvrtc(Nvrtc.nvrtcVersion(major, minor), "nvrtcVersion");
      return "NVRTC " + major.get(NativeTypes.C_INT, 0) + "." + minor.get(NativeTypes.C_INT, 0);
    }
  }

  private static String architecture(Device device) {
    return "--gpu-architecture=sm_" + device.computeCapability();
  }

  private static byte[] imageForGpu(Device device, String file, String source, String dialect) {
    try (var arena = Arena.ofConfined()) {
      var image = imageForGpu(device, file, source, dialect, arena);
      var bytes = new byte[Math.toIntExact(image.byteSize())];
      MemorySegment.copy(image, JAVA_BYTE, 0, bytes, 0, bytes.length);
      return bytes;
    }
  }

  private static MemorySegment imageForGpu(
      Device device, String file, String source, String dialect, Arena arena) {
    try {
      return compile(file, source, dialect, List.of(architecture(device)), true, arena);
    } catch (CudaException e) {
      if (e.code() != Nvrtc.NVRTC_ERROR_INVALID_OPTION()) {
        throw e;
      }
      return compile(file, source, dialect, List.of(), false, arena);
    }
  }

  private static MemorySegment compile(
      String file,
      String source,
      String dialect,
      List<String> options,
      boolean machineCode,
      Arena arena) {
    var out = arena.allocate(NativeTypes.C_POINTER);
    var headers = arena.allocate(NativeTypes.C_POINTER);
    headers.set(NativeTypes.C_POINTER, 0, arena.allocateFrom(dialect));
    var headerNames = arena.allocate(NativeTypes.C_POINTER);
    headerNames.set(NativeTypes.C_POINTER, 0, arena.allocateFrom(DIALECT));
    CudaException.checkNvrtc(
        Nvrtc.nvrtcCreateProgram(
            out, arena.allocateFrom(source), arena.allocateFrom(file), 1, headers, headerNames),
        "nvrtcCreateProgram");
    var program = out.get(NativeTypes.C_POINTER, 0);
    try (var parts = new Parts()) {
      parts.add(
          () -> CudaException.checkNvrtc(Nvrtc.nvrtcDestroyProgram(out), "nvrtcDestroyProgram"));
      return image(file, program, options, machineCode, arena);
    }
  }

  private static MemorySegment image(
      String file, MemorySegment program, List<String> options, boolean machineCode, Arena arena) {
    var arguments = arena.allocate(NativeTypes.C_POINTER, Math.max(1, options.size()));
    for (var i = 0; i < options.size(); i++) {
      arguments.setAtIndex(NativeTypes.C_POINTER, i, arena.allocateFrom(options.get(i)));
    }
    var status = Nvrtc.nvrtcCompileProgram(program, options.size(), arguments);
    if (status != 0) {
      throw CudaException.ofNvrtc(status, "nvrtcCompileProgram", file + "\n" + log(program, arena));
    }
    return machineCode ? cubin(program, arena) : ptx(program, arena);
  }

  private static MemorySegment cubin(MemorySegment program, Arena arena) {
    var size = arena.allocate(NativeTypes.C_LONG);
    CudaException.checkNvrtc(Nvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
    var image = arena.allocate(size.get(NativeTypes.C_LONG, 0));
    CudaException.checkNvrtc(Nvrtc.nvrtcGetCUBIN(program, image), "nvrtcGetCUBIN");
    return image;
  }

  private static MemorySegment ptx(MemorySegment program, Arena arena) {
    var size = arena.allocate(NativeTypes.C_LONG);
    CudaException.checkNvrtc(Nvrtc.nvrtcGetPTXSize(program, size), "nvrtcGetPTXSize");
    var image = arena.allocate(size.get(NativeTypes.C_LONG, 0));
    CudaException.checkNvrtc(Nvrtc.nvrtcGetPTX(program, image), "nvrtcGetPTX");
    return image;
  }

  private static String log(MemorySegment program, Arena arena) {
    var size = arena.allocate(NativeTypes.C_LONG);
    if (Nvrtc.nvrtcGetProgramLogSize(program, size) != 0 || size.get(NativeTypes.C_LONG, 0) <= 0) {
      return "(no log)";
    }
    var log = arena.allocate(size.get(NativeTypes.C_LONG, 0) + 1);
    return Nvrtc.nvrtcGetProgramLog(program, log) == 0 ? log.getString(0) : "(no log)";
  }
}
