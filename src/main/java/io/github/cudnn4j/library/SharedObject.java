package io.github.cudnn4j.library;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A library opened with {@code dlopen}, known to no class loader.
 *
 * <p>The generated bindings find their functions in every library that {@link System#load} ever
 * loaded for the class loader, in no particular order, and such a library is never unloaded. So a
 * library that may turn out to be unusable must not be loaded that way: what is only being examined
 * is opened here, privately, and {@link NativeLibraries} loads the libraries of one device, and of
 * one only, once it is decided. Opening also tells why a library cannot be opened.
 */
final class SharedObject implements AutoCloseable {
  private static final MethodHandle DLOPEN =
      handle("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
  private static final MethodHandle DLSYM =
      handle("dlsym", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle DLCLOSE =
      handle("dlclose", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle DLERROR = handle("dlerror", FunctionDescriptor.of(ADDRESS));
  private static final MethodHandle DLINFO =
      handle("dlinfo", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, ADDRESS));

  // <dlfcn.h> of glibc; struct link_map in <link.h> holds the path at its second word.
  private static final int RTLD_LAZY = 1;
  private static final int RTLD_NOLOAD = 4;
  private static final int RTLD_DI_LINKMAP = 2;
  private static final long LINK_MAP_NAME = 8;

  private final String name;
  private final MemorySegment handle;
  private boolean closed;

  private SharedObject(String name, MemorySegment handle) {
    this.name = name;
    this.handle = handle;
  }

  /** The dynamic loader could not open a library; the message is its own. */
  static final class OpenException extends Exception {
    private static final long serialVersionUID = 1;

    OpenException(String message) {
      super(message);
    }
  }

  /**
   * Opens a library by its full path, or by its SONAME where the loader's own search finds it.
   *
   * @throws OpenException with the loader's message
   */
  static SharedObject open(String pathOrSoname) throws OpenException {
    var handle = dlopen(pathOrSoname, RTLD_LAZY);
    if (handle.address() == 0) {
      throw new OpenException(lastError());
    }
    return new SharedObject(pathOrSoname, handle);
  }

  /** Returns the path of the library that answers to a SONAME in this process, if one does. */
  static Optional<Path> alreadyOpen(String soname) {
    var handle = dlopen(soname, RTLD_LAZY | RTLD_NOLOAD);
    if (handle.address() == 0) {
      lastError();
      return Optional.empty();
    }
    try (var library = new SharedObject(soname, handle)) {
      return Optional.of(library.path());
    }
  }

  /** Returns the address of an exported symbol, null if there is none. */
  @Nullable MemorySegment find(String symbol) {
    try (var arena = Arena.ofConfined()) {
      var address = (MemorySegment) DLSYM.invokeExact(handle, arena.allocateFrom(symbol));
      return address.address() == 0 ? null : address;
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Returns the file that was opened. */
  Path path() {
    try (var arena = Arena.ofConfined()) {
      var out = arena.allocate(ADDRESS);
      var status = (int) DLINFO.invokeExact(handle, RTLD_DI_LINKMAP, out);
      if (status != 0) {
        return Path.of(name);
      }
      var map = out.get(ADDRESS, 0).reinterpret(LINK_MAP_NAME + ADDRESS.byteSize());
      return Path.of(text(map.get(ADDRESS, LINK_MAP_NAME)));
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** Gives the library back to the loader, which unloads it unless something else uses it. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      var ignored = (int) DLCLOSE.invokeExact(handle);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static MemorySegment dlopen(String name, int flags) {
    try (var arena = Arena.ofConfined()) {
      return (MemorySegment) DLOPEN.invokeExact(arena.allocateFrom(name), flags);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static String lastError() {
    try {
      var message = (MemorySegment) DLERROR.invokeExact();
      return message.address() == 0 ? "the loader gives no reason" : text(message);
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  private static String text(MemorySegment string) {
    return string.reinterpret(Long.MAX_VALUE).getString(0);
  }

  private static MethodHandle handle(String function, FunctionDescriptor descriptor) {
    var linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(function), descriptor);
  }
}
