package io.github.cudnn4j.cuda;

import io.github.cudnn4j.bindings.CudaDriver;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Locale;
import java.util.function.IntToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A kernel with its arguments, to be launched any number of times.
 *
 * <p>Belongs to the device's thread. An owner, of the memory that holds the arguments but not of
 * the buffers among them.
 */
public final class Launch extends DeviceResource {
  private static final long SLOT = Long.BYTES;

  private final Kernel kernel;
  private final int grid;
  private final int block;
  private final Arena arena;
  private final MemorySegment values;
  private final MemorySegment pointers;

  /** The buffer bound to each parameter that is a pointer; the others' places hold null. */
  private final @Nullable Object[] buffers;

  private final IntToLongFunction numbers = this::number;

  /** Whether the buffers are known to hold what the numbers among the arguments ask for. */
  private boolean fits;

  Launch(Kernel kernel, int grid, int block, Object[] arguments) {
    var parameters = kernel.parameters();
    if (arguments.length != parameters.size()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s takes %d arguments, got %d",
              kernel,
              parameters.size(),
              arguments.length));
    }
    super(kernel.device());
    this.kernel = kernel;
    this.grid = grid;
    this.block = block;
    this.arena = Arena.ofShared();
    this.values = arena.allocate(SLOT * Math.max(1, parameters.size()), SLOT);
    this.pointers = arena.allocate(ValueLayout.ADDRESS, Math.max(1, parameters.size()));
    this.buffers = new Object[parameters.size()];
    try {
      for (var i = 0; i < arguments.length; i++) {
        pointers.setAtIndex(ValueLayout.ADDRESS, i, values.asSlice(i * SLOT, SLOT));
        bind(i, arguments[i]);
      }
      requireFit();
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  private void bind(int index, Object value) {
    switch (value) {
      case DeviceBuffer buffer -> set(index, buffer);
      case PinnedBuffer buffer -> set(index, buffer);
      case Integer number -> set(index, (int) number);
      case Long number -> set(index, (long) number);
      case Float number -> set(index, (float) number);
      case Double number -> set(index, (double) number);
      default -> throw misfit(index, value.getClass().getSimpleName());
    }
  }

  /**
   * Queues the kernel on the device's stream.
   *
   * @throws IllegalArgumentException if a buffer holds less than the kernel touches
   * @throws IllegalStateException if this or a buffer among the arguments is closed
   * @throws CudaException if it cannot be launched
   */
  public void run() {
    run(device().stream());
  }

  /**
   * Queues the kernel on a stream; the arguments are those of this moment.
   *
   * @throws IllegalStateException if this, the stream or a buffer among the arguments is closed
   * @throws IllegalArgumentException if the stream belongs to another device, or a buffer holds
   *     less than the kernel touches
   * @throws CudaException if it cannot be launched
   */
  public void run(Stream stream) {
    checkOpen();
    Arguments.sameDevice(device(), stream.device(), "stream");
    requireFit();
    for (var i = 0; i < buffers.length; i++) {
      // Asking for the address checks the buffer, and tells a capture that it is used.
      if (buffers[i] instanceof DeviceBuffer device) {
        if (kernel.parameters().get(i).written()) {
          device.target();
        } else {
          device.pointer();
        }
      } else if (buffers[i] instanceof PinnedBuffer pinned) {
        pinned.pointer(0);
      }
    }
    CudaException.checkDriver(
        CudaDriver.cuLaunchKernel(
            kernel.function(),
            grid,
            1,
            1,
            block,
            1,
            1,
            0,
            stream.handle(),
            pointers,
            MemorySegment.NULL),
        "cuLaunchKernel");
  }

  private void requireFit() {
    if (fits) {
      return;
    }
    for (var i = 0; i < buffers.length; i++) {
      var parameter = kernel.parameters().get(i);
      var needed = parameter.extent().elements(numbers);
      var held = held(buffers[i], parameter.element() == null);
      if (needed > held) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "argument %s of %s has %d %s, must have at least %d",
                parameter.name(),
                kernel.name(),
                held,
                parameter.element() == null ? "bytes" : "elements",
                needed));
      }
    }
    fits = true;
  }

  private static long held(@Nullable Object buffer, boolean inBytes) {
    return switch (buffer) {
      case DeviceBuffer device -> inBytes ? device.bytes() : device.elements();
      case PinnedBuffer pinned -> inBytes ? pinned.bytes() : pinned.elements();
      case null, default -> 0;
    };
  }

  private long number(int index) {
    return switch (kernel.parameters().get(index).kind()) {
      case INT -> values.get(ValueLayout.JAVA_INT, index * SLOT);
      case LONG -> values.get(ValueLayout.JAVA_LONG, index * SLOT);
      case POINTER, FLOAT, DOUBLE -> KernelExtent.UNCOUNTABLE;
    };
  }

  /**
   * Changes a pointer argument for the launches that follow; what was captured keeps the old one.
   *
   * @param index the parameter, from 0
   * @throws IllegalArgumentException if the parameter is not a pointer to elements of this type, or
   *     the buffer belongs to another device
   * @throws IllegalStateException if this or the buffer is closed
   */
  public Launch set(int index, DeviceBuffer buffer) {
    checkPointer(index, "DeviceBuffer", buffer.type(), buffer.device());
    return point(index, buffer, buffer.pointer());
  }

  /**
   * As {@link #set(int, DeviceBuffer)}, with memory of the host. The kernel reads and writes it
   * where it is, which is slow: for what is used once.
   */
  public Launch set(int index, PinnedBuffer buffer) {
    checkPointer(index, "PinnedBuffer", buffer.type(), buffer.device());
    return point(index, buffer, buffer.pointer(0));
  }

  /** As {@link #set(int, DeviceBuffer)}, for a parameter of type int. */
  public Launch set(int index, int value) {
    check(index, KernelParameter.Kind.INT);
    values.set(ValueLayout.JAVA_INT, index * SLOT, value);
    return this;
  }

  /** As {@link #set(int, DeviceBuffer)}, for a parameter of type long long. */
  public Launch set(int index, long value) {
    check(index, KernelParameter.Kind.LONG);
    values.set(ValueLayout.JAVA_LONG, index * SLOT, value);
    return this;
  }

  /** As {@link #set(int, DeviceBuffer)}, for a parameter of type float. */
  public Launch set(int index, float value) {
    check(index, KernelParameter.Kind.FLOAT);
    values.set(ValueLayout.JAVA_FLOAT, index * SLOT, value);
    return this;
  }

  /** As {@link #set(int, DeviceBuffer)}, for a parameter of type double. */
  public Launch set(int index, double value) {
    check(index, KernelParameter.Kind.DOUBLE);
    values.set(ValueLayout.JAVA_DOUBLE, index * SLOT, value);
    return this;
  }

  private void checkPointer(int index, String value, ElementType type, Device device) {
    var parameter = parameter(index);
    if (parameter.kind() != KernelParameter.Kind.POINTER
        || (parameter.element() != null && parameter.element() != type)) {
      throw misfit(index, value + " of " + type);
    }
    Arguments.sameDevice(device(), device, parameter.name());
  }

  private Launch point(int index, Object buffer, MemorySegment address) {
    values.set(ValueLayout.JAVA_LONG, index * SLOT, address.address());
    buffers[index] = buffer;
    fits = false;
    return this;
  }

  private KernelParameter parameter(int index) {
    checkOpen();
    if (index < 0 || index >= buffers.length) {
      throw new IllegalArgumentException(
          String.format(Locale.ROOT, "%s has no parameter %d", kernel, index));
    }
    return kernel.parameters().get(index);
  }

  /** To be called before a number is set. */
  private void check(int index, KernelParameter.Kind kind) {
    if (parameter(index).kind() != kind) {
      throw misfit(index, kind.name().toLowerCase(Locale.ROOT));
    }
    fits = false;
  }

  private IllegalArgumentException misfit(int index, String value) {
    return new IllegalArgumentException(
        String.format(
            Locale.ROOT,
            "argument %d of %s is a %s, must be a %s",
            index,
            kernel.name(),
            value,
            kernel.parameters().get(index)));
  }

  @Override
  protected void release() {
    arena.close();
  }
}
