package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cuda.DeviceResource;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cudnn.RnnDataLayout;
import org.jspecify.annotations.Nullable;

/**
 * A batch of rows of any lengths in any order, empty ones among them.
 *
 * <pre>{@code
 * try (SequenceBatch batch =
 *     SequenceBatch.create(rnn, RnnDataLayout.BATCH_MAJOR_UNPACKED, 9, 4, 0, 9, 2)) {
 *   batch.forward(x, y, RnnStates.NONE);                  // [4, 9, I] -> [4, 9, D*P]
 *   batch.backward(dy, dx, RnnStateGradients.NONE);       // adds into rnn.gradients()
 * }
 *
 * user's order           packed: longest first, no padding, no empty rows
 *  x  [B, T, I]  --gather-->  [sum of lengths, I]  --+
 *  hx [L*D, B, P] --------->  [L*D, not empty, P]  --+--> cuDNN
 *  y  [B, T, D*P] <-scatter-  [sum of lengths, D*P] -+
 *  hy [L*D, B, P] <---------  [L*D, not empty, P]  --+
 * }</pre>
 *
 * <p>Rows keep their places in all operands. The padding of x and dy is never read, that of y and
 * dx is written with zeros. The final state of a row is that after its own last step, in the
 * backward direction that after its first one; an empty row ends with its initial state, and the
 * gradient of its initial state is that of its final one. P is H unless the network projects.
 *
 * <p>All operands are on the network's device, of its type, and of exactly the sizes given here. An
 * operand that is written may not overlap another. A call queues its work on the device's stream
 * and returns: it allocates nothing there and waits for nothing, so it can be captured into a
 * graph. Packed copies of the operands are kept inside, so the caller may overwrite theirs once the
 * queued work is done. A batch in which all rows are empty makes no call to cuDNN.
 *
 * <p>An owner; it belongs to the thread that the device belongs to. Once its network is closed it
 * can only be closed.
 */
public final class SequenceBatch extends DeviceResource {
  private final Rnn rnn;
  private final boolean trains;
  private final Parts parts;
  private final RowOrder order;
  private final RowMover mover;
  private final PackedOperands packed;
  private final @Nullable RnnPlan plan;
  private final OperandSet operands;
  private final int hiddenWidth;
  private final int cellWidth;
  private @Nullable RnnPass pass;
  private boolean backwardIsDue;

  private SequenceBatch(Rnn rnn, RowOrder order, boolean trains, Parts parts) {
    Device device = rnn.device();
    RnnConfig config = rnn.config();
    int rows = order.rows().length;
    RnnPlan plan = null;
    if (rows > 0) {
      SequenceShape shape = order.packedShape();
      plan = parts.add(trains ? rnn.plan(shape) : rnn.inferencePlan(shape));
    }
    long vectors = plan == null ? 0 : plan.shape().rows();
    this.rnn = rnn;
    this.trains = trains;
    this.parts = parts;
    this.order = order;
    this.mover = new RowMover(device, config.type(), order, config.pseudoLayers(), parts);
    this.packed = PackedOperands.allocate(rnn, vectors, rows, trains, parts);
    this.plan = plan;
    this.operands = new OperandSet(device, config.type());
    this.hiddenWidth = config.projectionSize();
    this.cellWidth = config.hiddenSize();
    super(device);
  }

  /**
   * Makes what training and inference on rows of these lengths need.
   *
   * @param layout of x, y and their gradients: one of the padded ones
   * @param time T, the steps that each row has room for, from 1
   * @param lengths the steps of each row, in [0, T]; B is how many there are
   * @return a batch, to be closed by the caller
   * @throws IllegalArgumentException if the layout is packed, T is outside [1, 65535], there is no
   *     row, a length is outside [0, T], or an operand would be too large to be addressed
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN does not accept the shape
   * @throws DeviceOutOfMemoryException if it does not fit into the device
   * @throws IllegalStateException if the network is closed
   * @throws WrongThreadException if the device belongs to another thread
   */
  public static SequenceBatch create(Rnn rnn, RnnDataLayout layout, int time, int... lengths) {
    return create(rnn, true, layout, time, lengths);
  }

  /**
   * As {@link #create}, for inference only, which takes less memory: {@link #forward} is refused.
   */
  public static SequenceBatch createForInference(
      Rnn rnn, RnnDataLayout layout, int time, int... lengths) {
    return create(rnn, false, layout, time, lengths);
  }

  private static SequenceBatch create(
      Rnn rnn, boolean trains, RnnDataLayout layout, int time, int[] lengths) {
    RowOrder order = new RowOrder(layout, time, lengths);
    rnn.weights(); // refuses a closed network, which an all-empty batch would not notice
    Parts parts = new Parts();
    try {
      return new SequenceBatch(rnn, order, trains, parts);
    } catch (DeviceOutOfMemoryException e) {
      throw parts.abandon(e.during(rnn + ", " + order));
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  /** The network that this belongs to. */
  public Rnn rnn() {
    return rnn;
  }

  /** The elements of x and of dx: {@code T*B*I}. */
  public long inputElements() {
    return (long) order.padded() * rnn.config().inputSize();
  }

  /** The elements of y and of dy: {@code T*B*D*P}. */
  public long outputElements() {
    return (long) order.padded() * rnn.config().outputSize();
  }

  /** The elements of hx, hy and their gradients: {@code L*D * B * P}. */
  public long stateElements() {
    return (long) rnn.config().pseudoLayers() * order.batch() * hiddenWidth;
  }

  /** The elements of cx, cy and their gradients: {@code L*D * B * H}. */
  public long cellStateElements() {
    return (long) rnn.config().pseudoLayers() * order.batch() * cellWidth;
  }

  /**
   * Computes outputs only: no dropout, nothing kept. Ends a forward pass whose backward is still to
   * come.
   *
   * @param x {@link #inputElements} elements; padding is not read
   * @param y {@link #outputElements} elements, overwritten; padding becomes 0
   * @param states initial and final states, null where they are zeros or not wanted
   * @throws IllegalArgumentException if an operand has another device, type or size, overlaps one
   *     that it may not, or is a cell state that the cell does not have
   * @throws IllegalStateException if this, its network or an operand is closed
   * @throws WrongThreadException if the device belongs to another thread
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN fails
   */
  public void infer(DeviceBuffer x, DeviceBuffer y, RnnStates states) {
    prepare(x, y, states);
    if (plan != null) {
      plan.infer(packed.x(), packed.y(), packed.statesFor(states));
    }
    finish(y, states);
  }

  /**
   * Computes outputs with dropout, and keeps what {@link #backward} needs.
   *
   * @param x {@link #inputElements} elements; padding is not read
   * @param y {@link #outputElements} elements, overwritten; padding becomes 0
   * @param states initial and final states, null where they are zeros or not wanted
   * @throws IllegalArgumentException if an operand has another device, type or size, overlaps one
   *     that it may not, or is a cell state that the cell does not have
   * @throws IllegalStateException if this is for inference, or this, its network or an operand is
   *     closed
   * @throws WrongThreadException if the device belongs to another thread
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN fails
   */
  public void forward(DeviceBuffer x, DeviceBuffer y, RnnStates states) {
    if (!trains) {
      throw new IllegalStateException(
          "this batch is for inference; SequenceBatch.create makes one that trains");
    }
    prepare(x, y, states);
    if (plan != null) {
      pass = plan.forward(packed.x(), packed.y(), packed.statesFor(states));
    }
    finish(y, states);
    backwardIsDue = true;
  }

  private void prepare(DeviceBuffer x, DeviceBuffer y, RnnStates states) {
    checkOpen();
    DeviceBuffer weights = rnn.weights().space();
    checkCellState("cx", states.cx());
    checkCellState("cy", states.cy());
    operands
        .next()
        .read("weights", weights, weights.elements())
        .read("x", x, inputElements())
        .read("hx", states.hx(), stateElements())
        .read("cx", states.cx(), cellStateElements())
        .write("y", y, outputElements())
        .write("hy", states.hy(), stateElements())
        .write("cy", states.cy(), cellStateElements());
    backwardIsDue = false;
    mover.pack(x, packed.x(), rnn.config().inputSize());
    mover.packStates(states.hx(), packed.states().hx(), hiddenWidth);
    mover.packStates(states.cx(), packed.states().cx(), cellWidth);
  }

  private void finish(DeviceBuffer y, RnnStates states) {
    mover.pad(packed.y(), y, rnn.config().outputSize());
    mover.padStates(packed.states().hy(), states.hx(), states.hy(), hiddenWidth);
    mover.padStates(packed.states().cy(), states.cx(), states.cy(), cellWidth);
  }

  /**
   * Computes the gradients of x and the initial states, then adds those of the weights to {@link
   * Rnn#gradients}. Runs once after each {@link #forward}.
   *
   * @param dy gradient of y, {@link #outputElements} elements; padding is not read
   * @param dx receives the gradient of x, {@link #inputElements} elements, overwritten; padding
   *     becomes 0; null if it is not wanted
   * @param gradients of the final and initial states, null where they are zeros or not wanted
   * @throws IllegalArgumentException if an operand has another device, type or size, overlaps one
   *     that it may not, or is a gradient of a cell state that the cell does not have
   * @throws IllegalStateException if no forward comes before it, or this, its network or an operand
   *     is closed
   * @throws WrongThreadException if the device belongs to another thread
   * @throws io.github.cudnn4j.cudnn.CudnnException if cuDNN fails; the gradients of the weights may
   *     have been changed
   */
  public void backward(DeviceBuffer dy, @Nullable DeviceBuffer dx, RnnStateGradients gradients) {
    checkOpen();
    if (!backwardIsDue) {
      throw new IllegalStateException("backward runs once after each forward of the batch");
    }
    DeviceBuffer sums = rnn.gradients().space();
    checkCellState("dcy", gradients.dcy());
    checkCellState("dcx", gradients.dcx());
    operands
        .next()
        .read("gradients", sums, sums.elements())
        .read("dy", dy, outputElements())
        .read("dhy", gradients.dhy(), stateElements())
        .read("dcy", gradients.dcy(), cellStateElements())
        .write("dx", dx, inputElements())
        .write("dhx", gradients.dhx(), stateElements())
        .write("dcx", gradients.dcx(), cellStateElements());
    backwardIsDue = false;
    RnnStateGradients inside = packed.gradients();
    mover.pack(dy, packed.dy(), rnn.config().outputSize());
    mover.packStates(gradients.dhy(), inside.dhy(), hiddenWidth);
    mover.packStates(gradients.dcy(), inside.dcy(), cellWidth);
    if (pass != null) {
      pass.backward(packed.dy(), packed.dx(), packed.gradientsFor(gradients));
    }
    if (dx != null) {
      mover.pad(packed.dx(), dx, rnn.config().inputSize());
    }
    mover.padStates(inside.dhx(), gradients.dhy(), gradients.dhx(), hiddenWidth);
    mover.padStates(inside.dcx(), gradients.dcy(), gradients.dcx(), cellWidth);
  }

  private void checkCellState(String name, @Nullable DeviceBuffer buffer) {
    if (buffer != null && !rnn.config().hasCellState()) {
      throw new IllegalArgumentException(
          name + " is given, but a cell of kind " + rnn.config().mode() + " has no cell state");
    }
  }

  @Override
  protected void release() {
    parts.close();
  }

  /** The network and the batch in a few words. */
  @Override
  public String toString() {
    return rnn + ", " + order;
  }
}
