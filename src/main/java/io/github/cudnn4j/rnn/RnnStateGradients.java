package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.DeviceBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Where a backward pass reads the gradients of the final states and writes those of the initial
 * ones; it borrows the buffers.
 *
 * <p>Each is {@code [L*D, B, P]} or, of c, {@code [L*D, B, H]} on the device, in the type of the
 * network; {@link RnnPlan#stateElements} and {@link RnnPlan#cellStateElements} are their sizes.
 * Only an LSTM has {@code dcy} and {@code dcx}. No two of them may overlap.
 *
 * @param dhy gradient of the final state; null for zeros
 * @param dcy gradient of the final cell state; null for zeros
 * @param dhx receives the gradient of the initial state; null if not wanted
 * @param dcx receives the gradient of the initial cell state; null if not wanted
 */
public record RnnStateGradients(
    @Nullable DeviceBuffer dhy,
    @Nullable DeviceBuffer dcy,
    @Nullable DeviceBuffer dhx,
    @Nullable DeviceBuffer dcx) {

  /** No gradient comes through the final states, and none is wanted for the initial ones. */
  public static final RnnStateGradients NONE = new RnnStateGradients(null, null, null, null);

  /** The gradients of a cell without cell state. */
  public static RnnStateGradients of(@Nullable DeviceBuffer dhy, @Nullable DeviceBuffer dhx) {
    return new RnnStateGradients(dhy, null, dhx, null);
  }
}
