package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.DeviceBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A forward pass in training mode whose backward pass is still to come, once.
 *
 * <p>{@link RnnPlan#forward} returns it. Until {@link #backward} the caller leaves x, y, hx, cx and
 * the weights as they are.
 */
public final class RnnPass {
  private final RnnPlan plan;
  private @Nullable DeviceBuffer x;
  private @Nullable DeviceBuffer y;
  private RnnStates states = RnnStates.NONE;

  RnnPass(RnnPlan plan) {
    this.plan = plan;
  }

  /** A forward pass with these operands is done. */
  void start(DeviceBuffer x, DeviceBuffer y, RnnStates states) {
    this.x = x;
    this.y = y;
    this.states = states;
  }

  /** There is nothing to go backward from. */
  void invalidate() {
    x = null;
    y = null;
    states = RnnStates.NONE;
  }

  /**
   * {@link #backward(DeviceBuffer, DeviceBuffer, RnnStateGradients)} without gradients of states.
   */
  public void backward(DeviceBuffer dy, @Nullable DeviceBuffer dx) {
    backward(dy, dx, RnnStateGradients.NONE);
  }

  /**
   * Computes the gradients of x and the initial states, then adds those of the weights to {@link
   * Rnn#gradients}. Ends the pass: another backward needs another {@link RnnPlan#forward}.
   *
   * <p>Queues its work on the device's stream and returns; allocates nothing, see {@code dx}.
   *
   * @param dy gradient of y, {@link RnnPlan#outputElements} elements; padding is not read
   * @param dx receives the gradient of x, {@link RnnPlan#inputElements} elements, overwritten;
   *     padding is undefined; null if it is not wanted. cuDNN writes it nevertheless, into a buffer
   *     that the plan allocates at the first such call and keeps.
   * @param gradients of the final and initial states
   * @throws IllegalArgumentException if an operand has another device, type or size, overlaps one
   *     that it may not, or is a gradient of a cell state that the cell does not have; the pass is
   *     not ended
   * @throws IllegalStateException if the pass is ended or its forward failed, if the plan or an
   *     operand is closed, or if {@code dx} is null for the first time and a graph is being
   *     captured
   * @throws WrongThreadException if the device belongs to another thread
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN fails; the pass is ended, and the
   *     gradients of the weights may have been changed
   */
  public void backward(DeviceBuffer dy, @Nullable DeviceBuffer dx, RnnStateGradients gradients) {
    plan.requireOpen();
    DeviceBuffer x = this.x;
    DeviceBuffer y = this.y;
    if (x == null || y == null) {
      throw new IllegalStateException("backward runs once after each forward of the plan");
    }
    plan.backward(x, y, states, dy, dx == null ? plan.unwantedDx() : dx, gradients);
  }
}
