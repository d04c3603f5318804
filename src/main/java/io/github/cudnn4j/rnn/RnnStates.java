package io.github.cudnn4j.rnn;

import io.github.cudnn4j.cuda.DeviceBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Where a forward pass reads its initial states and writes its final ones; it borrows the buffers.
 *
 * <p>Each is {@code [L*D, B, P]} or, of c, {@code [L*D, B, H]} on the device, in the type of the
 * network; {@link RnnPlan#stateElements} and {@link RnnPlan#cellStateElements} are their sizes.
 * Only an LSTM has {@code cx} and {@code cy}. No two of them may overlap.
 *
 * <p>For truncated backpropagation through time, two of these with the same buffers carry the state
 * from one window to the next without a copy:
 *
 * <pre>{@code
 * RnnStates even = new RnnStates(h0, c0, h1, c1);
 * RnnStates odd = even.swapped();
 * for (int window = 0; window < windows; window++) {
 *   plan.forward(x[window], y, window % 2 == 0 ? even : odd).backward(dy, null);
 * }
 * }</pre>
 *
 * <p>A captured graph has its buffers in it, so this takes one graph for each of the two. Where
 * that is in the way, copy {@code hy} to {@code hx}.
 *
 * @param hx initial state; null for zeros
 * @param cx initial cell state; null for zeros
 * @param hy receives the state after the last step of each sequence; null if not wanted
 * @param cy receives the cell state after the last step of each sequence; null if not wanted
 */
public record RnnStates(
    @Nullable DeviceBuffer hx,
    @Nullable DeviceBuffer cx,
    @Nullable DeviceBuffer hy,
    @Nullable DeviceBuffer cy) {

  /** Starts from zeros and keeps no final state. */
  public static final RnnStates NONE = new RnnStates(null, null, null, null);

  /** The states of a cell without cell state. */
  public static RnnStates of(@Nullable DeviceBuffer hx, @Nullable DeviceBuffer hy) {
    return new RnnStates(hx, null, hy, null);
  }

  /** These with initial and final states in each other's places. */
  public RnnStates swapped() {
    return new RnnStates(hy, cy, hx, cx);
  }
}
