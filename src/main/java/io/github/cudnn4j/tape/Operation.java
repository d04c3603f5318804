package io.github.cudnn4j.tape;

import java.util.List;

/**
 * One recorded computation of a {@link Tape}: what it enqueues to compute its output, and what to
 * compute the gradients of its inputs.
 *
 * <p>An operation is made once, when it is recorded, and then played many times. So it makes its
 * launches, plans and buffers in its constructor and hands them to {@link Tape#own}, which frees
 * them with the tape; {@link #forward} and {@link #backward} only enqueue on the device's stream.
 * They allocate nothing, wait for nothing and read nothing back, because they are captured into a
 * graph and replayed without being called.
 *
 * <p>Written by a user, y = a·x in FP32 or FP64, with {@code Blas blas = device.blas()}:
 *
 * <pre>{@code
 * record Multiple(Blas blas, double a, Tensor x, Tensor y) implements Operation {
 *   public void forward() {
 *     y.value().copyFrom(x.value());
 *     blas.scal(a, y.value());
 *   }
 *
 *   public void backward() {
 *     if (x.gradient() != null) {
 *       x.gradient().copyFrom(y.gradient());
 *       blas.scal(a, x.gradient());
 *     }
 *   }
 * }
 *
 * Tensor y = tape.record(x.shape(), (in, out) -> new Multiple(blas, 2, in.get(0), out), x);
 * }</pre>
 */
public interface Operation {

  /** Enqueues the computation of the output's value from the inputs' values. */
  void forward();

  /**
   * Enqueues the computation of the inputs' gradients from the output's gradient, which is complete
   * when this is called.
   *
   * <p>Every gradient that an input has is overwritten: if the tensor feeds other operations too,
   * its gradient here is a buffer of this operation's own, which the tape adds.
   */
  void backward();

  /**
   * Whether a graph that captured this does what this does. It does not if something of every batch
   * is taken from the host when the work is enqueued.
   */
  default boolean isCapturable() {
    return true;
  }

  /** Makes an operation. */
  @FunctionalInterface
  interface Maker {

    /**
     * Makes the operation for its tensors.
     *
     * @param inputs the tensors given to {@link Tape#record}, in their order: the same values, and
     *     as gradients the buffers that {@link #backward} overwrites, null where none is wanted
     * @param output allocated by the tape; without a gradient if no input has one, or on a tape for
     *     inference
     */
    Operation make(List<Tensor> inputs, Tensor output);
  }
}
