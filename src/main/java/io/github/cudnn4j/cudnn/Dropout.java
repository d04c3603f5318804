package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.bindings.NativeTypes;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceResource;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Drops elements of a tensor on the device at random and scales the others up, so that the
 * expectation stays.
 *
 * <p>It has a generator of its own and keeps the mask of its latest forward call. Calls queue their
 * work on the device's stream and allocate nothing.
 *
 * @see <a
 *     href="https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-ops-library.html">cudnnDropoutForward</a>
 */
public final class Dropout extends DeviceResource {
  private final Parts parts;
  private final CudnnHandle handle;
  private final DropoutDescriptor generator;
  private final TensorDescriptor shape;
  private final DeviceBuffer mask;
  private final ElementType type;
  private final int elements;
  private boolean drawn;

  private Dropout(
      Parts parts,
      CudnnHandle handle,
      DropoutDescriptor generator,
      TensorDescriptor shape,
      DeviceBuffer mask,
      ElementType type,
      int elements) {
    this.parts = parts;
    this.handle = handle;
    this.generator = generator;
    this.shape = shape;
    this.mask = mask;
    this.type = type;
    this.elements = elements;
    super(handle.device());
  }

  /**
   * Makes the dropout of tensors of one size.
   *
   * @param type a floating-point one; the half types are computed in FLOAT32
   * @param elements from 1
   * @param probability to drop an element, in [0, 1)
   * @param seed where the generator starts
   * @throws IllegalArgumentException if a value is not as stated
   * @throws CudnnException if cuDNN fails
   */
  public static Dropout create(
      Device device, ElementType type, int elements, double probability, long seed) {
    DataTypes.checkFloating(type);
    CudnnHandle handle = CudnnHandle.of(device);
    Parts parts = new Parts();
    try {
      TensorDescriptor shape = parts.add(TensorDescriptor.create(device, type, elements, 1, 1, 1));
      DropoutDescriptor generator = parts.add(DropoutDescriptor.create(device, probability, seed));
      DeviceBuffer mask =
          parts.add(DeviceBuffer.allocate(device, ElementType.UINT8, maskBytes(shape)));
      return new Dropout(parts, handle, generator, shape, mask, type, elements);
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  private static long maskBytes(TensorDescriptor shape) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(NativeTypes.C_LONG);
      CudnnException.check(
          Cudnn.cudnnDropoutGetReserveSpaceSize(shape.pointer(), bytes),
          "cudnnDropoutGetReserveSpaceSize",
          "");
      return bytes.get(NativeTypes.C_LONG, 0);
    }
  }

  /**
   * Draws a mask and computes {@code y = x * mask / (1 - probability)}.
   *
   * @param x all elements
   * @param y all elements, apart from x
   * @throws IllegalArgumentException if a buffer has another type, size or device, or they overlap
   * @throws IllegalStateException if this or a buffer is closed
   * @throws CudnnException if cuDNN fails
   */
  public void forward(DeviceBuffer x, DeviceBuffer y) {
    checkOpen();
    Operands.check("x", x, device(), type, elements);
    Operands.check("y", y, device(), type, elements);
    Operands.checkDisjoint("y", y, "x", x);
    CudnnException.check(
        Cudnn.cudnnDropoutForward(
            handle.pointer(),
            generator.pointer(),
            shape.pointer(),
            x.pointer(),
            shape.pointer(),
            y.pointer(),
            mask.pointer(),
            mask.bytes()),
        "cudnnDropoutForward",
        this);
    drawn = true;
  }

  /**
   * Computes {@code dx = dy * mask / (1 - probability)} with the mask of the latest forward call.
   *
   * @param dy all elements, the gradient of y
   * @param dx all elements, overwritten, apart from dy
   * @throws IllegalArgumentException if a buffer has another type, size or device, or they overlap
   * @throws IllegalStateException if there was no forward call, or this or a buffer is closed
   * @throws CudnnException if cuDNN fails
   */
  public void backward(DeviceBuffer dy, DeviceBuffer dx) {
    checkOpen();
    if (!drawn) {
      throw new IllegalStateException(
          "backward needs the mask of a forward call, and there is none");
    }
    Operands.check("dy", dy, device(), type, elements);
    Operands.check("dx", dx, device(), type, elements);
    Operands.checkDisjoint("dx", dx, "dy", dy);
    CudnnException.check(
        Cudnn.cudnnDropoutBackward(
            handle.pointer(),
            generator.pointer(),
            shape.pointer(),
            dy.pointer(),
            shape.pointer(),
            dx.pointer(),
            mask.pointer(),
            mask.bytes()),
        "cudnnDropoutBackward",
        this);
  }

  /** The state of the generator, for {@link #restoreState}; waits for the stream. */
  public byte[] state() {
    checkOpen();
    return generator.state();
  }

  /**
   * Puts the generator back where it was; waits for the stream.
   *
   * @param state what {@link #state} returned on this kind of device
   * @throws IllegalArgumentException if its length is not that of this device's generator
   * @throws CudnnException if cuDNN fails
   */
  public void restoreState(byte[] state) {
    checkOpen();
    generator.restoreState(state);
  }

  @Override
  protected void release() {
    parts.close();
  }

  @Override
  public String toString() {
    return generator + " " + type + " [" + elements + "]";
  }
}
