package io.github.cudnn4j.cudnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceResource;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import java.util.Objects;

/**
 * The softmax of each row of a matrix {@code [rows, columns]} on the device, row-major, or its
 * logarithm.
 *
 * <p>Calls queue their work on the device's stream and allocate nothing.
 *
 * @see <a
 *     href="https://docs.nvidia.com/deeplearning/cudnn/backend/latest/api/cudnn-ops-library.html">cudnnSoftmaxForward</a>
 */
public final class Softmax extends DeviceResource {
  private final Parts parts;
  private final CudnnHandle handle;
  private final TensorDescriptor shape;
  private final SoftmaxAlgorithm algorithm;
  private final ElementType type;
  private final int rows;
  private final int columns;

  private Softmax(
      Parts parts,
      CudnnHandle handle,
      TensorDescriptor shape,
      SoftmaxAlgorithm algorithm,
      ElementType type,
      int rows,
      int columns) {
    this.parts = parts;
    this.handle = handle;
    this.shape = shape;
    this.algorithm = algorithm;
    this.type = type;
    this.rows = rows;
    this.columns = columns;
    super(handle.device());
  }

  /**
   * Makes the softmax of one shape.
   *
   * @param type a floating-point one; the half types are computed in FLOAT32
   * @param rows from 1; {@code rows * columns} must be below 2<sup>31</sup>
   * @param columns from 1
   * @throws IllegalArgumentException if the type or an extent is not as stated
   * @throws CudnnException if cuDNN fails
   */
  public static Softmax create(
      Device device, SoftmaxAlgorithm algorithm, ElementType type, int rows, int columns) {
    Objects.requireNonNull(device, "device");
    Objects.requireNonNull(algorithm, "algorithm");
    DataTypes.checkFloating(type);
    CudnnHandle handle = CudnnHandle.of(device);
    Parts parts = new Parts();
    try {
      TensorDescriptor shape =
          parts.add(TensorDescriptor.create(device, type, rows, columns, 1, 1));
      return new Softmax(parts, handle, shape, algorithm, type, rows, columns);
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  /**
   * Computes {@code y = softmax(x)}.
   *
   * @param x {@code [rows, columns]}
   * @param y {@code [rows, columns]}; x itself, or apart from it
   * @throws IllegalArgumentException if a buffer has another type, size or device, or they overlap
   *     otherwise
   * @throws IllegalStateException if this or a buffer is closed
   * @throws CudnnException if cuDNN fails
   */
  public void forward(DeviceBuffer x, DeviceBuffer y) {
    checkOpen();
    check("x", x);
    check("y", y);
    Operands.checkSameOrDisjoint("y", y, "x", x);
    CudnnException.check(
        Cudnn.cudnnSoftmaxForward(
            handle.pointer(),
            algorithm.code(),
            Cudnn.CUDNN_SOFTMAX_MODE_INSTANCE(),
            Scalars.one(type),
            shape.pointer(),
            x.pointer(),
            Scalars.zero(),
            shape.pointer(),
            y.pointer()),
        "cudnnSoftmaxForward",
        this);
  }

  /**
   * Computes the gradient of x from that of y.
   *
   * @param y {@code [rows, columns]}, what {@link #forward} wrote
   * @param dy {@code [rows, columns]}, the gradient of y
   * @param dx {@code [rows, columns]}, overwritten; dy itself, or apart from it
   * @throws IllegalArgumentException if a buffer has another type, size or device, or they overlap
   *     otherwise
   * @throws IllegalStateException if this or a buffer is closed
   * @throws CudnnException if cuDNN fails
   */
  public void backward(DeviceBuffer y, DeviceBuffer dy, DeviceBuffer dx) {
    checkOpen();
    check("y", y);
    check("dy", dy);
    check("dx", dx);
    Operands.checkDisjoint("dx", dx, "y", y);
    Operands.checkSameOrDisjoint("dx", dx, "dy", dy);
    CudnnException.check(
        Cudnn.cudnnSoftmaxBackward(
            handle.pointer(),
            algorithm.code(),
            Cudnn.CUDNN_SOFTMAX_MODE_INSTANCE(),
            Scalars.one(type),
            shape.pointer(),
            y.pointer(),
            shape.pointer(),
            dy.pointer(),
            Scalars.zero(),
            shape.pointer(),
            dx.pointer()),
        "cudnnSoftmaxBackward",
        this);
  }

  private void check(String name, DeviceBuffer buffer) {
    Operands.check(name, buffer, device(), type, (long) rows * columns);
  }

  @Override
  protected void release() {
    parts.close();
  }

  @Override
  public String toString() {
    return "softmax " + algorithm + " " + type + " [" + rows + ", " + columns + "]";
  }
}
