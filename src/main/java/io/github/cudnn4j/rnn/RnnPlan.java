package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.DeviceOutOfMemoryException;
import io.github.cudnn4j.cuda.DeviceResource;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.ForwardMode;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Everything that a network needs for batches of one shape: descriptors, workspace and reserve.
 *
 * <pre>{@code
 * x  [T, B, I]    ----> network ----> y  [T, B, D*P]      or the layout of the SequenceShape
 * hx [L*D, B, P]  ---->         ----> hy [L*D, B, P]
 * cx [L*D, B, H]  ---->  (LSTM) ----> cy [L*D, B, H]
 * }</pre>
 *
 * <p>P is H unless the network projects.
 *
 * <p>All operands are on the network's device, of its type, and of exactly the sizes given here. An
 * operand that is written may not overlap another.
 *
 * <p>A call checks its operands, queues its work on the device's stream and returns: it allocates
 * nothing and waits for nothing, so it can be captured into a graph. Until that work is done the
 * operands must stay open, and no other stream may change them. The calls of a plan share its
 * memory, which is safe because their work runs one after the other.
 *
 * <p>A plan for {@linkplain SequenceShape#varying lengths that vary} is made once for the largest T
 * and B, and {@link #setLengths given} those of each batch. A call has the lengths of the moment
 * when it is made, and a graph those of the moment when it was captured.
 */
public final class RnnPlan extends DeviceResource {
  private final Rnn rnn;
  private final SequenceShape shape;
  private final ForwardMode mode;
  private final Parts parts;
  private final CudnnRnn cudnn;
  private final String algorithmNote;
  private final OperandSet operands;
  private final RnnPass pass = new RnnPass(this);

  /** The lengths that cuDNN was given; a 0 among them if that failed halfway. */
  private final int[] lengths;

  private final long inputElements;
  private final long outputElements;
  private final long stateElements;
  private final long cellStateElements;
  private @Nullable DeviceBuffer unwantedDx;

  private RnnPlan(Rnn rnn, SequenceShape shape, ForwardMode mode, Parts parts) {
    RnnConfig config = rnn.config();
    RnnAlgorithm algorithm = config.algorithm();
    AlgorithmChooser chooser = new AlgorithmChooser(rnn, shape, mode);
    AlgorithmChooser.Chosen chosen =
        algorithm == null ? chooser.choose() : chooser.named(algorithm);
    this.rnn = rnn;
    this.shape = shape;
    this.mode = mode;
    this.parts = parts;
    this.cudnn = parts.add(chosen.candidate());
    this.algorithmNote = chosen.note();
    this.operands = new OperandSet(rnn.device(), config.type());
    this.lengths = shape.lengths().stream().mapToInt(Integer::intValue).toArray();
    this.inputElements = shape.rows() * config.inputSize();
    this.outputElements = shape.rows() * config.outputSize();
    long states = (long) config.pseudoLayers() * shape.batch();
    this.stateElements = states * config.projectionSize();
    this.cellStateElements = states * config.hiddenSize();
    super(rnn.device());
  }

  static RnnPlan create(Rnn rnn, SequenceShape shape, ForwardMode mode) {
    Objects.requireNonNull(shape, "shape");
    RnnConfig config = rnn.config();
    checkSize("x", shape, shape.rows(), config.inputSize());
    checkSize("y", shape, shape.rows(), config.outputSize());
    long states = (long) config.pseudoLayers() * shape.batch();
    checkSize("a state", shape, states, config.hiddenSize());
    RnnAlgorithm algorithm = rnn.config().algorithm();
    String refusal =
        algorithm == null ? null : AlgorithmChooser.refusal(algorithm, rnn.config(), shape);
    if (refusal != null) {
      throw new IllegalArgumentException(refusal);
    }
    Parts parts = new Parts();
    try {
      return new RnnPlan(rnn, shape, mode, parts);
    } catch (DeviceOutOfMemoryException e) {
      throw parts.abandon(e.during(rnn + ", " + shape));
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  private static void checkSize(String name, SequenceShape shape, long vectors, int vectorSize) {
    long limit = Integer.MAX_VALUE / vectorSize;
    if (vectors > limit) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "%s of %s would have %d vectors of %d, must have at most %d",
              name,
              shape,
              vectors,
              vectorSize,
              limit));
    }
  }

  /** The network that this belongs to. */
  public Rnn rnn() {
    return rnn;
  }

  /** The shape of the batches. */
  public SequenceShape shape() {
    return shape;
  }

  /** The algorithm that it runs with. */
  public RnnAlgorithm algorithm() {
    return cudnn.algorithm();
  }

  /**
   * Why it runs with that algorithm: what was measured, what cuDNN refused, in one line for people.
   * Empty if it is the one that the configuration names.
   */
  public String algorithmNote() {
    return algorithmNote;
  }

  /** The elements of x and of dx: {@code rows * I}. */
  public long inputElements() {
    return inputElements;
  }

  /** The elements of y and of dy: {@code rows * D*P}. */
  public long outputElements() {
    return outputElements;
  }

  /** The elements of h and of its gradient: {@code L*D * B * P}. */
  public long stateElements() {
    return stateElements;
  }

  /** The elements of c and of its gradient: {@code L*D * B * H}. */
  public long cellStateElements() {
    return cellStateElements;
  }

  /** The bytes of device memory that a call works in. */
  public long workspaceBytes() {
    return cudnn.workspaceBytes();
  }

  /** The bytes of device memory in which a forward pass keeps what its backward pass needs. */
  public long reserveBytes() {
    return cudnn.reserveBytes();
  }

  /**
   * Sets the lengths for the calls that follow; nothing is done if the last ones were the same.
   * Allocates nothing and waits for nothing. A pass whose backward is still to come is ended by
   * other lengths.
   *
   * @param lengths the steps of each sequence, in [1, T]; copied
   * @throws IllegalArgumentException if their number is not B, or one is out of range
   * @throws IllegalStateException if this is closed, or not for lengths that vary
   * @throws WrongThreadException if the device belongs to another thread
   * @throws CudnnException if cuDNN fails
   */
  public void setLengths(int... lengths) {
    checkOpen();
    if (!shape.varies()) {
      throw new IllegalStateException(
          "the lengths of " + shape + " are fixed; SequenceShape.varying has others");
    }
    if (Arrays.equals(lengths, this.lengths)) {
      return;
    }
    if (lengths.length != this.lengths.length) {
      throw new IllegalArgumentException(
          lengths.length + " lengths given, but B is " + this.lengths.length);
    }
    for (int row = 0; row < lengths.length; row++) {
      SequenceShape.checkLength(lengths[row], row, shape.time());
    }
    pass.invalidate();
    this.lengths[0] = 0;
    cudnn.setLengths(lengths);
    System.arraycopy(lengths, 0, this.lengths, 0, lengths.length);
  }

  /**
   * Computes outputs only: no dropout, nothing kept. A pass of this plan whose backward is still to
   * come is not disturbed.
   *
   * @param x {@link #inputElements} elements; padding is not read
   * @param y {@link #outputElements} elements, overwritten; padding becomes 0
   * @param states initial and final states
   * @throws IllegalArgumentException if an operand has another device, type or size, overlaps one
   *     that it may not, or is a cell state that the cell does not have
   * @throws IllegalStateException if this, its network or an operand is closed
   * @throws WrongThreadException if the device belongs to another thread
   * @throws CudnnException if cuDNN fails
   */
  public void infer(DeviceBuffer x, DeviceBuffer y, RnnStates states) {
    run(ForwardMode.INFERENCE, x, y, states);
  }

  /**
   * Computes outputs with dropout, and keeps what the backward pass needs.
   *
   * @param x {@link #inputElements} elements, unchanged until the backward pass is done; padding is
   *     not read
   * @param y {@link #outputElements} elements, overwritten, then unchanged until the backward pass
   *     is done; padding becomes 0
   * @param states initial and final states; the initial ones unchanged until the backward pass is
   *     done
   * @return the pass, which has {@link RnnPass#backward}. A plan has one pass, so that a call
   *     allocates nothing: what the previous call returned is this same object.
   * @throws IllegalArgumentException if an operand has another device, type or size, overlaps one
   *     that it may not, or is a cell state that the cell does not have
   * @throws IllegalStateException if this is an inference plan, or this, its network or an operand
   *     is closed
   * @throws WrongThreadException if the device belongs to another thread
   * @throws CudnnException if cuDNN fails; the pass cannot be used then
   */
  public RnnPass forward(DeviceBuffer x, DeviceBuffer y, RnnStates states) {
    if (mode != ForwardMode.TRAINING) {
      throw new IllegalStateException("this plan is for inference; Rnn.plan makes one that trains");
    }
    run(ForwardMode.TRAINING, x, y, states);
    pass.start(x, y, states);
    return pass;
  }

  private void run(ForwardMode mode, DeviceBuffer x, DeviceBuffer y, RnnStates states) {
    checkOpen();
    DeviceBuffer weights = rnn.weights().space();
    checkCellState("cx", states.cx());
    checkCellState("cy", states.cy());
    operands
        .next()
        .read("weights", weights, weights.elements())
        .read("x", x, inputElements)
        .read("hx", states.hx(), stateElements)
        .read("cx", states.cx(), cellStateElements)
        .write("y", y, outputElements)
        .write("hy", states.hy(), stateElements)
        .write("cy", states.cy(), cellStateElements);
    boolean training = mode == ForwardMode.TRAINING;
    if (training) {
      // From here on the reserve space is not what an earlier forward left.
      pass.invalidate();
    }
    cudnn.forward(mode, x, y, states);
  }

  /** The backward half of a pass, whose operands of the forward half are x, y and states. */
  void backward(
      DeviceBuffer x,
      DeviceBuffer y,
      RnnStates states,
      DeviceBuffer dy,
      DeviceBuffer dx,
      RnnStateGradients gradients) {
    DeviceBuffer weights = rnn.weights().space();
    DeviceBuffer weightGradients = rnn.gradients().space();
    checkCellState("dcy", gradients.dcy());
    checkCellState("dcx", gradients.dcx());
    operands
        .next()
        .read("weights", weights, weights.elements())
        .read("x", x, inputElements)
        .read("y", y, outputElements)
        .read("hx", states.hx(), stateElements)
        .read("cx", states.cx(), cellStateElements)
        .read("dy", dy, outputElements)
        .read("dhy", gradients.dhy(), stateElements)
        .read("dcy", gradients.dcy(), cellStateElements)
        .write("dx", dx, inputElements)
        .write("dhx", gradients.dhx(), stateElements)
        .write("dcx", gradients.dcx(), cellStateElements)
        .write("gradients", weightGradients, weightGradients.elements());
    // Whatever happens from here on, the reserve space is no longer what forward left.
    pass.invalidate();
    cudnn.backward(x, y, states, dy, dx, gradients, weightGradients);
  }

  private void checkCellState(String name, @Nullable DeviceBuffer buffer) {
    if (buffer != null && !rnn.config().hasCellState()) {
      throw new IllegalArgumentException(
          name + " is given, but a cell of kind " + rnn.config().mode() + " has no cell state");
    }
  }

  /** Where the gradient of x goes when nobody wants it: cuDNN always writes it. */
  DeviceBuffer unwantedDx() {
    DeviceBuffer dx = unwantedDx;
    if (dx == null) {
      if (device().stream().isCapturing()) {
        throw new IllegalStateException(
            "the first backward without dx allocates, which a capture cannot record; run one"
                + " before");
      }
      dx = parts.add(DeviceBuffer.allocate(device(), rnn.config().type(), inputElements));
      unwantedDx = dx;
    }
    return dx;
  }

  void requireOpen() {
    checkOpen();
  }

  @Override
  protected void release() {
    rnn.forget(this);
    parts.close();
  }

  /** The network and the shape in a few words. */
  @Override
  public String toString() {
    return rnn + ", " + shape;
  }
}
