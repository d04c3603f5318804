package io.github.cudnn4j.library;

import io.github.cudnn4j.bindings.Cudart;
import io.github.cudnn4j.bindings.HostDevice;
import io.github.cudnn4j.bindings.NativeTypes;
import java.lang.foreign.Arena;

/**
 * A program that loads a device, the choice being its argument, and prints what the bindings then
 * call. A process loads one device only, so every test of loading needs its own.
 */
final class ChosenDevice {
  private ChosenDevice() {}

  /** Prints the kind of device, what cudaMalloc returns, and whether the host device saw it. */
  public static void main(String[] arguments) {
    NativeLibraries libraries;
    try {
      libraries = NativeLibraries.load(DeviceChoice.parse(arguments[0]));
    } catch (LibraryException e) {
      System.out.println(e.getMessage().lines().findFirst().orElse(""));
      return;
    }
    System.out.println(libraries.kind());
    libraries.report().notes().forEach(System.out::println);
    try (var arena = Arena.ofConfined()) {
      var out = arena.allocate(NativeTypes.C_POINTER);
      System.out.println("cudaMalloc returns " + Cudart.cudaMalloc(out, 64));
      if (libraries.kind() == DeviceKind.HOST) {
        var calls = HostDevice.cudnn4jHostCalls(arena.allocateFrom("cudaMalloc"));
        System.out.println("the host device counts " + calls);
        Cudart.cudaFree(out.get(NativeTypes.C_POINTER, 0));
      }
    }
    var other = libraries.kind() == DeviceKind.HOST ? DeviceChoice.CUDA : DeviceChoice.HOST;
    try {
      NativeLibraries.load(other);
    } catch (IllegalStateException e) {
      System.out.println(e.getMessage());
    }
  }
}
