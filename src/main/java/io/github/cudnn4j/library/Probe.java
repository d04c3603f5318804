package io.github.cudnn4j.library;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Calls the few functions that tell whether a library can be used, before any class loader knows
 * the library. The generated bindings cannot do that: they look in loaded libraries only.
 */
final class Probe {
  private static final MethodHandle INT = handle(FunctionDescriptor.of(JAVA_INT));
  private static final MethodHandle LONG = handle(FunctionDescriptor.of(JAVA_LONG));
  private static final MethodHandle INT_OF_INT = handle(FunctionDescriptor.of(JAVA_INT, JAVA_INT));
  private static final MethodHandle INT_OF_OUT = handle(FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle INT_OF_INT_OUT =
      handle(FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));
  private static final MethodHandle INT_OF_OUT_OUT =
      handle(FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle TEXT_OF_INT = handle(FunctionDescriptor.of(ADDRESS, JAVA_INT));

  private Probe() {}

  /** A function is missing, or what it returned is an error; the message says which. */
  static final class ProbeException extends Exception {
    private static final long serialVersionUID = 1;
    private final int code;

    ProbeException(int code, String message) {
      super(message);
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /** Calls {@code int function(void)} and returns its result. */
  static int callInt(SharedObject library, String function) throws ProbeException {
    try {
      return (int) INT.invokeExact(address(library, function));
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Calls {@code size_t function(void)} and returns its result. */
  static long callLong(SharedObject library, String function) throws ProbeException {
    try {
      return (long) LONG.invokeExact(address(library, function));
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Calls {@code int function(int)} and returns its result. */
  static int callInt(SharedObject library, String function, int argument) throws ProbeException {
    try {
      return (int) INT_OF_INT.invokeExact(address(library, function), argument);
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Calls {@code int function(void *)} with NULL and returns its result. */
  static int callNull(SharedObject library, String function) throws ProbeException {
    try {
      return (int) INT_OF_OUT.invokeExact(address(library, function), MemorySegment.NULL);
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Calls {@code status function(int *)} and returns what it wrote. */
  static int getInt(SharedObject library, String function) throws ProbeException {
    try (var arena = Arena.ofConfined()) {
      var out = arena.allocate(JAVA_INT);
      check(function, (int) INT_OF_OUT.invokeExact(address(library, function), out));
      return out.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Calls {@code status function(int, int *)} and returns what it wrote. */
  static int getInt(SharedObject library, String function, int argument) throws ProbeException {
    try (var arena = Arena.ofConfined()) {
      var out = arena.allocate(JAVA_INT);
      check(function, (int) INT_OF_INT_OUT.invokeExact(address(library, function), argument, out));
      return out.get(JAVA_INT, 0);
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Calls {@code status function(int *, int *)} and returns both numbers. */
  static int[] getTwoInts(SharedObject library, String function) throws ProbeException {
    try (var arena = Arena.ofConfined()) {
      var out = arena.allocate(JAVA_INT, 2);
      check(
          function,
          (int) INT_OF_OUT_OUT.invokeExact(address(library, function), out, out.asSlice(4)));
      return new int[] {out.get(JAVA_INT, 0), out.get(JAVA_INT, 4)};
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  /** Calls {@code const char *function(int)} and returns the text. */
  static String getText(SharedObject library, String function, int argument) throws ProbeException {
    try {
      var text = (MemorySegment) TEXT_OF_INT.invokeExact(address(library, function), argument);
      return text.address() == 0 ? "" : text.reinterpret(Long.MAX_VALUE).getString(0);
    } catch (Throwable e) {
      throw rethrow(e);
    }
  }

  private static void check(String function, int status) throws ProbeException {
    if (status != 0) {
      throw new ProbeException(status, function + " returns " + status);
    }
  }

  private static MemorySegment address(SharedObject library, String function)
      throws ProbeException {
    var address = library.find(function);
    if (address == null) {
      throw new ProbeException(-1, "it has no function " + function);
    }
    return address;
  }

  private static ProbeException rethrow(Throwable e) {
    if (e instanceof ProbeException probe) {
      return probe;
    }
    throw new AssertionError(e);
  }

  private static MethodHandle handle(FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(descriptor);
  }
}
