package io.github.cudnn4j.library;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The C functions that the generated bindings can call, by the list they were generated from. */
enum NeededFunctions {
  CUDART("cudart"),
  CUDA("cuda"),
  CUBLAS("cublas"),
  NVRTC("nvrtc"),
  CUDNN("cudnn"),
  NCCL("nccl"),
  NVTX("nvtx"),
  HOST("host");

  /** The lists of NVIDIA's functions that the host device has. */
  static final List<NeededFunctions> OF_NVIDIA = List.of(CUDART, CUDA, CUBLAS, NVRTC, CUDNN, NCCL);

  private static final String FUNCTION = "--include-function ";
  private static final String GROUP = "#: ";
  private static final String OPTIONAL = "(optional)";

  private final List<String> required = new ArrayList<>();
  private final List<String> optional = new ArrayList<>();

  NeededFunctions(String list) {
    var resource = "/io/github/cudnn4j/bindings/includes/" + list + ".txt";
    try (var in = NeededFunctions.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException("resource " + resource + " is missing from the jar");
      }
      var group = required;
      for (var line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith(GROUP)) {
          group = line.stripTrailing().endsWith(OPTIONAL) ? optional : required;
        } else if (line.startsWith(FUNCTION)) {
          group.add(line.substring(FUNCTION.length()).strip());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Functions without which a library is refused. */
  List<String> required() {
    return required;
  }

  /** Functions that a library may lack. */
  List<String> optional() {
    return optional;
  }

  /** Returns those of some functions that a library does not export. */
  static List<String> missing(List<String> functions, SharedObject library) {
    return functions.stream().filter(function -> library.find(function) == null).toList();
  }
}
