package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.DeviceBuffer;
import io.github.cudnn4j.cuda.Parts;

/** The operands of a plan for packed sequences; those for going backward are empty if it cannot. */
record PackedOperands(
    DeviceBuffer x,
    DeviceBuffer y,
    DeviceBuffer dx,
    DeviceBuffer dy,
    RnnStates states,
    RnnStateGradients gradients) {

  /**
   * Allocates them.
   *
   * @param vectors the sum of the lengths
   * @param rows the sequences
   * @param parts takes over what is made
   */
  static PackedOperands allocate(Rnn rnn, long vectors, int rows, boolean trains, Parts parts) {
    RnnConfig config = rnn.config();
    long x = vectors * config.inputSize();
    long y = vectors * config.outputSize();
    long h = (long) config.pseudoLayers() * rows * config.projectionSize();
    long c = (long) config.pseudoLayers() * rows * config.hiddenSize();
    boolean cell = config.hasCellState();
    return new PackedOperands(
        buffer(rnn, x, parts),
        buffer(rnn, y, parts),
        buffer(rnn, trains ? x : 0, parts),
        buffer(rnn, trains ? y : 0, parts),
        new RnnStates(
            buffer(rnn, h, parts),
            cell ? buffer(rnn, c, parts) : null,
            buffer(rnn, h, parts),
            cell ? buffer(rnn, c, parts) : null),
        trains
            ? new RnnStateGradients(
                buffer(rnn, h, parts),
                cell ? buffer(rnn, c, parts) : null,
                buffer(rnn, h, parts),
                cell ? buffer(rnn, c, parts) : null)
            : RnnStateGradients.NONE);
  }

  /** Those of the states that the caller's have: cuDNN computes more where it gets more. */
  RnnStates statesFor(RnnStates callers) {
    if (callers.equals(RnnStates.NONE)) {
      return RnnStates.NONE;
    }
    return new RnnStates(
        callers.hx() == null ? null : states.hx(),
        callers.cx() == null ? null : states.cx(),
        callers.hy() == null ? null : states.hy(),
        callers.cy() == null ? null : states.cy());
  }

  /** Those of the states' gradients that the caller's have. */
  RnnStateGradients gradientsFor(RnnStateGradients callers) {
    if (callers.equals(RnnStateGradients.NONE)) {
      return RnnStateGradients.NONE;
    }
    return new RnnStateGradients(
        callers.dhy() == null ? null : gradients.dhy(),
        callers.dcy() == null ? null : gradients.dcy(),
        callers.dhx() == null ? null : gradients.dhx(),
        callers.dcx() == null ? null : gradients.dcx());
  }

  private static DeviceBuffer buffer(Rnn rnn, long elements, Parts parts) {
    return parts.add(DeviceBuffer.allocate(rnn.device(), rnn.config().type(), elements));
  }
}
