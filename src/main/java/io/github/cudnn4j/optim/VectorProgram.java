package io.github.cudnn4j.optim;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Launch;
import io.github.cudnn4j.cuda.Parts;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Operations on vectors in the order in which they were added, as the rule of an {@link Optimizer}.
 *
 * <p>{@link #run} enqueues them, and in a refused step they do nothing. The buffers of an operation
 * are FLOAT32 or FLOAT64, all of one type and number of elements, the result may be one of the
 * operands, and every element is computed by itself. Whole buffers are meant by x, y and z.
 *
 * <p>Every method that adds an operation returns this, and throws IllegalArgumentException if the
 * buffers do not fit. Made by {@link ParameterRange#program}, which owns the memory.
 */
public final class VectorProgram implements Runnable {

  // Places in vector.cu.
  private static final int ROOT = 0;
  private static final int SIGN = 1;
  private static final int ABSOLUTE = 2;

  private final Parts parts;
  private final DeviceBuffer skip;
  private final DeviceBuffer one;
  private final List<Launch> launches = new ArrayList<>();

  /**
   * Begins.
   *
   * @param parts takes over the launches
   * @param skip one FLOAT64, not 0 where nothing is to be done
   * @param one FLOAT64, 1
   */
  VectorProgram(Parts parts, DeviceBuffer skip, DeviceBuffer one) {
    this.parts = parts;
    this.skip = skip;
    this.one = one;
  }

  /** Adds z = a, in every element. */
  public VectorProgram set(Scalar a, DeviceBuffer z) {
    return add("set", z, a.constant(), number(a), z);
  }

  /** Adds z = a·x + b·y. */
  public VectorProgram combine(double a, DeviceBuffer x, double b, DeviceBuffer y, DeviceBuffer z) {
    return combine(Scalar.of(a), x, Scalar.of(b), y, z);
  }

  /** Adds z = a·x + b·y. */
  public VectorProgram combine(Scalar a, DeviceBuffer x, Scalar b, DeviceBuffer y, DeviceBuffer z) {
    checkAlike(x, z);
    checkAlike(y, z);
    return add("combine", z, a.constant(), number(a), x, b.constant(), number(b), y, z);
  }

  /** Adds z = z + a·x. */
  public VectorProgram add(Scalar a, DeviceBuffer x, DeviceBuffer z) {
    return combine(a, x, Scalar.of(1), z, z);
  }

  /** Adds z = x·y. */
  public VectorProgram multiply(DeviceBuffer x, DeviceBuffer y, DeviceBuffer z) {
    return multiply(Scalar.of(1), x, y, z);
  }

  /** Adds z = a·x·y. */
  public VectorProgram multiply(Scalar a, DeviceBuffer x, DeviceBuffer y, DeviceBuffer z) {
    checkAlike(x, z);
    checkAlike(y, z);
    return add("product", z, a.constant(), number(a), x, y, z);
  }

  /** Adds z = x / (y + epsilon), 0 where both are 0, as in padding. */
  public VectorProgram divide(DeviceBuffer x, DeviceBuffer y, double epsilon, DeviceBuffer z) {
    checkAlike(x, z);
    checkAlike(y, z);
    return add("quotient", z, x, y, epsilon, z);
  }

  /** Adds z = max(x, y); NaN where one is. */
  public VectorProgram maximum(DeviceBuffer x, DeviceBuffer y, DeviceBuffer z) {
    checkAlike(x, z);
    checkAlike(y, z);
    return add("maximum", z, x, y, z);
  }

  /** Adds z = √x. */
  public VectorProgram root(DeviceBuffer x, DeviceBuffer z) {
    checkAlike(x, z);
    return add("apply", z, ROOT, x, z);
  }

  /** Adds z = −1, 0 or 1, the sign of x. */
  public VectorProgram sign(DeviceBuffer x, DeviceBuffer z) {
    checkAlike(x, z);
    return add("apply", z, SIGN, x, z);
  }

  /** Adds z = |x|. */
  public VectorProgram absolute(DeviceBuffer x, DeviceBuffer z) {
    checkAlike(x, z);
    return add("apply", z, ABSOLUTE, x, z);
  }

  /** Enqueues the operations. */
  @Override
  public void run() {
    for (int i = 0; i < launches.size(); i++) {
      launches.get(i).run();
    }
  }

  private VectorProgram add(String kernel, DeviceBuffer z, Object... arguments) {
    var all = new ArrayList<Object>(List.of(arguments));
    all.add(skip);
    all.add(z.elements());
    launches.add(
        parts.add(
            z.device()
                .kernels()
                .get("vector", kernel, z.type())
                .overElements(z.elements(), all.toArray())));
    return this;
  }

  private DeviceBuffer number(Scalar scalar) {
    DeviceBuffer number = scalar.number();
    return number == null ? one : number;
  }

  private static void checkAlike(DeviceBuffer operand, DeviceBuffer result) {
    if (operand.type() != result.type() || operand.elements() != result.elements()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "an operand of %d %s for a result of %d %s, must be alike",
              operand.elements(),
              operand.type(),
              result.elements(),
              result.type()));
    }
  }
}
