package io.github.cudnn4j.cuda;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * A function that runs on a device.
 *
 * <p>Belongs to the device's thread. Borrowed from {@link Kernels}.
 */
public final class Kernel {
  // The launch convention of the kernels: enough blocks to fill a GPU, each with a few warps.
  private static final int BLOCK = 256;
  private static final int BLOCKS_PER_MULTIPROCESSOR = 8;
  private static final int MAX_ROWS_IN_GRID = 65_535;
  private static final int WARP = 32;
  private static final int MAX_BLOCK = 1024;

  private final Kernels kernels;
  private final String name;
  private final List<KernelParameter> parameters;
  private final MemorySegment function;

  Kernel(Kernels kernels, String name, List<KernelParameter> parameters, MemorySegment function) {
    this.kernels = kernels;
    this.name = name;
    this.parameters = List.copyOf(parameters);
    this.function = function;
  }

  /** Returns its name. */
  public String name() {
    return name;
  }

  Device device() {
    return kernels.device();
  }

  List<KernelParameter> parameters() {
    return parameters;
  }

  MemorySegment function() {
    kernels.check();
    return function;
  }

  /**
   * Binds arguments, for launches that follow.
   *
   * @param grid the number of blocks
   * @param block the threads of a block, a multiple of 32
   * @param arguments a {@link DeviceBuffer}, {@link PinnedBuffer}, Integer, Long, Float or Double
   *     for each parameter, of exactly its type
   * @throws IllegalArgumentException if an argument does not fit its parameter, a buffer holds less
   *     than the kernel touches, or {@code grid} or {@code block} is out of range
   * @throws IllegalStateException if the device is closed
   */
  public Launch bind(int grid, int block, Object... arguments) {
    Arguments.between(grid, 1, Integer.MAX_VALUE, "grid");
    Arguments.between(block, WARP, MAX_BLOCK, "block");
    if (block % WARP != 0) {
      throw new IllegalArgumentException("block = " + block + ", must be a multiple of " + WARP);
    }
    return new Launch(this, grid, block, arguments);
  }

  /**
   * Binds arguments for a kernel that works on elements, each by itself.
   *
   * @param n the number of elements; the kernel gets it only as one of its arguments
   * @throws IllegalArgumentException if {@code n} is negative or an argument does not fit
   * @throws IllegalStateException if the device is closed
   */
  public Launch overElements(long n, Object... arguments) {
    Arguments.between(n, 0, Long.MAX_VALUE - BLOCK, "n");
    var most = (long) BLOCKS_PER_MULTIPROCESSOR * device().multiprocessors();
    return bind((int) Math.clamp((n + BLOCK - 1) / BLOCK, 1, most), BLOCK, arguments);
  }

  /**
   * Binds arguments for a kernel that works on rows, each by one block.
   *
   * @param rows the number of rows; the kernel gets it only as one of its arguments
   * @throws IllegalArgumentException if {@code rows} is negative or an argument does not fit
   * @throws IllegalStateException if the device is closed
   */
  public Launch overRows(long rows, Object... arguments) {
    return bindRows(rows, BLOCK, arguments);
  }

  /**
   * Binds arguments for a kernel that works on few rows of much each: every block has as many
   * threads as there can be.
   *
   * @param rows the number of rows; the kernel gets it only as one of its arguments
   * @throws IllegalArgumentException if {@code rows} is negative or an argument does not fit
   * @throws IllegalStateException if the device is closed
   */
  public Launch overLongRows(long rows, Object... arguments) {
    return bindRows(rows, MAX_BLOCK, arguments);
  }

  private Launch bindRows(long rows, int block, Object[] arguments) {
    Arguments.between(rows, 0, Long.MAX_VALUE, "rows");
    return bind(Math.clamp(rows, 1, MAX_ROWS_IN_GRID), block, arguments);
  }

  @Override
  public String toString() {
    return name + parameters;
  }
}
