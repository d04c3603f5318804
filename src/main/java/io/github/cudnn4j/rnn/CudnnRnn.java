package io.github.cudnn4j.rnn;

import io.github.cudnn4j.bindings.Cudnn;
import io.github.cudnn4j.cuda.Device;
import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.ElementType;
import io.github.cudnn4j.cuda.Parts;
import io.github.cudnn4j.cudnn.CudnnException;
import io.github.cudnn4j.cudnn.CudnnHandle;
import io.github.cudnn4j.cudnn.ForwardMode;
import io.github.cudnn4j.cudnn.RnnAlgorithm;
import io.github.cudnn4j.cudnn.RnnDataDescriptor;
import io.github.cudnn4j.cudnn.RnnDescriptor;
import io.github.cudnn4j.cudnn.TensorDescriptor;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * What cuDNN needs to run a network on batches of one shape by one algorithm: descriptors,
 * workspace and reserve, and the calls with them. Their operands are checked by the caller.
 */
final class CudnnRnn implements AutoCloseable {
  private final Rnn rnn;
  private final SequenceShape shape;
  private final RnnAlgorithm algorithm;
  private final Parts parts;
  private final CudnnHandle handle;
  private final RnnDescriptor descriptor;
  private final RnnDataDescriptor xDescriptor;
  private final RnnDataDescriptor yDescriptor;
  private final TensorDescriptor stateDescriptor;
  private final TensorDescriptor cellStateDescriptor;
  private final DeviceBuffer workspace;
  private final DeviceBuffer reserve;

  private CudnnRnn(
      Rnn rnn, SequenceShape shape, ForwardMode mode, RnnAlgorithm algorithm, Parts parts) {
    Device device = rnn.device();
    RnnConfig config = rnn.config();
    ElementType type = config.type();
    int[] lengths = shape.lengths().stream().mapToInt(Integer::intValue).toArray();
    this.rnn = rnn;
    this.shape = shape;
    this.algorithm = algorithm;
    this.parts = parts;
    handle = CudnnHandle.of(device);
    descriptor = parts.add(rnn.describe(algorithm, shape.layout().padded()));
    if (algorithm == RnnAlgorithm.PERSIST_DYNAMIC) {
      descriptor.build(shape.batch());
    }
    xDescriptor =
        parts.add(
            RnnDataDescriptor.create(
                device, type, shape.layout(), shape.time(), lengths, config.inputSize()));
    yDescriptor =
        parts.add(
            RnnDataDescriptor.create(
                device, type, shape.layout(), shape.time(), lengths, config.outputSize()));
    stateDescriptor =
        parts.add(
            TensorDescriptor.create(
                device, type, config.pseudoLayers(), shape.batch(), config.projectionSize()));
    cellStateDescriptor =
        parts.add(
            TensorDescriptor.create(
                device, type, config.pseudoLayers(), shape.batch(), config.hiddenSize()));
    // Every call is given the whole workspace, so it must be enough for each kind of call.
    var inference = descriptor.tempSpace(ForwardMode.INFERENCE, xDescriptor);
    var space = mode == ForwardMode.TRAINING ? descriptor.tempSpace(mode, xDescriptor) : inference;
    workspace =
        parts.add(
            DeviceBuffer.allocate(
                device, ElementType.UINT8, Math.max(space.workspace(), inference.workspace())));
    reserve = parts.add(DeviceBuffer.allocate(device, ElementType.UINT8, space.reserve()));
  }

  /**
   * Makes what the calls need.
   *
   * @param mode whether there will be calls in training
   * @throws CudnnException if cuDNN does not have the algorithm for this network and shape
   * @throws io.github.cudnn4j.cuda.DeviceOutOfMemoryException if it does not fit into the device
   */
  static CudnnRnn create(Rnn rnn, SequenceShape shape, ForwardMode mode, RnnAlgorithm algorithm) {
    Parts parts = new Parts();
    try {
      return new CudnnRnn(rnn, shape, mode, algorithm, parts);
    } catch (Throwable t) {
      throw parts.abandon(t);
    }
  }

  RnnAlgorithm algorithm() {
    return algorithm;
  }

  long workspaceBytes() {
    return workspace.bytes();
  }

  long reserveBytes() {
    return reserve.bytes();
  }

  /** Whether weights lie where they lie for the algorithm that the network asked first. */
  boolean findsWeights() {
    DeviceBuffer weights = rnn.weights().space();
    return descriptor.weightSpaceBytes() == weights.bytes()
        && descriptor.weightSlots(weights).equals(rnn.weights().slots());
  }

  /** Sets the lengths for the calls that follow. */
  void setLengths(int[] lengths) {
    xDescriptor.setLengths(lengths);
    yDescriptor.setLengths(lengths);
  }

  /** Queues a forward pass. */
  void forward(ForwardMode mode, DeviceBuffer x, DeviceBuffer y, RnnStates states) {
    DeviceBuffer weights = rnn.weights().space();
    boolean training = mode == ForwardMode.TRAINING;
    CudnnException.check(
        Cudnn.cudnnRNNForward(
            handle.pointer(),
            descriptor.pointer(),
            mode.code(),
            MemorySegment.NULL,
            xDescriptor.pointer(),
            x.pointer(),
            yDescriptor.pointer(),
            y.pointer(),
            stateDescriptor.pointer(),
            pointer(states.hx()),
            pointer(states.hy()),
            cellStateDescriptor.pointer(),
            pointer(states.cx()),
            pointer(states.cy()),
            weights.bytes(),
            weights.pointer(),
            workspace.bytes(),
            workspace.pointer(),
            training ? reserve.bytes() : 0,
            training ? reserve.pointer() : MemorySegment.NULL),
        "cudnnRNNForward",
        this);
  }

  /**
   * Queues the backward half of a pass, whose operands of the forward half are x, y and states;
   * adds to the gradients of the weights.
   */
  void backward(
      DeviceBuffer x,
      DeviceBuffer y,
      RnnStates states,
      DeviceBuffer dy,
      DeviceBuffer dx,
      RnnStateGradients gradients,
      DeviceBuffer weightGradients) {
    DeviceBuffer weights = rnn.weights().space();
    CudnnException.check(
        Cudnn.cudnnRNNBackwardData_v8(
            handle.pointer(),
            descriptor.pointer(),
            MemorySegment.NULL,
            yDescriptor.pointer(),
            y.pointer(),
            dy.pointer(),
            xDescriptor.pointer(),
            dx.pointer(),
            stateDescriptor.pointer(),
            pointer(states.hx()),
            pointer(gradients.dhy()),
            pointer(gradients.dhx()),
            cellStateDescriptor.pointer(),
            pointer(states.cx()),
            pointer(gradients.dcy()),
            pointer(gradients.dcx()),
            weights.bytes(),
            weights.pointer(),
            workspace.bytes(),
            workspace.pointer(),
            reserve.bytes(),
            reserve.pointer()),
        "cudnnRNNBackwardData_v8",
        this);
    CudnnException.check(
        Cudnn.cudnnRNNBackwardWeights_v8(
            handle.pointer(),
            descriptor.pointer(),
            Cudnn.CUDNN_WGRAD_MODE_ADD(),
            MemorySegment.NULL,
            xDescriptor.pointer(),
            x.pointer(),
            stateDescriptor.pointer(),
            pointer(states.hx()),
            yDescriptor.pointer(),
            y.pointer(),
            weightGradients.bytes(),
            weightGradients.pointer(),
            workspace.bytes(),
            workspace.pointer(),
            reserve.bytes(),
            reserve.pointer()),
        "cudnnRNNBackwardWeights_v8",
        this);
  }

  private static MemorySegment pointer(@Nullable DeviceBuffer buffer) {
    return buffer == null ? MemorySegment.NULL : buffer.pointer();
  }

  @Override
  public void close() {
    parts.close();
  }

  /** The network, the shape and the algorithm in a few words. */
  @Override
  public String toString() {
    return rnn + ", " + shape + (rnn.config().algorithm() == null ? " by " + algorithm : "");
  }
}
